"""Release: who ships a model asks the gates themselves, and not only the verdict over them.

A blocking check stops only the run it is in; a run of an asset alone, and a command, must ask again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlplatform.errors import GateRefusedError
from mlplatform.gates import require_passed, required
from mlplatform.gates.overall import overall
from mlplatform.gates.policy import ALWAYS
from mlplatform.provenance import policy
from mlplatform.provenance.ancestry import ancestors, number
from mlplatform.registry import gate_log, overrides
from mlplatform.rollout import TrafficState, to_replace

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline
    from mlplatform.verdict import Verdict


def said(lake: "Lake", pipeline: "Pipeline", judged: "Mapping[str, Version]") -> "Verdict":
    """Return one verdict, as of now, over every gate that is required of these versions, given by noun.

    What was compared with a champion has to have been compared with the one its version names.
    """
    subjects = {**required(pipeline.spec), **ALWAYS}
    wanted = {gate: judged[noun] for gate, noun in subjects.items() if noun in judged}
    return overall(
        gate_log.rows(lake.table(pipeline.table(gate_log.TABLE))),
        {gate: version.digest for gate, version in wanted.items()},
        policy.in_force(pipeline),
        baselines={
            gate: version.lineage.facts.get("champion", "") for gate, version in wanted.items()
        },
        overrides=overrides.given(lake.table(pipeline.table(overrides.TABLE))),
        now=datetime.now(UTC),
    )


def judged(store: "Lake", pipeline: "Pipeline", evaluation: "Version") -> "Verdict":
    """Return the verdict over all gates, each asked about what this very model was made from."""
    made_from = ancestors(store, evaluation)
    versions = {
        table.removeprefix(f"{pipeline.name}/"): store.table(table).version(number(at))
        for table, at in made_from.items()
    }
    let_through: list[Mapping[str, str]] = []
    for name in pipeline.spec.events:
        landed = pipeline.landed_as(name)
        source = versions.get(f"{name}/source")
        if source is None:
            continue
        of_events = said(store, landed, {"source": source})
        if not of_events.passed:
            return replace(of_events, because=f"events {name}: {of_events.because}")
        let_through += of_events.evidence["overrides"]
    whole = said(store, pipeline, versions)
    evidence = {**whole.evidence, "overrides": [*let_through, *whole.evidence["overrides"]]}
    return replace(whole, evidence=evidence)


def require_released(
    store: "Lake",
    pipeline: "Pipeline",
    model: "Version",
    evaluation: "Version",
    gate_verdict: "Version",
    rows: "pa.Table | None" = None,
) -> Mapping[str, Any]:
    """Return the verdict about a model that is about to be shipped, as a row, if everything says pass.

    The verdict has to be about these bytes, this evaluation and its champion, under the policy in
    force; the gates have to say the same today; and the bytes have to be the ones they judged.

    Args:
        store: With the model and all it was made from.
        pipeline: Whose.
        model: What is shipped.
        evaluation: Its newest.
        gate_verdict: The version with its verdict.
        rows: The verdicts; those of that version if left out.

    Raises:
        GateRefusedError: Saying what does not.
        CorruptionError: If a byte of the artifact differs.
    """
    digest = model.lineage.facts["artifact"]
    verdict = require_passed(
        store.table(gate_verdict.table).read(gate_verdict) if rows is None else rows,
        model_digest=digest,
        evaluation_digest=evaluation.digest,
        baseline_digest=evaluation.lineage.facts["champion"],
        policy_hash=policy.in_force(pipeline),
        now=datetime.now(UTC),
    )
    ancestors(store, gate_verdict, evaluation, model)  # Refuses parts of different walks.
    whole = judged(store, pipeline, evaluation)
    if not whole.passed:
        why = f"its gates say {whole.outcome.value}: {whole.because}"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")
    store.artifacts.open(digest).verify()
    return {**verdict, "overrides": whole.evidence["overrides"]}


def require_rival(traffic: TrafficState, digest: str, evaluation: "Version") -> None:
    """Let a model meet traffic only beside the champion it was compared with.

    Raises:
        GateRefusedError: If another one is live by now.
    """
    theirs, live = evaluation.lineage.facts["champion"], to_replace(traffic, digest)
    if theirs != live:
        pair = f"with {theirs[:12] or 'no champion'}, but {live[:12] or 'none'} is live now"
        why = f"it was compared {pair}; materialise `evaluation` again"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")


def require_promotable(
    store: "Lake", pipeline: "Pipeline", traffic: TrafficState, digest: str
) -> None:
    """Let a model on trial take all traffic only if it could be deployed today: asked as for that.

    Its newest evaluation counts, and the verdicts that stand in the table now.

    Raises:
        GateRefusedError: Saying what does not let it.
        CorruptionError: If a byte of the artifact differs.
    """
    evaluation = _about(store, pipeline, "evaluation", digest)
    gate_verdict = _about(store, pipeline, "gate_verdict", digest)
    table = store.table(pipeline.table("model"))
    reference = evaluation.lineage.inputs.get(table.name)
    model = table.version(number(reference)) if reference else None
    if model is None or model.lineage.facts.get("artifact") != digest:
        why = "its evaluation names another model; materialise `evaluation` again"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")
    now = store.table(gate_verdict.table).read()
    require_released(store, pipeline, model, evaluation, gate_verdict, now)
    require_rival(traffic, digest, evaluation)


def _about(store: "Lake", pipeline: "Pipeline", noun: str, digest: str) -> "Version":
    """Return the newest version of a table about this candidate.

    Raises:
        GateRefusedError: If there is none.
    """
    table = store.table(pipeline.table(noun))
    history = table.history() if table.exists() else []
    found = [each for each in history if each.lineage.facts.get("candidate") == digest]
    if not found:
        why = f"{table.name} has nothing about it; materialise `{noun}`"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")
    return max(found, key=lambda each: each.number)
