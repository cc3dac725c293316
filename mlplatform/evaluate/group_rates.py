"""Rows of each group, counted by what their label is and what each model says of them."""

import numpy as np

from mlplatform.evaluate.contest import Answers, Contest, right
from mlplatform.evaluate.metrics import THRESHOLD
from mlplatform.evaluate.partitions import Partition
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


def rates_of(
    cells: Counts, meaning: Bools, model: int, names: set[str], min_rows: int
) -> dict[str, Rate]:
    """Return the rates of the model at that place, each judged where it is over enough rows."""
    label, said = meaning[:, 0], meaning[:, 1 + model]
    every = np.ones(len(label), dtype=bool)
    defined = {
        "accuracy": (label == said, every),
        "true_positive_rate": (said, label),
        "false_positive_rate": (said, ~label),
        "selection_rate": (said, every),
    }
    return {
        name: Rate(hits, of, cells[:, of].sum(1) >= min_rows)
        for name, (hits, of) in defined.items()
        if name in names
    }
