"""Throughput gate: does a real server answer enough requests a second?"""

from typing import Any

from mlplatform.gates.answer import Finding, finite, sentence, worst
from mlplatform.model_measures import ThroughputSeen
from mlplatform.spec.serving_gates import ThroughputGate
from mlplatform.verdict import Outcome, Verdict

TOLD = 0.05  # Of the host's processor time: what others may use before the verdict tells of it.


def throughput(seen: ThroughputSeen | None, policy: ThroughputGate) -> Verdict:
    """Pass when the server is shown to answer `min_requests_per_second`, and nothing but good answers.

    Whatever else the host does slows the server. So one that is too slow fails only if it would be too slow
    also with what others took: the upper bound over the share of processor time that was left.
    """
    findings = _findings(seen, policy)
    rate = None if seen is None else seen.per_second
    lower, upper = (None, None) if rate is None else (finite(rate.lower), finite(rate.upper))
    return Verdict(
        gate="throughput",
        outcome=worst(findings),
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=None if rate is None else finite(rate.observed),
        limit=policy.min_requests_per_second,
        interval=None if lower is None or upper is None else (lower, upper),
        because=sentence(findings),
        evidence={} if seen is None else _evidence(seen),
    )


def _findings(seen: ThroughputSeen | None, policy: ThroughputGate) -> list[Finding]:
    limit = policy.min_requests_per_second
    if limit is None:
        return [Finding(outcome=Outcome.PASS, because="0 requests a second are asked for")]
    if seen is None or seen.failed:
        why = seen.failed if seen else "nothing was asked"
        said = f"throughput was not measured: {why}; {limit:,.0f} requests a second pass"
        return [Finding(outcome=Outcome.FAIL, because=said)]
    findings = [_rate(seen, limit)]
    if seen.errors:
        said = f"{seen.errors:,} of {seen.requests + seen.errors:,} requests failed"
        because = f"{said}, the first with {seen.first_error or 'another status than 200'}"
        findings.append(Finding(outcome=Outcome.FAIL, because=because))
    return findings


def _rate(seen: ThroughputSeen, limit: float) -> Finding:
    rate, lower, upper = (
        finite(value)
        for value in (seen.per_second.observed, seen.per_second.lower, seen.per_second.upper)
    )
    if rate is None or lower is None or upper is None or seen.requests < 1:
        said = f"{seen.requests} requests were answered; {limit:,.0f} a second pass"
        return Finding(outcome=Outcome.FAIL, because=said)
    left = 1 - min(max(finite(seen.others) or 0.0, 0.0), 1.0)
    said = (
        f"{rate:,.0f} requests a second ({lower:,.0f} to {upper:,.0f}) with {seen.clients} clients"
    )
    said = f"{said}, at least {limit:,.0f} pass"
    if left < 1 - TOLD:
        said = f"{said}; others used {1 - left:.0%} of the host meanwhile"
    if lower >= limit:
        return Finding(outcome=Outcome.PASS, because=said)
    if upper < limit * left:
        return Finding(outcome=Outcome.FAIL, because=said)
    cure = "measure longer" if left >= 1 - TOLD else "measure on a host that is less busy"
    return Finding(outcome=Outcome.INCONCLUSIVE, because=f"{said}: it cannot tell, {cure}")


def _evidence(seen: ThroughputSeen) -> dict[str, Any]:
    rate = seen.per_second
    return {
        "per_second": finite(rate.observed),
        "lower": finite(rate.lower),
        "upper": finite(rate.upper),
        "clients": seen.clients,
        "requests": seen.requests,
        "errors": seen.errors,
        "p99_ms": finite(seen.p99_ms),
        "host": seen.host,
        "others": finite(seen.others),
        "failed": seen.failed,
    }
