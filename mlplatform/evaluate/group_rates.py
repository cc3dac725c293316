"""Rows of each group, counted by what their label is and what each model says of them."""

import numpy as np

from mlplatform.evaluate.contest import Answers, Contest, right
from mlplatform.evaluate.metrics import THRESHOLD
from mlplatform.evaluate.partitions import Partition
from mlplatform.spec.performance_gates import FairnessGate
from mlplatform.statistics.group_gaps import Bools, Counts, Rate


def cells_of(both: Contest, part: Partition) -> tuple[Counts, Bools]:
    """Return int64[groups, cells], and bool[cells, bits]: of two classes the label, then what each says.

    Of several classes there is no such label; then it is whether each is right.
    """
    models: list[Answers] = [both.mine, *([both.theirs] if both.theirs is not None else [])]
    if both.predicts.task == "binary":
        bits = [both.labels.astype(bool), *(said >= THRESHOLD for said in models)]
    else:
        every = np.ones(both.rows, dtype=bool)
        bits = [every, *(right(both.predicts, both.labels, said) for said in models)]
    cell = np.zeros(both.rows, dtype=np.int64)
    for bit in bits:
        cell = 2 * cell + bit
    kinds = 2 ** len(bits)
    groups = len(part.values)
    cells = np.bincount(part.code * kinds + cell, minlength=groups * kinds)
    places = np.arange(kinds)[:, None] >> np.arange(len(bits))[::-1]
    return cells.reshape(groups, kinds).astype(np.int64), (places & 1).astype(bool)


def counted(sizes: Counts, rows: Counts, policy: FairnessGate) -> Bools:
    """Return bool[groups]: which count by a rate over `rows` of their `sizes` rows, see `FairnessGate`."""
    common = (sizes >= policy.min_rows) & (sizes >= policy.min_share * sizes.sum())
    return np.asarray(common | (rows >= policy.min_rows))


def rates_of(
    cells: Counts, meaning: Bools, model: int, names: set[str], policy: FairnessGate
) -> dict[str, Rate]:
    """Return the rates of the model at that place, each judged of the groups that count by it."""
    label, said = meaning[:, 0], meaning[:, 1 + model]
    every = np.ones(len(label), dtype=bool)
    defined = {
        "accuracy": (label == said, every),
        "true_positive_rate": (said, label),
        "false_positive_rate": (said, ~label),
        "selection_rate": (said, every),
    }
    return {n: _rate(cells, *of, policy) for n, of in defined.items() if n in names}


def _rate(cells: Counts, hits: Bools, of: Bools, policy: FairnessGate) -> Rate:
    rows = cells[:, of].sum(1)
    asked = counted(cells.sum(1), rows, policy)
    return Rate(hits, of, asked & (rows > 0), complete=not bool((asked & (rows == 0)).any()))
