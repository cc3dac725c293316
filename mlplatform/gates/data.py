"""Gates on a dataset version, before anything is trained on it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from mlplatform.gates.answer import finite, refused
from mlplatform.spec.data_gates import FreshnessGate, MissingGate, RowCountGate, SchemaGate
from mlplatform.verdict import Outcome, Verdict

SECONDS_PER_DAY = 86_400
CLOCK_SKEW_DAYS = 1.0  # Time zones written as UTC are off by up to 14 hours; more is a wrong clock.
LEAST_SHARE = 0.5  # Of the reference's rows. Half the rows gone is a cut-off load, not the world.
NAMED = 5  # Columns named in a sentence; the evidence has them all.


class Anomaly(Protocol):
    """One way in which the data departs from the accepted schema."""

    @property
    def column(self) -> str:
        """Name of the column, or empty where the whole table is meant."""

    @property
    def reason(self) -> str:
        """What is wrong, in a few words."""


def data_schema(anomalies: Collection[Anomaly] | None, policy: SchemaGate) -> Verdict:
    """Pass when the data shows at most `max_anomalies` departures from the accepted schema."""
    limit = policy.max_anomalies
    if anomalies is None:
        why = f"the data was not compared with the accepted schema; at most {limit} anomalies pass"
        return refused("data_schema", policy.severity, limit, why)
    seen = [f"{a.column or 'the table'}: {a.reason}" for a in anomalies]
    why = f"{len(seen)} schema anomalies, limit {limit}"
    return Verdict(
        gate="data_schema",
        outcome=Outcome.PASS if len(seen) <= limit else Outcome.FAIL,
        severity=policy.severity,
        observed=float(len(seen)),
        limit=float(limit),
        because=f"{why} ({'; '.join(seen[:NAMED])})" if seen else why,
        evidence={"anomalies": seen},
    )


def row_count(rows: int | None, reference_rows: int | None, policy: RowCountGate) -> Verdict:
    """Pass with at least `minimum` rows, and not fewer than half of the reference version's.

    `reference_rows` is `None` for the first version, which has nothing before it.
    """
    observed, before = finite(rows), finite(reference_rows)
    if observed is None:
        why = f"the rows were not counted; at least {policy.minimum} are needed"
        return refused("row_count", policy.severity, policy.minimum, why)
    enough = observed >= policy.minimum
    kept = before is None or observed >= LEAST_SHARE * before
    why = f"{observed:,.0f} rows, at least {policy.minimum:,} needed"
    if before is not None:
        why += f"; the version before had {before:,.0f}"
        why += "" if kept else f", and fewer than {LEAST_SHARE:.0%} of those are left"
    return Verdict(
        gate="row_count",
        outcome=Outcome.PASS if enough and kept else Outcome.FAIL,
        severity=policy.severity,
        observed=observed,
        limit=float(policy.minimum),
        baseline=before,
        because=why,
    )


def freshness(newest: datetime | None, now: datetime, policy: FreshnessGate) -> Verdict:
    """Pass when the newest row is at most `max_age_days` old at `now`, and not from the future."""
    limit = policy.max_age_days
    if newest is None or newest.tzinfo is None or now.tzinfo is None:
        known = "has no time zone" if newest is not None else "is not known"
        why = f"the time of the newest row {known}; it must be at most {limit:g} days old"
        return refused("freshness", policy.severity, limit, why)
    age = (now - newest).total_seconds() / SECONDS_PER_DAY
    why = f"the newest row is {age:.1f} days old ({_minute(newest)}), limit {limit:g}"
    if age < -CLOCK_SKEW_DAYS:
        why = f"the newest row is {-age:.1f} days in the future ({_minute(newest)})"
    return Verdict(
        gate="freshness",
        outcome=Outcome.PASS if -CLOCK_SKEW_DAYS <= age <= limit else Outcome.FAIL,
        severity=policy.severity,
        observed=age,
        limit=limit,
        because=why,
        evidence={"newest": newest.isoformat(), "now": now.isoformat()},
    )


def _minute(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="minutes")


def missing_values(
    shares: Mapping[str, float] | None, columns: Collection[str], policy: MissingGate
) -> Verdict:
    """Pass when no column of `columns` misses a larger share of values than it may.

    `observed` and `limit` are those of the column furthest above, or nearest to, its limit.
    """
    wanted = list(dict.fromkeys([*columns, *policy.columns]))
    measured = {name: finite((shares or {}).get(name)) for name in wanted}
    unknown = [name for name, share in measured.items() if share is None]
    if unknown or not wanted:
        names = ", ".join(unknown[:NAMED]) or "any column"
        why = f"missing values were not measured for {names}; the limit is {policy.max_share:g}"
        return refused("missing_values", policy.severity, policy.max_share, why)
    known = {name: share for name, share in measured.items() if share is not None}
    return _missing(known, {n: policy.columns.get(n, policy.max_share) for n in wanted}, policy)


def _missing(
    known: Mapping[str, float], limits: Mapping[str, float], policy: MissingGate
) -> Verdict:
    worst = max(known, key=lambda name: known[name] - limits[name])
    over = [name for name in known if not 0 <= known[name] <= limits[name]]
    also = f"; over their limits: {', '.join(over[:NAMED])}" if over else ""
    return Verdict(
        gate="missing_values",
        outcome=Outcome.FAIL if over else Outcome.PASS,
        severity=policy.severity,
        observed=known[worst],
        limit=limits[worst],
        because=f"{worst} misses {known[worst]:.2%} of values, limit {limits[worst]:.2%}{also}",
        evidence={"shares": dict(known), "over": over},
    )
