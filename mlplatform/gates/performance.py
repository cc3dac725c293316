"""Performance gate: good enough, better than a trivial baseline, and not worse than the champion."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mlplatform.gates.answer import Finding, finite
from mlplatform.gates.measured import (
    counted,
    interval,
    named,
    rows_needed,
    undecided,
    unscored,
    verdict,
)
from mlplatform.gates.non_inferiority import in_words, non_inferiority
from mlplatform.model_measures import PerformanceSeen, TrivialSeen
from mlplatform.spec.performance_gates import MetricRule, PerformanceGate
from mlplatform.statistics.compared import Compared, Interval
from mlplatform.verdict import Outcome, Verdict

GATE = "performance"


def performance(seen: PerformanceSeen | None, policy: PerformanceGate) -> Verdict:
    """Pass when every floor is shown to hold, the baseline beaten, and no margin to the champion exceeded.

    Each by one-sided 95 % bounds: FAIL where one is shown not to hold, else INCONCLUSIVE, with the rows
    that would decide. The baseline has to be beaten in one of the metrics: a good model of rare
    positives does not beat the majority class in accuracy.

    `limit`, `observed`, `baseline` and `interval` are of the first metric; `limit` is its `minimum`
    or `maximum`, None where it has none, `baseline` the champion's value, or the trivial one's.
    """
    first = next(iter(policy.metrics or (seen.metrics if seen else {})), "")
    rule = policy.metrics.get(first, MetricRule())
    limit = rule.minimum if rule.minimum is not None else rule.maximum
    nothing = undecided(seen, _wanted(policy))
    if nothing or seen is None:
        return verdict(GATE, policy, [nothing] if nothing else [], limit=limit)
    findings = [*_floors(seen, policy), *_baselines(seen), *_champion(seen, policy)]
    shown = seen.metrics.get(first)
    return verdict(
        GATE,
        policy,
        findings,
        _evidence(seen),
        limit=limit,
        observed=finite(shown.observed) if shown else None,
        interval=interval(shown.lower, shown.upper) if shown else None,
        baseline=_other(seen, first),
    )


def _wanted(policy: PerformanceGate) -> str:
    floors = [
        f"{name} at {'least' if rule.maximum is None else 'most'} {limit:g}"
        for name, rule in policy.metrics.items()
        for limit in (rule.minimum, rule.maximum)
        if limit is not None
    ]
    return f"{', '.join(floors)} is asked for" if floors else "1 metric at least is needed"


def _floors(seen: PerformanceSeen, policy: PerformanceGate) -> list[Finding]:
    found = []
    for name, rule in policy.metrics.items():
        of = seen.metrics.get(name)
        if of is None:
            why = f"{name} was not measured on {counted(seen.rows)}"
            found.append(Finding(outcome=Outcome.FAIL, because=why))
        elif rule.minimum is not None:
            found.append(_floor(name, of, rule.minimum, 1, seen))
        elif rule.maximum is not None:
            found.append(_floor(name, of, rule.maximum, -1, seen))
    return found


def _floor(name: str, of: Interval, limit: float, better: int, seen: PerformanceSeen) -> Finding:
    """Judge one metric; `better` is 1 of what is better when larger, else -1."""
    wanted = f"at {'least' if better > 0 else 'most'} {limit:g}"
    if None in (finite(of.observed), finite(of.lower), finite(of.upper)):
        why = f"{name} is not defined or bounded on {counted(of.rows)}; {wanted} is asked for"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    why = f"{name} {of.observed:.4g}, 95 % bounds {of.lower:.4g} and {of.upper:.4g}, {wanted}"
    sure, luckily = (of.lower, of.upper) if better > 0 else (of.upper, of.lower)
    if better * (sure - limit) >= 0:
        return Finding(outcome=Outcome.PASS, because=why)
    if better * (luckily - limit) < 0:
        return Finding(outcome=Outcome.FAIL, because=why)
    needed = seen.rows_needed.get(name) or rows_needed(
        seen.rows, of.observed, of.lower, of.upper, limit
    )
    why += f"; about {needed:,} rows would decide" if needed else ""
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)


def _baselines(seen: PerformanceSeen) -> list[Finding]:
    """Judge each kind of baseline by itself: a model has to beat all of them."""
    kinds = dict.fromkeys(each.kind for each in seen.trivial)
    if not kinds:
        why = "the model was held against 0 trivial baselines"
        return [Finding(outcome=Outcome.INCONCLUSIVE, because=why)]
    of = [[each for each in seen.trivial if each.kind == kind] for kind in kinds]
    return [_baseline(each, seen.rows) for each in of]


def _baseline(trivial: Sequence[TrivialSeen], rows: int) -> Finding:
    """Judge whether the model beats the baseline in at least one metric."""
    beaten = [each for each in trivial if each.lower > 0]
    others = [each for each in trivial if not each.lower > 0]
    if beaten:
        why = ", ".join(f"{e.metric} better than {_what(e)}" for e in beaten)
        why += f", not shown to be in {_metrics(others)}" if others else ""
        return Finding(outcome=Outcome.PASS, because=why)
    if all(each.upper <= 0 for each in trivial):
        return Finding(outcome=Outcome.FAIL, because=f"no better in {_metrics(trivial)}")
    why = f"not shown to be better in {_metrics(trivial)} on {counted(rows)}"
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)


def _metrics(trivial: Sequence[TrivialSeen]) -> str:
    return ", ".join(f"{each.metric} than {_what(each)}" for each in trivial)


def _what(each: TrivialSeen) -> str:
    """Return the baseline in words, with its value where the rows define one."""
    known = finite(each.baseline)
    return each.what if known is None else f"{each.what} ({known:.4g})"


def _champion(seen: PerformanceSeen, policy: PerformanceGate) -> list[Finding]:
    margins = {
        name: margin
        for name in policy.metrics or seen.metrics
        if (margin := policy.metrics.get(name, MetricRule()).margin) is not None
    }
    if seen.champion is None:
        within = ", ".join(f"{margin:g} of {name}" for name, margin in margins.items())
        why = f"the first model: no champion to compare with (margins: {within or '0 set'})"
        return [Finding(outcome=Outcome.PASS, because=why)]
    if not margins:
        return []
    if seen.champion.unscored:
        return [unscored(seen.champion, next(iter(margins.values())))]
    compared = {each.metric: each for each in seen.compared}
    return [_against(compared.get(name), name, margins[name], seen) for name in margins]


def _against(found: Compared | None, name: str, margin: float, seen: PerformanceSeen) -> Finding:
    champion = named(seen.champion) if seen.champion else ""
    if found is None:
        why = f"{name} was not compared with {champion} (margin {margin:g})"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    return Finding(outcome=non_inferiority(found), because=in_words(found, champion))


def _other(seen: PerformanceSeen, metric: str) -> float | None:
    """Return the champion's value of a metric, or the trivial baseline's."""
    theirs = [each.champion for each in seen.compared if each.metric == metric]
    trivial = [each.baseline for each in seen.trivial if each.metric == metric]
    return finite(next(iter(theirs + trivial), None))


def _evidence(seen: PerformanceSeen) -> dict[str, Any]:
    return {
        "rows": seen.rows,
        "metrics": [
            {
                "metric": name,
                **known({"observed": of.observed, "lower": of.lower, "upper": of.upper}),
            }
            for name, of in seen.metrics.items()
        ],
        "trivial": [known(asdict(each)) for each in seen.trivial],
        "champion": seen.champion.digest if seen.champion else "",
        "compared": [
            {**known(asdict(each)), "outcome": non_inferiority(each).value}
            for each in seen.compared
        ],
    }


def known(values: dict[str, Any]) -> dict[str, Any]:
    """Return the same with None for numbers that are not finite, which JSON has not."""
    return {k: finite(v) if isinstance(v, float) else v for k, v in values.items()}
