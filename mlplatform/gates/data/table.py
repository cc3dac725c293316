"""Gates on the table as a whole: what was rejected, its schema, its size, its age."""

from collections.abc import Mapping
from datetime import datetime

from mlplatform.gates.answer import finite, refused
from mlplatform.gates.data.check import one_line, plain
from mlplatform.measures import Anomaly, DataMeasured, Malformed
from mlplatform.spec.data_gates import (
    FreshnessGate,
    MalformedRowsGate,
    RowCountGate,
    SchemaGate,
)
from mlplatform.verdict import Outcome, Verdict

SECONDS_PER_DAY = 86_400
CLOCK_SKEW_DAYS = 1.0  # Time zones written as UTC are off by up to 14 hours; more is a wrong clock.
REVIEW = (
    "mend the data; if it is right, see `mlplatform schema diff` and say `mlplatform schema accept`"
)
TOLD_CHARACTERS = 200  # Of an anomaly in a sentence: it may list hundreds of values.
NAMED = 5  # Anomalies, files or reasons named in a sentence; the evidence has them all.


def malformed_rows(seen: Malformed | None, policy: MalformedRowsGate) -> Verdict:
    """Pass when of every file at most `max_share` of the rows stand in quarantine."""
    limit = policy.max_share
    shares = _rejected_shares(seen) if seen is not None else {}
    if seen is None or not shares or None in shares.values():
        why = (
            f"rows in quarantine were not counted; at most {limit:.2%} of a file's may stand there"
        )
        return refused("malformed_rows", policy.severity, limit, why)
    known = {name: share for name, share in shares.items() if share is not None}
    worst = max(known, key=lambda name: known[name])
    over = [name for name in known if not 0 <= known[name] <= limit]
    why = f"{seen.rejected:,} of {seen.rows:,} rows stand in quarantine"
    if seen.rejected:
        bad, rows = seen.by_file[worst]
        why += f", of {worst} {bad:,} of {rows:,} ({known[worst]:.2%}, limit {limit:.2%})"
    if over:
        reasons = sorted(seen.reasons.items(), key=lambda pair: -pair[1])[:NAMED]
        why += f"; mend {', '.join(over[:NAMED])} or the source's declaration: "
        why += ", ".join(f"{reason} ({rows:,})" for reason, rows in reasons)
    return Verdict(
        gate="malformed_rows",
        outcome=Outcome.FAIL if over else Outcome.PASS,
        severity=policy.severity,
        observed=known[worst],
        limit=limit,
        because=one_line(why),
        evidence={
            "shares": known,
            "over": over,
            "reasons": dict(seen.reasons),
            "examples": plain(list(seen.examples)),
        },
    )


def _rejected_shares(seen: Malformed) -> Mapping[str, float | None]:
    shares = {
        name: finite(bad / rows) if rows > 0 else None for name, (bad, rows) in seen.by_file.items()
    }
    return shares or {"": None}


def data_schema(m: DataMeasured, policy: SchemaGate) -> Verdict:
    """Pass when the data shows at most `max_anomalies` departures from the accepted schema."""
    limit = policy.max_anomalies
    if m.anomalies is None:
        why = f"the data was not compared with the accepted schema; at most {limit} anomalies pass"
        return refused("data_schema", policy.severity, limit, why)
    seen = [_anomaly(anomaly) for anomaly in m.anomalies]
    why = f"{len(seen)} schema anomalies, limit {limit}"
    why += f" ({'; '.join(seen[:NAMED])})" if seen else ""
    why += f"; {REVIEW}" if len(seen) > limit else ""
    return Verdict(
        gate="data_schema",
        outcome=Outcome.PASS if len(seen) <= limit else Outcome.FAIL,
        severity=policy.severity,
        observed=float(len(seen)),
        limit=float(limit),
        because=one_line(why),
        evidence={
            "anomalies": [
                {"column": a.column, "reason": a.reason, "detail": a.detail} for a in m.anomalies
            ]
        },
    )


def _anomaly(anomaly: Anomaly) -> str:
    said = anomaly.detail or anomaly.reason
    short = said if len(said) <= TOLD_CHARACTERS else f"{said[:TOLD_CHARACTERS]}…"
    return f"{anomaly.column or 'the table'}: {short}"


def row_count(m: DataMeasured, policy: RowCountGate) -> Verdict:
    """Pass with at least `minimum` rows, and after no larger drop than `max_drop`."""
    observed, before = finite(m.rows), finite(m.accepted_rows)
    if observed is None:
        why = f"the rows were not counted; at least {policy.minimum} are needed"
        return refused("row_count", policy.severity, policy.minimum, why)
    enough = observed >= policy.minimum
    kept = before is None or observed >= (1 - policy.max_drop) * before
    why = f"{observed:,.0f} rows, at least {policy.minimum:,} needed"
    if before is not None:
        why += f"; the version accepted before had {before:,.0f}"
        why += "" if kept else f", and more than {policy.max_drop:.0%} of those are gone"
    return Verdict(
        gate="row_count",
        outcome=Outcome.PASS if enough and kept else Outcome.FAIL,
        severity=policy.severity,
        observed=observed,
        limit=float(policy.minimum),
        baseline=before,
        because=why,
    )


def freshness(m: DataMeasured, now: datetime, policy: FreshnessGate) -> Verdict:
    """Pass when the newest row is recent and not from the future, and new rows bring newer ones."""
    limit = policy.max_age_days
    if m.newest is None or m.newest.tzinfo is None or now.tzinfo is None:
        known = "has no time zone" if m.newest is not None else "is not known"
        why = f"the time of the newest row {known}; it must be at most {limit:g} days old"
        return refused("freshness", policy.severity, limit, why)
    age, behind = _days(m.newest, now), _behind(m)
    stale = behind is not None and behind > policy.max_behind_days
    why = f"the newest row is {age:.1f} days old ({_minute(m.newest)}), limit {limit:g}"
    if age < -CLOCK_SKEW_DAYS:
        why = f"the newest row is {-age:.1f} days in the future ({_minute(m.newest)})"
    elif stale and m.new_newest and m.accepted_newest:
        why = (
            f"the newest of the new rows ({_minute(m.new_newest)}) is {behind:.1f} days older than "
            f"what was accepted before ({_minute(m.accepted_newest)}), limit "
            f"{policy.max_behind_days:g}; an old batch came again, or raise max_behind_days"
        )
    return Verdict(
        gate="freshness",
        outcome=Outcome.PASS if -CLOCK_SKEW_DAYS <= age <= limit and not stale else Outcome.FAIL,
        severity=policy.severity,
        observed=age,
        limit=limit,
        because=why,
        evidence={
            "newest": m.newest.isoformat(),
            "now": now.isoformat(),
            "days_behind_accepted": behind,
        },
    )


def _behind(m: DataMeasured) -> float | None:
    if m.new_newest is None or m.accepted_newest is None:
        return None
    return _days(m.new_newest, m.accepted_newest)


def _days(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds() / SECONDS_PER_DAY


def _minute(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="minutes")
