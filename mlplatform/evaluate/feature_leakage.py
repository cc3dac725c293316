"""Does one feature alone give the label away? Measured on training rows of the feature table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.evaluate.given_away import Given, given_away
from mlplatform.evaluate.made_from import BATCH_ROWS, MadeFrom, Reads
from mlplatform.features.inputs import VocabularyInput
from mlplatform.features.state import IdState
from mlplatform.ingest.split import TRAIN
from mlplatform.measures import FeatureLeakSeen
from mlplatform.spec.label import Label
from mlplatform.validate.leakage import LEAST_OF_A_CLASS, PRIOR, auc, cross_fitted
from mlplatform.validate.sensitive import shown

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

ROWS = 200_000  # An AUC of so many rows is known to 0.003.
NUMBERS = 50_000_000  # Sampled at most, of all features together: 200 MB.
BINS = 64  # Of equally many rows. What is told of the label within one is not seen.
ROWS_A_BIN = 20  # At least, so that the correction for chance holds.
CLASSES = 20  # Of several, the most frequent are looked at: a pass over the sample each.
SEED = 0  # Of the sample: the same table gives the same answer.

Counts = NDArray[np.int64]


def feature_leakage(
    pipeline: "Pipeline", lake: "Lake", features: "Version", rows: int = ROWS
) -> list[FeatureLeakSeen]:
    """Return what each feature says about the label on training rows, `rows` of them at most.

    Of several classes each of the most frequent is told from all others, and a number is above its
    median or not; the class that is told best counts. Of several columns that a feature has the best
    counts: single numbers by their order (AUC) and by which of 64 quantiles they lie in
    (information), ids by the label's rate of each. What single values give away of the rarer class counts by
    itself; see `given_away`.

    Raises:
        LakeError: If the table does not say what it was made from, or that is gone.
    """
    made = MadeFrom(pipeline, lake, features)
    names = [name for one in made.reads for name in (*one.vectors, *one.ids)]
    least = min(rows, NUMBERS // max(len(names), 1))
    sample = _sample(made, names, least)
    questions = _questions(pipeline.spec.label, sample["label"].to_numpy())
    values = _values(made)
    return [_leak(one, sample, questions, values) for one in made.reads if one.vectors or one.ids]


@dataclass(frozen=True)
class _Question:
    """Whether the label of each row is of a class, or above the median; and those it is true of, in words."""

    answer: NDArray[np.bool_]
    what: str

    @property
    def is_told_by_enough(self) -> bool:
        """Whether rows enough are on each side."""
        yes = int(self.answer.sum())
        return min(yes, len(self.answer) - yes) >= LEAST_OF_A_CLASS


def _questions(label: Label, stored: NDArray[Any]) -> list[_Question]:
    if label.task == "binary":
        asked = [_Question(stored.astype(bool), "the positive class")]
    elif label.task == "regression":
        middle = np.median(stored) if len(stored) else 0.0
        above = stored > middle if (stored > middle).any() else stored >= middle
        asked = [_Question(above, "labels above the median")]
    else:
        rows = np.bincount(stored, minlength=len(label.classes))
        most = np.argsort(-rows, kind="stable")[:CLASSES]
        asked = [_Question(stored == at, f"class {label.classes[at]}") for at in most]
    return [one for one in asked if one.is_told_by_enough]


def _leak(
    one: Reads,
    sample: pa.Table,
    questions: Sequence[_Question],
    values: Mapping[str, Sequence[str]],
) -> FeatureLeakSeen:
    rows = sample.num_rows
    if not questions:
        return FeatureLeakSeen(
            feature=one.feature, rows=rows, auc=None, information=None, given_away=None
        )
    told = []
    for name in one.vectors:
        column = sample[name].to_numpy()
        told += [_number(name, column, asked) for asked in questions]
    for name in one.ids:
        column = sample[name].to_numpy()
        told += [_ids(name, column, asked, values.get(name, ())) for asked in questions]
    best = max(told, key=lambda seen: seen.auc)
    most = max(told, key=lambda seen: seen.information)
    given = max((seen.given for seen in told), key=lambda seen: seen.share)
    # The sentence is about whatever is nearer to telling all there is to know.
    worst = best if best.auc - 0.5 >= most.information / 2 else most
    return FeatureLeakSeen(
        feature=one.feature,
        rows=rows,
        auc=best.auc,
        information=most.information,
        given_away=given.share,
        worst=worst.words,
        given=given.words,
    )


@dataclass(frozen=True)
class _Told:
    """What one column says: AUC, information as a share of the label's entropy, in words, and what it gives away."""

    auc: float
    information: float
    words: str
    given: Given


def _number(name: str, values: NDArray[np.float32], asked: _Question) -> _Told:
    numbers, negative, positive = by_value(values, asked.answer)
    area = auc(negative, positive)
    binned = quantiles(negative, positive, min(BINS, max(len(values) // ROWS_A_BIN, 2)))
    by_number = given_away(
        negative, positive, asked.what, lambda at: f"whose {name} is {numbers[at]:g}"
    )
    by_bin = given_away(
        *binned, asked.what, lambda at: f"of quantile {at + 1} of {len(binned[0])} of {name}"
    )
    way = "more" if area >= 0.5 else "less"
    words = f"the {way} {name}, the likelier {asked.what}"
    given = max(by_number, by_bin, key=lambda each: each.share)
    return _Told(max(area, 1 - area), information(*binned), words, given)


def _ids(name: str, ids: NDArray[np.int32], asked: _Question, values: Sequence[str]) -> _Told:
    label = asked.answer
    found, place = np.unique(ids, return_inverse=True)
    counts = (
        np.bincount(place[~label], minlength=len(found)),
        np.bincount(place[label], minlength=len(found)),
    )
    # Rates are fitted on one half of the rows and judged on the other, so ids of a row each say nothing.
    area, told = cross_fitted(*counts)
    words = _telling(name, found, counts, values, asked.what)
    given = given_away(
        *counts, asked.what, lambda at: f"whose {name} is {_named(found[at], values)}"
    )
    return _Told(max(area, 0.5), max(told, 0.0), words, given)


def _telling(
    name: str,
    ids: NDArray[np.int32],
    counts: tuple[Counts, Counts],
    values: Sequence[str],
    what: str,
) -> str:
    """The id whose rows are furthest from the label's own shares, by their likelihood."""
    negative, positive = counts
    rows, base = negative + positive, positive.sum() / (negative.sum() + positive.sum())
    rate = (positive + PRIOR * base) / (rows + PRIOR)
    told = rate * np.log(rate / base) + (1 - rate) * np.log((1 - rate) / (1 - base))
    best = int(np.argmax(rows * told))
    share = positive[best] / rows[best]
    value = _named(ids[best], values)
    return (
        f"of {rows[best]:,} rows whose {name} is {value}, {share:.1%} are of {what}, "
        f"of all {base:.1%}"
    )


def _named(id_: np.int32, values: Sequence[str]) -> str:
    return str(shown(values[int(id_)])) if id_ < len(values) else str(id_)


def _values(made: MadeFrom) -> dict[str, list[str]]:
    """Return what each id stands for, where a vocabulary says so."""
    found: dict[str, list[str]] = {}
    for state in made.encoder.states:
        given = made.encoder.inputs[state.input] if isinstance(state, IdState) else None
        if isinstance(given, VocabularyInput):
            # In the order of the ids: MISSING, UNSEEN, and the vocabulary from FIRST on.
            names = ["(missing)", "(not seen in training)", *given.vocabulary]
            found |= {name: names for name in state.ids}  # noqa: C420 - nobody changes the list.
    return found


def by_value(
    values: NDArray[np.float32], label: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], Counts, Counts]:
    """Return the distinct values, ascending, and the rows of each class at each; 0.0 and -0.0 are one.

    One sort of whole numbers, in the order of the floats and with the label as last bit, takes a
    tenth of the time of sorting places.
    """
    bits = (values + np.float32(0)).view(np.int32)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)  # Of negative numbers all bits but the sign.
    keys = (ordered.astype(np.int64) << 1) | label
    keys.sort()
    value, of_class = keys >> 1, keys & 1
    starts = np.flatnonzero(np.diff(value, prepend=value[0] - 1))
    rows = np.diff(starts, append=len(keys))
    positive = np.add.reduceat(of_class, starts)
    kept = value[starts].astype(np.int32)
    numbers = (kept ^ ((kept >> 31) & 0x7FFFFFFF)).view(np.float32)  # The same turned back.
    return numbers, rows - positive, positive


def quantiles(negative: Counts, positive: Counts, bins: int) -> tuple[Counts, Counts]:
    """Return the rows of each class in at most `bins` bins of about equally many rows.

    Equal values are in one bin: that in which their middle row lies.
    """
    rows = negative + positive
    middle = np.cumsum(rows) - (rows + 1) // 2
    place = middle * bins // rows.sum()
    counted = [np.bincount(place, part, minlength=bins) for part in (negative, positive)]
    return counted[0].astype(np.int64), counted[1].astype(np.int64)


def information(negative: Counts, positive: Counts) -> float:
    """Return the mutual information of bin and class beyond chance, as a share of the class's entropy.

    The plug-in estimate exceeds the truth by (B - 1)(C - 1)/2n nats on average, of B bins with rows
    and C = 2 classes (Miller 1955, in Information Theory in Psychology; the mean of the chi-square
    that 2n times it follows without dependence). What is left is at least 0; 0 of a single class.
    """
    cells = np.stack([negative, positive]).astype(np.float64)
    rows = cells.sum()
    shares = cells.sum(axis=1) / rows
    if shares.min() <= 0:
        return 0.0
    expected = np.outer(shares, cells.sum(axis=0))
    held = cells > 0
    told = float(np.sum(cells[held] * np.log(cells[held] / expected[held])) / rows)
    chance: float = (np.count_nonzero(cells.sum(axis=0)) - 1) / (2 * rows)
    entropy = -float(np.sum(shares * np.log(shares)))
    return min(max(told - chance, 0.0) / entropy, 1.0)


def _sample(made: MadeFrom, names: Sequence[str], most: int) -> pa.Table:
    """Return label and features of about `most` training rows, taken by chance from the whole table."""
    train = sum(_training(batch).num_rows for batch in made.stored(["part"]))
    share = most / train if train > most else 1.0
    rows = max(BATCH_ROWS // max(len(names) // 64, 1), 1024)
    dice = np.random.default_rng(SEED)
    kept = []
    for batch in made.stored(["part", "label", *names], rows):
        found = _training(batch)
        if share < 1:
            found = found.filter(pa.array(dice.random(found.num_rows) < share))
        kept.append(found)
    return pa.Table.from_batches(kept)


def _training(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.filter(pc.equal(batch.column("part"), TRAIN))
