"""Gates against the reference: has a column, or what ties two columns, moved?

An alarm needs a large effect and no chance. Tests alone alarm at 64 % of clean days over 20 columns
(KS, p < 0.05), distances alone at 39 % (PSI above 0.2, 100 rows a side).
"""

from mlplatform.gates.answer import finite, refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, verdict
from mlplatform.measures import CorrelationSeen, DataMeasured, ShiftSeen
from mlplatform.spec.data_gates import CorrelationsGate, DistributionGate
from mlplatform.verdict import Verdict

DOUBLED = 2  # A value is a spike where its share more than doubles: sentinels and defaults do.
ADVICE = (
    "find what changed upstream; if the world did, promote the new data as reference "
    "(mlplatform reference promote)"
)


def distribution(m: DataMeasured, policy: DistributionGate) -> Verdict:
    """Pass when no column lies far from the reference by PSI, KS, its mean, or TFDV's distances."""
    gate, limit = "distribution", policy.max_psi
    if not m.rows or (m.has_reference and not m.shifts):
        why = f"no column was compared with the reference; the limit is a PSI of {limit:g} nats"
        return refused(gate, policy.severity, limit, why)
    if not m.has_reference:
        why = f"no reference yet: {m.rows:,} rows are compared with nothing"
        return verdict(gate, policy, [], passed=why, limit=limit)
    judged = [seen for seen in m.shifts or () if seen.column not in policy.ignore]
    checks = [check for seen in judged for check in _shift(seen, policy)]
    passed = f"{len(judged)} columns of {m.judged} lie near the reference{_left_out(m)}"
    return verdict(
        gate,
        policy,
        checks,
        passed=passed,
        limit=limit,
        advice=ADVICE,
        alpha=policy.alpha,
        evidence={
            "judged": m.judged,
            "ignored": dict(policy.ignore),
            "not_compared": dict(m.not_compared),
        },
    )


def _left_out(m: DataMeasured) -> str:
    """Which columns were not compared, and why, in words."""
    why: dict[str, list[str]] = {}
    for column, lacking in m.not_compared.items():
        why.setdefault(lacking, []).append(column)
    told = "; ".join(f"{lacking}: {', '.join(columns)}" for lacking, columns in why.items())
    return f" ({told})" if told else ""


def _shift(seen: ShiftSeen, policy: DistributionGate) -> list[Check]:
    checks = [*_spike(seen, policy), *_unseen(seen, policy)]
    if not seen.is_time:
        checks.append(psi_check(seen, policy.max_psi))
    if seen.ks is not None:
        checks.append(ks_check(seen, policy.max_ks))
    if seen.mean is not None:
        checks.append(_mean(seen, policy))
    return [*checks, *_tfdv(seen, policy)]


def psi_check(seen: ShiftSeen, limit: float) -> Check:
    """Return the PSI of one column beyond its expectation without drift, against `limit` nats."""
    psi = finite(seen.psi)
    beyond = None if psi is None else psi - seen.expected_psi
    told = "was not measured" if beyond is None else f"is {beyond:.2f} nats beyond chance"
    return Check(
        column=seen.column,
        measure="PSI beyond its expectation without drift, nats",
        observed=beyond,
        limit=limit,
        expected=seen.expected_psi,
        p=chance.psi_tail(psi or 0.0, seen.expected_psi, seen.rows, seen.reference_rows),
        why=f"{seen.column}: PSI {told}, limit {limit:g}{_worst(seen)}",
    )


def ks_check(seen: ShiftSeen, limit: float) -> Check:
    """Return the Kolmogorov-Smirnov distance of one column against `limit`."""
    return Check(
        column=seen.column,
        measure="Kolmogorov-Smirnov distance",
        observed=seen.ks,
        limit=limit,
        p=finite(seen.ks_p),
        why=f"{seen.column}: KS distance {_short(seen.ks)}, limit {limit:g}{_worst(seen)}",
    )


def _mean(seen: ShiftSeen, policy: DistributionGate) -> Check:
    mean, before = finite(seen.mean), finite(seen.reference_mean)
    spread = finite(seen.reference_deviation)
    moved = None
    if mean is not None and before is not None and spread is not None:
        # A constant has no deviation: the floor keeps it a number, and any move a large one.
        moved = abs(mean - before) / max(spread, 1e-9 * max(abs(before), 1.0))
    return Check(
        column=seen.column,
        measure="move of the mean, reference deviations",
        observed=moved,
        limit=policy.max_sigma,
        expected=before,
        p=chance.mean_moved(moved or 0.0, seen.rows, seen.reference_rows),
        why=f"{seen.column}: the mean moved {_short(moved)} reference deviations, from "
        f"{_short(before)} to {_short(mean)}, limit {policy.max_sigma:g}",
    )


def _spike(seen: ShiftSeen, policy: DistributionGate) -> list[Check]:
    if not seen.spike or not seen.rows or not seen.reference_rows:
        return []
    share = seen.spike_rows / seen.rows
    before = seen.spike_reference_rows / seen.reference_rows
    p = chance.rise(seen.spike_rows, seen.rows, seen.spike_reference_rows, seen.reference_rows)
    return [
        Check(
            column=seen.column,
            measure="rise of the share of a single value, which more than doubled",
            observed=share - before if share > DOUBLED * before else 0.0,
            limit=policy.max_spike,
            expected=before,
            p=min(p * seen.spike_tried, 1.0),
            why=f"{seen.column}: {seen.spike} is {share:.2%} of values, {before:.2%} of the "
            f"reference's, largest rise {policy.max_spike:.2%}",
        )
    ]


def _unseen(seen: ShiftSeen, policy: DistributionGate) -> list[Check]:
    if seen.unseen is None or not seen.rows or not seen.reference_rows:
        return []
    share, before = seen.unseen / seen.rows, seen.reference_once / seen.reference_rows
    named = ", ".join(map(repr, seen.unseen_values))
    return [
        Check(
            column=seen.column,
            measure="share of values the reference never had, beyond chance",
            observed=share - before,
            limit=policy.max_unseen,
            expected=before,
            p=chance.rise(seen.unseen, seen.rows, seen.reference_once, seen.reference_rows),
            why=f"{seen.column}: {share:.2%} of values are none the reference had"
            f"{f' ({named})' if named else ''}, {before:.2%} by chance, limit "
            f"{policy.max_unseen:.2%} more",
        )
    ]


def _tfdv(seen: ShiftSeen, policy: DistributionGate) -> list[Check]:
    """TFDV's distances: of shares of categories, and of histograms of numbers.

    One that TFDV was asked for and did not measure is missing, which breaks the limit.
    """
    checks = []
    if seen.l_infinity is not None or seen.tfdv == "l_infinity":
        apart = finite(seen.l_infinity)
        checks.append(
            Check(
                column=seen.column,
                measure="L-infinity distance",
                observed=apart,
                limit=policy.max_l_infinity,
                p=chance.share_apart(apart or 0.0, seen.rows, seen.reference_rows),
                why=f"{seen.column}: a share moved by {_short(apart)} (L-infinity), limit "
                f"{policy.max_l_infinity:g}{_worst(seen)}",
            )
        )
    if seen.jensen_shannon is not None or seen.tfdv == "jensen_shannon":
        checks.append(
            Check(
                column=seen.column,
                measure="Jensen-Shannon divergence",
                observed=seen.jensen_shannon,
                limit=policy.max_jensen_shannon,
                # TFDV compares ten buckets of equal width a side, of different ranges: heavy tails
                # look far apart by that alone. KS knows whether anything moved.
                p=finite(seen.ks_p),
                why=f"{seen.column}: Jensen-Shannon divergence {_short(seen.jensen_shannon)}, "
                f"limit {policy.max_jensen_shannon:g}{_worst(seen)}",
            )
        )
    return checks


def correlations(m: DataMeasured, policy: CorrelationsGate) -> Verdict:
    """Pass when no two columns are tied far more, or less, closely than in the reference."""
    gate, limit = "correlations", policy.max_change
    if not m.rows or m.correlations is None:
        why = f"correlations were not measured; the largest change is {limit:g}"
        return refused(gate, policy.severity, limit, why)
    if not m.has_reference:
        why = f"no reference yet: {len(m.correlations)} correlations are compared with nothing"
        return verdict(gate, policy, [], passed=why, limit=limit)
    checks = [_correlation(seen, policy) for seen in m.correlations]
    passed = f"{len(checks)} correlations of {m.judged} are those of the reference"
    return verdict(
        gate,
        policy,
        checks,
        passed=passed,
        limit=limit,
        advice="look for shuffled, swapped or wrongly joined columns",
        alpha=policy.alpha,
        evidence={"judged": m.judged},
    )


def _correlation(seen: CorrelationSeen, policy: CorrelationsGate) -> Check:
    now, before = finite(seen.r), finite(seen.reference_r)
    known = now is not None and before is not None
    pair = f"{seen.first} and {seen.second}"
    p = chance.correlation_change(
        now or 0.0, seen.rows, before or 0.0, seen.reference_rows, seen.inflation
    )
    return Check(
        column=pair,
        measure="change of the correlation",
        observed=abs((now or 0.0) - (before or 0.0)) if known else None,
        limit=policy.max_change,
        expected=before,
        p=p if known else None,
        why=f"{pair} correlate by {_short(now)}, in the reference by {_short(before)}, largest "
        f"change {policy.max_change:g}",
    )


def _short(value: float | None) -> str:
    return "(not measured)" if value is None else f"{value:.3g}"


def _worst(seen: ShiftSeen) -> str:
    return f" ({seen.worst})" if seen.worst else ""
