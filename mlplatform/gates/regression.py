"""Regression gate: is anything shown to be worse than in production by more than the margin?"""

from collections.abc import Sequence
from typing import Any

from mlplatform.gates.answer import Finding, finite
from mlplatform.gates.measured import counted, interval, named, undecided, unscored, verdict
from mlplatform.model_measures import Opponent, RegressionSeen, SliceCompared
from mlplatform.spec.performance_gates import RegressionGate
from mlplatform.verdict import Outcome, Verdict

GATE = "regression"
ALL = "all"  # As `evaluate.slices` names the slice of all rows.
HIDDEN = 0.1  # Drop that all rows may hide: ten of the default margins.


def regression(seen: RegressionSeen | None, policy: RegressionGate) -> Verdict:
    """Fail when a slice is shown to be worse than the champion's by more than `margin`, at once with all others.

    Otherwise it passes, and says how large a drop these rows could hide: to show the contrary of
    every small slice would take more rows than there are; the performance gate asks it of all rows.
    A champion that cannot be compared is inconclusive, and so are a slice that nothing bounds, and rows
    so few that all of them together could hide a drop of 0.1, or of two margins if that is more.

    `observed` and `interval` are of the slice that looks worst, `limit` is `-margin`: by how much
    better it is, of errors of numbers as a share of the champion's.
    """
    limit = -policy.margin
    nothing = undecided(seen, f"the margin is {policy.margin:g}")
    if nothing or seen is None:
        return verdict(GATE, policy, [nothing] if nothing else [], limit=limit)
    if seen.champion is None:
        why = f"the first model: no champion to compare with (margin {policy.margin:g})"
        return verdict(
            GATE, policy, [Finding(outcome=Outcome.PASS, because=why)], _evidence(seen), limit=limit
        )
    known = [each for each in seen.slices if finite(each.compared.better) is not None]
    worst = min(known, key=lambda each: each.compared.better, default=None)
    return verdict(
        GATE,
        policy,
        _findings(seen, seen.champion, policy.margin),
        _evidence(seen),
        limit=limit,
        observed=worst.compared.better if worst else None,
        interval=interval(worst.compared.lower, worst.compared.upper) if worst else None,
    )


def outcome(each: SliceCompared) -> Outcome:
    """Return FAIL where a slice is shown to be worse by more than the margin, and INCONCLUSIVE of no evidence."""
    if finite(each.compared.upper) is None or finite(each.compared.lower) is None:
        return Outcome.INCONCLUSIVE
    if each.compared.upper < -each.compared.margin:
        return Outcome.FAIL
    return Outcome.INCONCLUSIVE if _hides_much(each) else Outcome.PASS


def _findings(seen: RegressionSeen, champion: Opponent, margin: float) -> list[Finding]:
    if champion.unscored:
        return [unscored(champion, margin)]
    if not seen.slices:
        why = f"0 slices were compared with {named(champion)} (margin {margin:g})"
        return [Finding(outcome=Outcome.INCONCLUSIVE, because=why)]
    found = [_finding(each, champion) for each in seen.slices if outcome(each) is not Outcome.PASS]
    return found or [_nothing_worse(seen.slices, champion, margin, len(seen.small))]


def _hides_much(each: SliceCompared) -> bool:
    """Return whether all rows together say next to nothing."""
    return each.slice == ALL and -each.compared.lower > _most_hidden(each)


def _most_hidden(each: SliceCompared) -> float:
    return max(HIDDEN, 2 * each.compared.margin)


def _too_few(each: SliceCompared, champion: Opponent) -> Finding:
    of = each.compared
    why = f"{each.slice}: {counted(each.rows)} against {named(champion)} could hide a drop of"
    why += f" {_drop(of.lower, of.relative)} of {of.metric}, more than {_drop(-_most_hidden(each), of.relative)}"
    why += f" (margin {of.margin:g}); more rows are needed"
    return Finding(outcome=Outcome.INCONCLUSIVE, because=why)


def _finding(each: SliceCompared, champion: Opponent) -> Finding:
    of = each.compared
    if _hides_much(each) and outcome(each) is Outcome.INCONCLUSIVE:
        return _too_few(each, champion)
    about = f"{each.slice}: {of.metric} on {counted(each.rows)} against {named(champion)}"
    if outcome(each) is Outcome.INCONCLUSIVE:
        why = f"{about} cannot be bounded (margin {of.margin:g})"
        return Finding(outcome=Outcome.INCONCLUSIVE, because=why)
    why = f"{about} {_change(of.better, of.relative)}, at best {_change(of.upper, of.relative)}"
    if of.gained is not None and of.lost is not None:
        why += f" ({of.gained:,} rows gained, {of.lost:,} lost)"
    return Finding(outcome=Outcome.FAIL, because=f"{why}, margin {of.margin:g}")


def _nothing_worse(
    slices: Sequence[SliceCompared], champion: Opponent, margin: float, small: int
) -> Finding:
    hidden = min(slices, key=lambda each: each.compared.lower)
    of = hidden.compared
    of_all = f"none of {len(slices)} slices is" if len(slices) > 1 else f"{slices[0].slice} is not"
    why = f"{of_all} shown to be worse by more than {margin:g} against {named(champion)}"
    if of.lower < 0:
        why += f"; the largest drop that these rows could hide is {_drop(of.lower, of.relative)}"
        why += f" of {of.metric}, of {hidden.slice} with {counted(hidden.rows)}"
    else:
        why += "; these rows could hide no drop"
    why += f"; slices too small to judge: {small}" if small else ""
    return Finding(outcome=Outcome.PASS, because=why)


def _drop(better: float, relative: bool) -> str:  # noqa: FBT001 - as `Compared` says it.
    """Return a drop, whose `better` is below 0, without its sign."""
    return _change(-better, relative).lstrip("+")


def _change(better: float, relative: bool) -> str:  # noqa: FBT001 - as `Compared` says it.
    return f"{better:+.2%}" if relative else f"{better:+.4f}"


def _evidence(seen: RegressionSeen) -> dict[str, Any]:
    return {
        "champion": seen.champion.digest if seen.champion else "",
        "slices": [
            {
                "slice": each.slice,
                "rows": each.rows,
                "metric": each.compared.metric,
                "candidate": finite(each.compared.candidate),
                "champion": finite(each.compared.champion),
                "better": finite(each.compared.better),
                "lower": finite(each.compared.lower),
                "upper": finite(each.compared.upper),
                "margin": each.compared.margin,
                "relative": each.compared.relative,
                "gained": each.compared.gained,
                "lost": each.compared.lost,
                "outcome": outcome(each).value,
            }
            for each in seen.slices
        ],
        "small": dict(seen.small),
    }
