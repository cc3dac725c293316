"""Gates on single values: declared limits, the reference's range, outliers."""

from datetime import UTC, datetime, timedelta

from mlplatform.gates.answer import finite, refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, verdict
from mlplatform.measures import DataMeasured, OutliersSeen, RangeSeen
from mlplatform.spec.data_gates import OutliersGate, ValueRangesGate
from mlplatform.verdict import Verdict

EXTREMES = 2  # The least and the most of the reference.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def value_ranges(m: DataMeasured, policy: ValueRangesGate) -> Verdict:
    """Pass when values keep the declared limits, and stay near what the reference has seen."""
    gate, limit = "value_ranges", policy.max_share
    declared = {*policy.columns, *policy.domains}
    unknown = sorted(declared - {seen.column for seen in m.ranges or ()})
    if m.ranges is None or not m.rows or unknown:
        of = ", ".join(unknown) or "any column"
        why = f"values outside their limits were not counted of {of}; limit {limit:.2%} of values"
        return refused(gate, policy.severity, limit, why)
    checks = [check for seen in m.ranges for check in _checks(seen, policy) if seen.values]
    passed = f"the values of {len(m.ranges)} columns lie within their limits"
    if not m.has_reference:
        passed += f" ({len(declared)} columns have declared ones; no reference yet for the others)"
    advice = "mend the values, or set data_gates.value_ranges"
    return verdict(
        gate, policy, checks, passed=passed, limit=limit, advice=advice, alpha=policy.alpha
    )


def _checks(seen: RangeSeen, policy: ValueRangesGate) -> list[Check]:
    checks = [_declared(seen, policy)]
    if seen.reference_least is not None and seen.reference_most is not None:
        checks += [_stretched(seen, policy), _beyond(seen, policy)]
    return checks


def _declared(seen: RangeSeen, policy: ValueRangesGate) -> Check:
    bad = seen.outside + seen.not_finite
    if seen.column in policy.columns:
        least, most = policy.columns[seen.column]
        limits = f"[{'' if least is None else f'{least:g}'}, {'' if most is None else f'{most:g}'}]"
    else:
        limits = "its declared domain" if seen.column in policy.domains else "the finite numbers"
    infinite = f", {seen.not_finite:,} of them infinite" if seen.not_finite else ""
    return Check(
        column=seen.column,
        measure="share outside the declared limits, or infinite",
        observed=bad / seen.values if seen.values else None,
        limit=policy.max_share,
        expected=0.0,
        why=f"{bad:,} of {seen.values:,} values of {seen.column} lie outside {limits}{infinite}"
        f"{_seen(seen)}",
    )


def _stretched(seen: RangeSeen, policy: ValueRangesGate) -> Check:
    before = _span(seen.reference_least, seen.reference_most, is_time=seen.is_time)
    return Check(
        column=seen.column,
        measure="share far outside the reference's range",
        observed=seen.stretched / seen.values if seen.values else None,
        limit=policy.max_stretched_share,
        expected=0.0,
        why=f"{seen.stretched:,} of {seen.values:,} values of {seen.column} lie far outside the "
        f"reference's {before}{_seen(seen)}",
    )


def _beyond(seen: RangeSeen, policy: ValueRangesGate) -> Check:
    """A new sample of one population lies outside an old one's range about twice in its rows."""
    before = _span(seen.reference_least, seen.reference_most, is_time=seen.is_time)
    return Check(
        column=seen.column,
        measure="share outside the reference's range",
        observed=seen.beyond / seen.values if seen.values else None,
        limit=policy.max_beyond_share,
        expected=EXTREMES / seen.reference_values if seen.reference_values else None,
        p=chance.rise(seen.beyond, seen.values, EXTREMES, seen.reference_values),
        why=f"{seen.beyond:,} of {seen.values:,} values of {seen.column} lie outside the "
        f"reference's {before}{_seen(seen)}",
    )


def _seen(seen: RangeSeen) -> str:
    if seen.worst:
        return f" ({seen.worst})"
    if seen.least is None or seen.most is None:
        return ""
    return f" (seen: {_span(seen.least, seen.most, is_time=seen.is_time)})"


def _span(least: float | None, most: float | None, *, is_time: bool) -> str:
    return f"{_shown(least, is_time=is_time)} to {_shown(most, is_time=is_time)}"


def _shown(value: float | None, *, is_time: bool) -> str:
    if value is None:
        return "?"
    if not is_time:
        return f"{value:g}"
    try:
        return (EPOCH + timedelta(microseconds=value)).isoformat(sep=" ", timespec="minutes")
    except (OverflowError, ValueError):
        return f"{value:g} microseconds since 1970"


def outliers(m: DataMeasured, policy: OutliersGate) -> Verdict:
    """Pass when hardly more values lie far from a column's median than did in the reference."""
    gate, limit = "outliers", policy.max_increase
    if m.outliers is None or not m.rows:
        why = f"outliers were not counted; their share may rise by {limit:.2%}"
        return refused(gate, policy.severity, limit, why)
    seen = [column for column in m.outliers if column.values]
    if not m.has_reference:
        shares = {s.column: s.outliers / s.values for s in seen}
        why = f"no reference yet to compare the outliers of {len(seen)} columns with"
        return verdict(gate, policy, [], passed=why, limit=limit, evidence={"shares": shares})
    checks = [_more_outliers(s, policy) for s in seen if s.reference_share is not None]
    passed = f"outliers of {len(checks)} columns are about as many as in the reference"
    advice = "look for wrong units, sentinels and corrupted rows"
    return verdict(
        gate, policy, checks, passed=passed, limit=limit, advice=advice, alpha=policy.alpha
    )


def _more_outliers(seen: OutliersSeen, policy: OutliersGate) -> Check:
    share, rows = seen.outliers / seen.values, seen.reference_values
    parts = [finite(part) for part in (seen.median, seen.deviation, seen.reference_share)]
    known = None not in parts
    before = finite(seen.reference_share) or 0.0
    return Check(
        column=seen.column,
        measure=f"rise of the share of values with a robust z above {policy.max_z:g}",
        observed=share - before if known else None,
        limit=policy.max_increase,
        expected=before,
        p=chance.rise(seen.outliers, seen.values, round(before * rows), rows),
        why=f"{share:.2%} of {seen.column} lie more than {policy.max_z:g} deviations from the "
        f"median {_shown(seen.median, is_time=False)}, {before:.2%} of the reference, "
        f"largest rise {policy.max_increase:.2%}",
    )
