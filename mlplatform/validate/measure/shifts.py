"""How far each column of the rows judged lies from the reference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlplatform.measures import ShiftSeen
from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import vector_width
from mlplatform.spec.source import SqlSource
from mlplatform.validate import distance
from mlplatform.validate.anomalies import Distance
from mlplatform.validate.measure.clock import clocks
from mlplatform.validate.scan import ColumnView, Histogram, View
from mlplatform.validate.sensitive import shown

Counts = NDArray[np.int64]
RARE = 0.01  # A value with less of the reference counts as another: too few to compare shares of.
MOST_VALUES = 20  # Compared one by one; PSI of more bins is mostly noise.
UNIQUE = 0.9  # Distinct values a row from which a column names rows, and says nothing else.
OTHER = "(other)"
DOUBLED = 2
SHOWN = 3  # New values that are named.


def comparable(spec: PipelineSpec, reference: View) -> list[str]:
    """Return the columns whose distribution is compared, in order.

    Not times and what names rows, which are meant to move; not vectors, which have no distribution
    that one number tells; not the label, which has gates of its own; not what no feature may use;
    and not what the reference has no value of.
    """
    barred = {spec.label.column, spec.event_time, *meant_to_move(spec)}
    return [
        name
        for name, column in reference.columns.items()
        if name in spec.columns
        and name not in barred
        and column.type != "timestamp"
        and not vector_width(column.type)
        and spec.columns[name] == column.type
        and column.present
        and not names_rows(column)
    ]


def not_compared(spec: PipelineSpec, reference: View | None) -> dict[str, str]:
    """Return the columns that are not compared with this reference though they say something, and why."""
    if reference is None:
        return {}
    found = {}
    for name, kind in spec.columns.items():
        before = reference.columns.get(name)
        if before is None:
            found[name] = "not in the reference"
        elif before.type != kind:
            found[name] = f"{kind}, in the reference {before.type}"
        elif not before.present:
            found[name] = "without a value in the reference"
        elif vector_width(kind):
            found[name] = "vectors are not compared"
    label, counted = spec.label.column, spec.label.task != "regression"
    if label and label not in found and counted and reference.scan.label != label:
        found[label] = f"not the reference's label, {reference.scan.label}"
    return found


def meant_to_move(spec: PipelineSpec) -> set[str]:
    """Return the key's columns, those unused, and the cursor by which a query finds what is new."""
    cursor = spec.source.cursor if isinstance(spec.source, SqlSource) else None
    return {*spec.key, *spec.unused, *([cursor] if cursor else [])}


def names_rows(column: ColumnView) -> bool:
    """Whether nearly every row has a value of its own, other than a measurement."""
    return column.type in ("int64", "string") and column.distinct > UNIQUE * column.present


def shifts(
    spec: PipelineSpec, judged: View, reference: View | None, distances: Sequence[Distance] | None
) -> list[ShiftSeen] | None:
    """Return the distances of every comparable column; `None` without a reference or rows.

    `distances` are TFDV's; `None` where it was not asked. It measures every column that has values
    on both sides, and every comparable one has; but for numbers whose range exceeds a double.
    """
    if reference is None or not judged.rows:
        return None
    tfdv: dict[str, dict[str, Any]] = {}
    for one in distances or ():
        tfdv.setdefault(one.column, {})[one.kind] = one.value
    found = [
        _shift(name, judged.columns[name], reference.columns[name], tfdv.get(name, {}))
        for name in comparable(spec, reference)
    ]
    if distances is not None:
        found = [replace(one, tfdv=_by_tfdv(judged.columns[one.column])) for one in found]
    return found + clocks(spec, judged, reference)


def of_label(spec: PipelineSpec, judged: View, reference: View | None) -> ShiftSeen | None:
    """Return how far a label that is a number lies from the reference; None: there is none like it."""
    name = spec.label.column
    before = reference.columns.get(name) if reference else None
    if before is None or before.histogram is None or not before.present:
        return None
    return _shift(name, judged.columns[name], before, {})


def _by_tfdv(now: ColumnView) -> Literal["", "l_infinity", "jensen_shannon"]:
    """Which distance TFDV measures of a column that the reference has values of."""
    if not now.present:
        return ""
    return "l_infinity" if now.histogram is None else "jensen_shannon"


def _shift(name: str, now: ColumnView, before: ColumnView, tfdv: Mapping[str, Any]) -> ShiftSeen:
    if not now.present:
        return ShiftSeen(column=name, rows=0, reference_rows=before.present)
    if now.histogram is not None and before.histogram is not None:
        found = _of_numbers(now, before, now.histogram, before.histogram)
    else:
        found = _of_categories(now, before)
    return ShiftSeen(column=name, **found, **tfdv)


def _of_numbers(
    now: ColumnView, before: ColumnView, values: Histogram, reference: Histogram
) -> dict[str, Any]:
    if not values.rows or values.frame != reference.frame:
        return {"rows": 0, "reference_rows": reference.rows}
    cuts = reference.deciles()
    coarse, base = values.coarse(cuts), reference.coarse(cuts)
    aligned = Aligned.of(values, reference)
    far, p = distance.ks(aligned.before, aligned.now)
    return {
        "rows": values.rows,
        "reference_rows": reference.rows,
        "psi": distance.psi(base, coarse),
        "expected_psi": distance.expected_psi(base, coarse),
        "ks": far,
        "ks_p": p,
        "mean": now.mean,
        "reference_mean": before.mean,
        "reference_deviation": before.deviation,
        "worst": _worst(_spans(reference, cuts), coarse, base),
        **_spike(aligned.values, aligned.now, aligned.before, words=lambda value: f"{value:g}"),
    }


@dataclass(frozen=True)
class Aligned:
    """Counts of two histograms in the bins that either has."""

    values: NDArray[np.float64]
    now: Counts
    before: Counts

    @classmethod
    def of(cls, now: Histogram, before: Histogram) -> "Aligned":
        """Return both in ascending bins; their frames are equal."""
        ranks = np.union1d(now.ranks, before.ranks)
        values, counts = np.zeros(len(ranks)), []
        for part in (now, before):
            places = np.searchsorted(ranks, part.ranks)
            values[places] = part.values
            counts.append(np.zeros(len(ranks), np.int64))
            counts[-1][places] = part.counts
        return cls(values, counts[0], counts[1])


def _of_categories(now: ColumnView, before: ColumnView) -> dict[str, Any]:
    common = [v for v, rows in before.counts.items() if rows >= RARE * before.present]
    common = common[:MOST_VALUES]
    base, coarse = (_binned(column, common) for column in (before, now))
    values = list(dict.fromkeys([*now.counts, *before.counts]))
    single = [np.array([c.counts.get(v, 0) for v in values], np.int64) for c in (now, before)]
    return {
        "rows": now.present,
        "reference_rows": before.present,
        "psi": distance.psi(base, coarse),
        "expected_psi": distance.expected_psi(base, coarse),
        "worst": _worst([*(repr(shown(value)) for value in common), OTHER], coarse, base),
        **_spike(values, *single, words=lambda value: repr(shown(value))),
        **_unseen(now, before),
    }


def _unseen(now: ColumnView, before: ColumnView) -> dict[str, Any]:
    """Rows with values that the reference lacks; about its values seen once are to be expected.

    The share of a sample's values seen once estimates that of values still unseen (Good 1953,
    Biometrika 40:237). Where not every value of the reference is counted nothing can be said.
    """
    if before.lost or before.other:
        return {}
    strange = [value for value in now.counts if value not in before.counts]
    return {
        "unseen": sum(now.counts[value] for value in strange) + now.other,
        "reference_once": sum(rows == 1 for rows in before.counts.values()),
        "unseen_values": tuple(shown(value) for value in strange[:SHOWN]),
    }


def _binned(column: ColumnView, common: Sequence[str]) -> Counts:
    counts = [column.counts.get(value, 0) for value in common]
    return np.array([*counts, column.present - sum(counts)], np.int64)


def _spike(
    values: Sequence[Any] | NDArray[np.float64],
    now: Counts,
    before: Counts,
    *,
    words: Callable[[Any], str],
) -> dict[str, Any]:
    """The value whose share rose most, of those whose share more than doubled."""
    share, was = now / max(now.sum(), 1), before / max(before.sum(), 1)
    rose = np.where(share > DOUBLED * was, share - was, 0.0)
    if not len(rose) or not rose.max() > 0:
        return {}
    best = int(np.argmax(rose))
    return {
        "spike": words(values[best]),
        "spike_rows": int(now[best]),
        "spike_reference_rows": int(before[best]),
        "spike_tried": len(values),
    }


def _worst(names: Sequence[str], now: Counts, before: Counts) -> str:
    share, was = now / now.sum(), before / before.sum()
    best = int(np.argmax(np.abs(share - was)))
    return f"{names[best]}: {share[best]:.1%} of values, in the reference {was[best]:.1%}"


def _spans(histogram: Histogram, cuts: NDArray[np.int64]) -> list[str]:
    ends = histogram.edges(cuts)
    if not len(ends):
        return ["any"]
    edges = [f"{edge:g}" for edge in ends]
    inner = [f"{low} to {high}" for low, high in pairwise(edges)]
    if len(ends) > 1 and ends[0] < histogram.least:  # A cut just below all data has no number.
        edges[0] = f"{histogram.least:g}"
        inner[0] = edges[0] if edges[1] == edges[0] else f"{edges[0]} to {edges[1]}"
        return [f"below {edges[0]}", *inner, f"above {edges[-1]}"]
    return [f"up to {edges[0]}", *inner, f"above {edges[-1]}"]
