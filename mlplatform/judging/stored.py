"""What gates said before the evaluation of the very versions that a model was made from, told again to a build."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlplatform.gates import answer
from mlplatform.judging.upstream import Upstream
from mlplatform.verdict import Outcome, Severity, Verdict

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Verdicts from the lake, and who let some of them through, as `gates.overall` tells it."""

    verdicts: Sequence[Verdict]
    overridden: Sequence[Mapping[str, str]] = ()


def stored(
    lake: "Lake", pipeline: "Pipeline", model: "Version", *, any_policy: bool = False
) -> Stored:
    """Return what every gate that is required and judges no evaluation said about what `model` was made from.

    A gate that never judged these bytes fails: nothing is released without it. One that has judged them
    under another policy alone does too, unless `any_policy`: then a verdict that stops still does, and
    any other is a warning. A gate on events goes by their name too: `clicks/malformed_rows`.

    Args:
        lake: With the pipeline's tables.
        pipeline: Whose gates.
        model: A version of the `model` table.
        any_policy: See `Upstream.of`.
    """
    landed = {f"{name}/": pipeline.landed_as(name) for name in pipeline.spec.events}
    verdicts: list[Verdict] = []
    overridden: list[Mapping[str, str]] = []
    for prefix, each in {"": pipeline, **landed}.items():
        upstream = Upstream.of(lake, each, model, any_policy=any_policy)
        known = (gate for gate, digest in upstream.asked.items() if digest or not prefix)
        told = [replace(v, gate=f"{prefix}{v.gate}") for v in _told(upstream, known)]
        verdicts += told
        overridden += [{**o, "gate": f"{prefix}{o['gate']}"} for o in upstream.overridden]
    return Stored(verdicts=verdicts, overridden=overridden)


def _told(upstream: Upstream, gates: Iterator[str]) -> Iterator[Verdict]:
    for gate in gates:
        digest = upstream.asked[gate]
        try:
            said = upstream.said.about(gate, digest)
        except ValueError as wrong:
            said = None
            why = f"0 of its verdicts can be read: {' '.join(str(wrong).split())}"
        else:
            why = (
                f"0 verdicts about {digest[:12] or 'what the model was made from'}; materialise it"
            )
        if said is None:
            yield answer.refused(
                gate, Severity.BLOCK, None, f"{why}; without one nothing is released"
            )
        else:
            other = upstream.elsewhere.get((gate, digest), "")
            yield _noted(said, other, overridden=gate in upstream.let_through) if other else said


def _noted(said: Verdict, other: str, *, overridden: bool) -> Verdict:
    """Return a verdict of another policy: it warns, unless it stops."""
    note = f"judged under another policy ({other[:12]}…); the walk will ask again"
    because = f"{note}. It had said {said.outcome.value}: {said.because}"
    if said.stops and not overridden:
        return replace(said, because=because)
    return replace(said, outcome=Outcome.INCONCLUSIVE, severity=Severity.WARN, because=because)
