"""What single columns and whole rows hold: missing values, repeats, ranges, outliers."""

import math
from typing import TYPE_CHECKING, Literal

from mlplatform.measures import Copies, Duplicates, MissingSeen, OutliersSeen, RangeSeen
from mlplatform.spec import PipelineSpec
from mlplatform.spec.data_gates import OutliersGate
from mlplatform.validate.measure.shifts import comparable, meant_to_move
from mlplatform.validate.scan import ColumnView, Histogram, Scan, View
from mlplatform.validate.sensitive import shown

if TYPE_CHECKING:
    from mlplatform.validate.measure import Views

NORMAL_MAD = 1.4826  # Deviations of a normal to its median absolute deviation (Hampel 1974).
NORMAL_MEAN_AD = 1.2533  # The same to its mean one: sqrt(pi / 2) (Iglewicz & Hoaglin 1993).
YEAR = 365 * 86_400e6  # Microseconds: a time may lie as far off, however short the reference.
SHOWN = 3  # Values outside a domain that are named.


def missing(seen: "Views") -> list[MissingSeen] | None:
    """Return the missing values of every column; `None` without rows."""
    if not seen.whole.rows:
        return None
    new = seen.new.columns if seen.judges_new else {}
    before = seen.reference.columns if seen.reference else {}
    return [
        MissingSeen(
            column=name,
            rows=column.rows,
            missing=column.missing,
            new_rows=new[name].rows if name in new else 0,
            new_missing=new[name].missing if name in new else 0,
            reference_rows=before[name].rows if name in before else 0,
            reference_missing=before[name].missing if name in before else 0,
        )
        for name, column in seen.whole.columns.items()
    ]


def repeated(seen: "Views", key: tuple[str, ...]) -> Duplicates | None:
    """Return the rows that repeat an earlier one; `None` where they were not counted.

    With a key, its repeats and those of the content beside it; without one, those of whole rows
    and, where columns are unused, those of the others.
    """
    scan, whole = seen.whole.scan, seen.whole.duplicates
    if whole.repeated is None:
        return None
    partial = bool(key) or len(scan.content) < len(scan.types)
    rows = None if key else _copies(seen, "key_repeated" if partial else "repeated")
    return Duplicates(
        rows=seen.whole.rows,
        repeated=rows.repeated if rows else None,
        key=key,
        key_repeated=whole.key_repeated if key else None,
        new_rows=seen.new.rows if seen.judges_new else 0,
        new_repeated=rows.new_repeated if rows else 0,
        reference_share=rows.reference_share if rows else None,
        reference_rows=rows.reference_rows if rows else 0,
        content=_copies(seen, "repeated") if partial else None,
        exact=whole.exact,
    )


def _copies(seen: "Views", counted: Literal["repeated", "key_repeated"]) -> Copies | None:
    whole, known = (getattr(view.duplicates, counted) for view in (seen.whole, seen.known))
    if whole is None:
        return None
    before = seen.reference
    same = before is not None and _same_columns(before.scan, seen.whole.scan)
    repeated = getattr(before.duplicates, counted) if before and same and before.rows else None
    return Copies(
        repeated=whole,
        new_repeated=whole - (known or 0) if seen.judges_new else 0,
        reference_share=repeated / before.rows if before and repeated is not None else None,
        reference_rows=before.rows if before and repeated is not None else 0,
    )


def _same_columns(one: Scan, other: Scan) -> bool:
    """Whether both hashed the same columns: shares of repeats by others cannot be compared."""
    of_one, of_other = ((s.key, set(s.content), set(s.types)) for s in (one, other))
    return of_one == of_other


def ranges(spec: PipelineSpec, seen: "Views") -> list[RangeSeen]:
    """Return the extremes of numbers and times, and what lies outside limits and domains.

    Only numbers whose distribution is compared are held against the reference's range: a key, a
    cursor, and what names rows grow for ever. Declared limits hold for all. Times move on: they may
    lie as far beyond the reference's as the newest event does, or anywhere where there is none;
    whether the event's own time is in the future is asked of freshness.
    """
    policy, event_time = spec.data_gates.value_ranges, spec.event_time
    before = _held_against(spec, seen.reference)
    moved = _moved_on(seen, event_time)
    found = []
    for name, column in seen.judged.columns.items():
        # New rows would hide in a large table, and old ones may be outside of limits set since.
        worse = max(column, seen.whole.columns[name], key=_share_outside)
        if worse.histogram is not None:
            later = math.inf if name == event_time else moved
            limits = _stretched(before.get(name), policy.stretch, later)
            found.append(_numbers(name, worse, worse.histogram, before.get(name), limits))
        elif name in policy.domains:
            found.append(_domain(name, worse, policy.domains[name]))
    return found


def _held_against(spec: PipelineSpec, reference: View | None) -> dict[str, ColumnView]:
    """Return the reference's columns that numbers, and times of the same type, are held against."""
    if reference is None:
        return {}
    times = [
        name
        for name, column in reference.columns.items()
        if column.type == "timestamp" == spec.columns.get(name)
        and (name == spec.event_time or name not in meant_to_move(spec))
    ]
    return {name: reference.columns[name] for name in [*comparable(spec, reference), *times]}


def _share_outside(column: ColumnView) -> float:
    return (column.outside + column.not_finite) / max(column.present, 1)


def _numbers(
    name: str,
    column: ColumnView,
    values: Histogram,
    before: ColumnView | None,
    limits: tuple[float, float],
) -> RangeSeen:
    is_time = column.type == "timestamp"
    least, most = (before.minimum, before.maximum) if before else (None, None)
    beyond = 0
    if least is not None and most is not None:
        beyond = 0 if is_time else values.outside(least, most)
    return RangeSeen(
        column=name,
        values=column.present,
        least=column.minimum,
        most=column.maximum,
        not_finite=column.not_finite,
        outside=column.outside,
        reference_least=least,
        reference_most=most,
        reference_values=before.present if before else 0,
        stretched=values.outside(*limits),
        beyond=beyond,
        is_time=is_time,
    )


def _moved_on(seen: "Views", event_time: str | None) -> float:
    """Microseconds that the newest event judged lies after the reference's; infinite if unknown."""
    if event_time is None or seen.reference is None or not seen.reference.rows:
        return math.inf
    was = seen.reference.columns.get(event_time)
    now = seen.judged.columns[event_time].maximum
    before = was.maximum if was is not None and was.type == "timestamp" else None
    return math.inf if now is None or before is None else max(now - before, 0.0)


def _stretched(before: ColumnView | None, stretch: float, later: float) -> tuple[float, float]:
    """Least and most that do not lie far outside the reference's range."""
    if before is None or before.minimum is None or before.maximum is None:
        return -math.inf, math.inf
    least, most = before.minimum, before.maximum
    if before.type == "timestamp":
        span = max(most - least, YEAR)
        return least - stretch * span, most + stretch * span + later
    span = (most - least) or max(abs(most), 1.0)  # A constant may change by its own size.
    return least - stretch * span, most + stretch * span


def _domain(name: str, column: ColumnView, domain: list[str]) -> RangeSeen:
    strange = [value for value in column.counts if value not in set(domain)][:SHOWN]
    told = ", ".join(f"{shown(value)!r}" for value in strange)
    return RangeSeen(
        column=name,
        values=column.present,
        least=None,
        most=None,
        outside=column.outside,
        worst=f"among them {told}" if told else "",
    )


def outliers(spec: PipelineSpec, seen: "Views") -> list[OutliersSeen]:
    """Return how many numbers lie far from the reference's median, or from their own without one.

    With a reference, of the columns whose distribution is compared.
    """
    before, policy = _held_against(spec, seen.reference), spec.data_gates.outliers
    return [
        _outliers(
            name, column.histogram, before[name].histogram if name in before else None, policy
        )
        for name, column in seen.judged.columns.items()
        if column.histogram is not None
        and column.type != "timestamp"
        and (seen.reference is None or name in before)
    ]


def _outliers(
    name: str, values: Histogram, before: Histogram | None, policy: OutliersGate
) -> OutliersSeen:
    of = before if before is not None and before.rows else values
    median = of.quantile(0.5)
    if median is None:
        return OutliersSeen(column=name, values=0, outliers=0, median=None, deviation=None)
    deviation = robust_deviation(of, median)
    far = median - policy.max_z * deviation, median + policy.max_z * deviation
    share = before.outside(*far) / before.rows if before is not None and before.rows else None
    return OutliersSeen(
        column=name,
        values=values.rows,
        outliers=values.outside(*far),
        median=median,
        deviation=deviation,
        reference_share=share,
        reference_values=before.rows if before is not None else 0,
    )


def robust_deviation(values: Histogram, median: float) -> float:
    """Return the deviation of a normal with the same median absolute deviation (MAD).

    Where more than half of the values are equal the MAD is 0: then that of a normal with the same
    mean absolute deviation, which is 0 for a constant alone; of that, any other value is far.
    """
    mad = values.deviation_from(median) or 0.0
    if mad:
        return NORMAL_MAD * mad
    return NORMAL_MEAN_AD * float(abs(values.values - median) @ values.counts) / values.rows
