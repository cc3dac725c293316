"""Latency gate: is one answer quick enough, and no slower than the champion's?"""

import math
from dataclasses import asdict
from typing import Any

from mlplatform.gates.answer import Finding, finite, sentence, worst
from mlplatform.model_measures import LatencySeen, RatioSeen, TimedSeen
from mlplatform.spec.serving_gates import LatencyGate
from mlplatform.verdict import Outcome, Verdict

PATHS = {"program": "the exported program", "server": "the server"}
TAIL = 2.0  # An interval of p99 that has not even ruled out twice the champion's says nothing,
HARMLESS = 0.5  # unless p99 is shown to be within this share of its limit.
TOLD = 0.05  # Of the host's processor time: what others may use before a verdict tells of it.
DECIDES = 50  # The percentile that has to be shown to be within the slowdown allowed.
MOST = 10_000_000  # Samples: more than anybody would wait for.


def latency(seen: LatencySeen | None, policy: LatencyGate) -> Verdict:
    """Judge program and server, each by its limit and, where there is a champion, beside it.

    The limit holds p99: PASS where its upper 95 % bound is within, FAIL where its lower one is above. A
    slowdown FAILs where the lower bound of the ratio of p50 or of p99 exceeds 1 + `max_slowdown` by more than
    the champion differed from itself. It PASSes where the upper bound of p50's ratio is within 1 +
    `max_slowdown`, and that of p99 within twice, or p99 itself within half its limit: a p99 rests on the
    slowest hundredth, which the host decides as much as the model, and to ask of it what is asked of p50
    would refuse equal models on every busy host.
    """
    timed = {} if seen is None else {each.path: each for each in seen.timed}
    findings = [
        finding
        for path in PATHS
        for finding in _of_path(path, timed.get(path), seen, policy)  # type: ignore[call-overload]
    ]
    if seen is not None:
        findings += _champion(seen, policy)
    program = timed.get("program")
    return Verdict(
        gate="latency",
        outcome=worst(findings),
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=finite(program.p99) if program else None,
        limit=policy.max_p99_ms,
        baseline=finite(program.champion_p99) if program else None,
        interval=_interval(program) if program else None,
        because=f"{sentence(findings)}{_busy(seen, worst(findings))}",
        evidence=_evidence(seen, policy) if seen else {},
    )


def _busy(seen: LatencySeen | None, outcome: Outcome) -> str:
    """Say how busy the host was, where that may be why."""
    others = finite(seen.others) if seen else None
    if others is None or others < TOLD or outcome is Outcome.PASS:
        return ""
    return f"; others used {others:.0%} of the host meanwhile"


def _of_path(
    path: str, timed: TimedSeen | None, seen: LatencySeen | None, policy: LatencyGate
) -> list[Finding]:
    limit = policy.max_p99_ms if path == "program" else policy.max_served_p99_ms
    if limit is None:
        return []
    if seen is not None and (times := sum(each.path == path for each in seen.timed)) > 1:
        said = (
            f"{PATHS[path]} has {times} measurements and not 1; p99 of at most {limit:g} ms passes"
        )
        return [Finding(outcome=Outcome.FAIL, because=said)]
    if timed is None:
        why = seen.failed.get(path, "it was not timed") if seen else "it was not timed"
        said = f"{PATHS[path]} has no latency: {why}; p99 of at most {limit:g} ms passes"
        return [Finding(outcome=Outcome.FAIL, because=said)]
    if timed.samples < policy.min_samples:
        said = f"{PATHS[path]} was timed {timed.samples:,} times, {policy.min_samples:,} samples are needed"
        return [Finding(outcome=Outcome.INCONCLUSIVE, because=f"{said}; allow more seconds")]
    compared = policy.max_slowdown is not None and seen is not None and seen.champion is not None
    harmless = timed.p99_upper <= limit * HARMLESS
    ratios = [
        _slowdown(path, timed, ratio, policy, harmless=harmless)
        for ratio in timed.ratios
        if compared
    ]
    return [_limit(path, timed, limit), *ratios]


def _limit(path: str, timed: TimedSeen, limit: float) -> Finding:
    p99, lower = finite(timed.p99), finite(timed.p99_lower)
    if p99 is None or p99 < 0 or lower is None or math.isnan(timed.p99_upper):
        said = f"{PATHS[path]} has no p99 with bounds; at most {limit:g} ms passes"
        return Finding(outcome=Outcome.FAIL, because=said)
    upper = (
        timed.p99_upper
    )  # Infinite where the slowest answers came in too few bursts to bound it.
    if upper < max(p99, lower):
        said = f"p99 of {PATHS[path]} {p99:.3g} ms is not between its bounds {lower:.3g} and {upper:.3g}"
        said = f"{said}; at most {limit:g} ms passes"
        return Finding(outcome=Outcome.FAIL, because=said)
    said = f"p99 of {PATHS[path]} {p99:.3g} ms ({lower:.3g} to {upper:.3g}), limit {limit:g} ms"
    if upper <= limit:
        return Finding(outcome=Outcome.PASS, because=said)
    if lower > limit:
        return Finding(outcome=Outcome.FAIL, because=said)
    # Bounds close in with the root of the samples.
    off = (upper - p99) / (limit - p99) if p99 < limit else (p99 - lower) / max(p99 - limit, 1e-9)
    return Finding(outcome=Outcome.INCONCLUSIVE, because=f"{said}: {_needed(timed.samples, off)}")


def _slowdown(
    path: str, timed: TimedSeen, ratio: RatioSeen, policy: LatencyGate, *, harmless: bool
) -> Finding:
    allowed = 1 + (policy.max_slowdown or 0.0)
    found, lower, upper = (finite(each) for each in (ratio.observed, ratio.lower, ratio.upper))
    noise = finite(ratio.noise)
    what = f"p{ratio.percentile} of {PATHS[path]}"
    if (
        found is None or lower is None or upper is None or noise is None
        or not lower <= found <= upper or noise < 0
    ):  # fmt: skip
        said = f"{what} has no ratio to the champion's with bounds; at most {allowed:.3g} passes"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=said)
    said = f"{what} {found:.3g} times the champion's ({lower:.3g} to {upper:.3g})"
    said = f"{said}, at most {allowed:.3g} and the noise floor of {noise:.2g}"
    if lower > allowed + noise:
        return Finding(outcome=Outcome.FAIL, because=said)
    within = allowed if ratio.percentile == DECIDES else max(TAIL, allowed)
    if upper <= within or (harmless and ratio.percentile != DECIDES):
        return Finding(outcome=Outcome.PASS, because=said)
    off = (
        (upper - found) / (within - found)
        if found < within
        else (found - lower) / _over(found, allowed, noise)
    )
    said = f"{said}: not shown to be within {within:.3g}"
    return Finding(outcome=Outcome.INCONCLUSIVE, because=f"{said}, {_needed(timed.samples, off)}")


def _over(found: float, allowed: float, noise: float) -> float:
    return max(found - allowed - noise, 1e-9)


def _needed(samples: int, off: float) -> str:
    """Say how many samples would decide, if bounds have to be so many times closer to what was seen."""
    needed = samples * max(off, 1.0) ** 2
    if not math.isfinite(needed) or needed > MOST:
        return f"{samples:,} samples cannot tell, nor would {MOST:,}"
    return f"{samples:,} samples cannot tell, about {math.ceil(needed / 100) * 100:,} would"


def _champion(seen: LatencySeen, policy: LatencyGate) -> list[Finding]:
    """Return what there is to say where nothing was compared."""
    if policy.max_slowdown is None:
        return []
    if seen.champion is None:
        said = "the first model: 0 champions to be slower than"
        return [Finding(outcome=Outcome.PASS, because=said)]
    who = f"champion {seen.champion.digest[:12]}"
    way_out = f"at most {1 + policy.max_slowdown:.3g} times its time passes"
    way_out = f"{way_out}; `mlplatform gate override` lets the candidate through"
    if seen.champion.unscored:
        said = f"{who} could not be timed: {seen.champion.unscored}; {way_out}"
        return [Finding(outcome=Outcome.INCONCLUSIVE, because=said)]
    lacking = [each.path for each in seen.timed if not _has_both(each)]
    if lacking:
        said = f"{who} was not timed by {' and '.join(lacking)}; {way_out}"
        return [Finding(outcome=Outcome.INCONCLUSIVE, because=said)]
    return []


def _has_both(timed: TimedSeen) -> bool:
    return {50, 99} <= {ratio.percentile for ratio in timed.ratios}


def _interval(timed: TimedSeen) -> tuple[float, float] | None:
    lower, upper = finite(timed.p99_lower), finite(timed.p99_upper)
    return None if lower is None or upper is None else (lower, upper)


def _evidence(seen: LatencySeen, policy: LatencyGate) -> dict[str, Any]:
    return {
        "host": seen.host,
        "others": finite(seen.others),
        "champion": seen.champion.digest if seen.champion else "",
        "paths": [_path(each, policy) for each in seen.timed],
        "failed": dict(seen.failed),
    }


def _path(timed: TimedSeen, policy: LatencyGate) -> dict[str, Any]:
    numbers = ("p50", "p99", "p99_lower", "p99_upper", "champion_p50", "champion_p99")
    return {
        "path": timed.path,
        "samples": timed.samples,
        "limit": policy.max_p99_ms if timed.path == "program" else policy.max_served_p99_ms,
        **{name: finite(getattr(timed, name)) for name in numbers},
        "ratios": [
            {name: finite(value) for name, value in asdict(ratio).items()} for ratio in timed.ratios
        ],
        "edges": list(timed.edges),
        "counts": list(timed.counts),
        "champion_counts": list(timed.champion_counts),
    }
