"""Gates on features: nothing knows the future or the answer, and serving computes what trained."""

from collections.abc import Sequence

from mlplatform.gates.answer import finite, refused
from mlplatform.gates.data.check import Check, plain, verdict
from mlplatform.gates.data.completeness import more_missing
from mlplatform.gates.data.drift import ks_check, psi_check
from mlplatform.gates.data.label import predicts_alone, tells_alone
from mlplatform.measures import (
    AvailabilitySeen,
    Example,
    FeatureLeakSeen,
    MissingSeen,
    ParitySeen,
    RequestsSeen,
)
from mlplatform.spec.feature_gates import (
    AvailabilityGate,
    FeatureLeakageGate,
    RequestSkewGate,
    SkewGate,
)
from mlplatform.verdict import Verdict

PATHS = ("batch", "server")  # Every model is compared along these; other paths are platforms.
# A platform adds the products of a row in another order, which moves the last bits. Products of
# TF32, which keeps 10 bits of a float32's 23, lie up to 2**13 ulps off: that is another model.
PLATFORM_ULPS = 2**10


def availability(seen: Sequence[AvailabilitySeen] | None, policy: AvailabilityGate) -> Verdict:
    """Pass when everything that a feature reads was known at its row's time."""
    gate, limit = "availability", policy.max_late_share
    if not seen:
        why = f"nobody looked when values became known; the largest late share is {limit:g}"
        return refused(gate, policy.severity, limit, why)
    columns = {one.column for one in seen}
    late = [one for one in seen if one.late]
    return verdict(
        gate,
        policy,
        [_late(one, policy) for one in seen],
        passed=f"{len(columns)} columns that features read were known at their rows' time",
        limit=limit,
        advice="leave the column to what is known at the time, or correct its times",
        evidence={
            "examples": [
                {"feature": one.feature, "column": one.column, **row}
                for one in late
                for row in _plain(one.examples)
            ]
        },
    )


def _late(seen: AvailabilitySeen, policy: AvailabilityGate) -> Check:
    share = seen.late / seen.rows if seen.rows else None
    name, told = _named(seen), f" ({seen.worst})" if seen.worst else ""
    if seen.found_by == "declared":
        return Check(
            column=name,
            measure="declared in known_after",
            observed=float(seen.late > 0),
            limit=0.0,
            why=f"{name} is known only after the event, as known_after declares{told}",
        )
    if seen.found_by == "recount":
        return Check(
            column=name,
            measure="share of values that differ from a recount of what was known",
            observed=share,
            limit=0.0,
            why=f"{name}: {seen.late:,} of {seen.rows:,} values differ from a recount of the events "
            f"known at the rows' time{told}",
        )
    return Check(
        column=name,
        measure="share of values that became known after the row's time",
        # A column without any value has none that is late.
        observed=share or 0.0,
        limit=policy.max_late_share,
        why=f"{name}: {seen.late:,} of {seen.rows:,} values ({share or 0:.2%}, limit "
        f"{policy.max_late_share:.2%}) became known after the row's time{told}",
    )


def _named(seen: AvailabilitySeen) -> str:
    same = seen.feature == seen.column
    return seen.feature if same else f"feature {seen.feature} of {seen.column}"


def feature_leakage(seen: Sequence[FeatureLeakSeen] | None, policy: FeatureLeakageGate) -> Verdict:
    """Pass when no feature alone gives the label away."""
    gate, limit = "feature_leakage", policy.max_auc
    if not seen:
        why = f"no feature was held against the label; a feature's AUC may be {limit:g} at most"
        return refused(gate, policy.severity, limit, why)
    judged = [one for one in seen if one.feature not in policy.allow]
    return verdict(
        gate,
        policy,
        [check for one in judged for check in _leak(one, policy)],
        passed=f"none of {len(judged)} features gives the label away",
        limit=limit,
        advice="declare its column in unused or known_after, or allow the feature with the reason "
        "in feature_gates.feature_leakage.allow",
        evidence={"allowed": dict(policy.allow)},
    )


def _leak(seen: FeatureLeakSeen, policy: FeatureLeakageGate) -> list[Check]:
    name, told = seen.feature, f" ({seen.worst})" if seen.worst else ""
    share = "mutual information with the label, share of its entropy"
    return [
        predicts_alone(name, "feature", seen.auc, policy.max_auc, told),
        tells_alone(name, share, seen.information, policy.max_information, told),
        _gives_away(seen, policy.max_given_away),
    ]


def _gives_away(seen: FeatureLeakSeen, limit: float) -> Check:
    share, given = finite(seen.given_away), f" ({seen.given})" if seen.given else ""
    told = "(not measured)" if share is None else f"{share:.1%}"
    return Check(
        column=seen.feature,
        measure="share of the rarer class's rows that single values give away",
        observed=share,
        limit=limit,
        why=f"single values of {seen.feature} give away {told} of the rarer class's rows, limit {limit:.0%}{given}",
    )


def training_serving_skew(seen: Sequence[ParitySeen] | None, policy: SkewGate) -> Verdict:
    """Pass when batch and server compute the stored features bit by bit, and the same predictions.

    Between platforms features may differ: there the largest distance of two predictions is held
    against `PLATFORM_ULPS`.
    """
    gate, limit = "training_serving_skew", float(policy.max_ulps)
    if not seen:
        why = (
            f"no path was compared with the feature table; predictions may differ by {limit:g} ulps"
        )
        return refused(gate, policy.severity, limit, why)
    compared = {one.path for one in seen if one.rows and one.values}
    lacking = [_not_compared(path, policy) for path in PATHS if path not in compared]
    told = ", ".join(f"{one.rows:,} rows by {one.path}" for one in seen)
    return verdict(
        gate,
        policy,
        [*lacking, *(check for one in seen for check in _parity(one, policy))],
        passed=f"every feature has the same bits as in the feature table: {told}",
        limit=limit,
        advice="serve with the code that built the table, or build the table and train anew",
        evidence={
            "paths": [_told(one) for one in seen],
            "examples": [{"path": one.path, **row} for one in seen for row in _plain(one.examples)],
        },
    )


def _not_compared(path: str, policy: SkewGate) -> Check:
    return Check(
        column=path,
        measure="rows compared",
        observed=None,
        limit=float(policy.max_ulps),
        why=f"0 rows were compared by {path}",
    )


def _parity(seen: ParitySeen, policy: SkewGate) -> list[Check]:
    ours = seen.path in PATHS
    most = policy.max_ulps if ours else PLATFORM_ULPS
    ulps = finite(seen.ulps)
    apart = Check(
        column=seen.path,
        measure="largest distance of two predictions of a row, ulps",
        observed=ulps,
        limit=float(most),
        why=f"{seen.path}: predictions of a row lie up to {_short(ulps)} ulps apart, limit {most:,}",
    )
    # The stored table has no predictions: batch is what the others' are compared with.
    checks = [] if seen.path == "batch" and seen.ulps is None else [apart]
    return [_same_bits(seen), *checks] if ours else checks


def _same_bits(seen: ParitySeen) -> Check:
    worst = sorted(seen.features.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    named = ", ".join(f"{name} {count:,}" for name, count in worst)
    return Check(
        column=seen.path,
        measure="feature values with other bits than in the table",
        observed=float(seen.different),
        limit=0.0,
        why=f"{seen.path}: {seen.different:,} of {seen.values:,} feature values have other bits than "
        f"in the feature table ({named}); {seen.worst or 'no example'}",
    )


def _told(seen: ParitySeen) -> dict[str, object]:
    return {
        "path": seen.path,
        "rows": seen.rows,
        "values": seen.values,
        "different": seen.different,
        "ulps": seen.ulps,
        "features": dict(seen.features),
        "worst": seen.worst,
    }


def request_skew(seen: RequestsSeen | None, policy: RequestSkewGate) -> Verdict:
    """Pass when served requests look like the training rows, or are too few to tell.

    Enough requests of which nothing can be compared fail.
    """
    gate, limit = "request_skew", policy.max_psi
    if seen is None:
        why = f"served requests were not looked at; the largest PSI is {limit:g} nats"
        return refused(gate, policy.severity, limit, why)
    if seen.requests < policy.min_requests:
        why = (
            f"nothing was compared: {seen.requests:,} requests are logged, and"
            f" {policy.min_requests:,} are needed"
        )
        return verdict(gate, policy, [], passed=why, limit=limit)
    if not seen.shifts and not seen.missing:
        why = f"no column of {seen.requests:,} requests was compared; the largest PSI is {limit:g}"
        return refused(gate, policy.severity, limit, why)
    checks = [psi_check(one, limit) for one in seen.shifts]
    checks += [ks_check(one, policy.max_ks) for one in seen.shifts if one.ks is not None]
    checks += [_missing(one, policy) for one in seen.missing]
    columns = {check.column for check in checks}
    return verdict(
        gate,
        policy,
        checks,
        passed=f"{len(columns)} columns of {seen.requests:,} requests look like the training rows",
        limit=limit,
        advice="find what the callers changed; if the world did, train on newer rows",
        alpha=policy.alpha,
    )


def _missing(seen: MissingSeen, policy: RequestSkewGate) -> Check:
    if seen.rows and seen.reference_rows:
        return more_missing(seen, "of the requests", seen.rows, seen.missing, policy.max_missing)
    why = f"{seen.column}: missing values were not counted, limit {policy.max_missing:.2%}"
    limit = policy.max_missing
    return Check(column=seen.column, measure="share missing", observed=None, limit=limit, why=why)


def _plain(rows: Sequence[Example]) -> list[dict[str, object]]:
    return [plain(dict(row)) for row in rows]


def _short(value: float | None) -> str:
    known = finite(value)
    return "(not measured)" if known is None else f"{known:,.3f}".rstrip("0").rstrip(".")
