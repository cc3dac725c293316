"""Release: who ships a model asks the gates themselves, and not only the verdict over them.

A blocking check stops only the run it is in; a run of an asset alone must ask again.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from assets import permit
from assets.evaluation import to_replace
from assets.publish import policy_in_force
from mlplatform.errors import GateRefusedError
from mlplatform.gates import require_passed
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import ancestors, number
from mlplatform.rollout import TrafficState
from mlplatform.spec import Pipeline
from mlplatform.verdict import Verdict


def judged(store: Lake, pipeline: Pipeline, evaluation: Version) -> Verdict:
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
        said = permit.said(store, landed, {"source": source})
        if not said.passed:
            return replace(said, because=f"events {name}: {said.because}")
        let_through += said.evidence["overrides"]
    said = permit.said(store, pipeline, versions)
    evidence = {**said.evidence, "overrides": [*let_through, *said.evidence["overrides"]]}
    return replace(said, evidence=evidence)


def require_released(
    store: Lake, pipeline: Pipeline, model: Version, evaluation: Version, gate_verdict: Version
) -> Mapping[str, Any]:
    """Return the verdict about a model that is about to be shipped, as a row, if everything says pass.

    The verdict has to be about these bytes, this evaluation and its champion, under the policy in
    force; the gates have to say the same today; and the bytes have to be the ones they judged.

    Raises:
        GateRefusedError: Saying what does not.
        CorruptionError: If a byte of the artifact differs.
    """
    digest = model.lineage.facts["artifact"]
    verdict = require_passed(
        store.table(gate_verdict.table).read(gate_verdict),
        model_digest=digest,
        evaluation_digest=evaluation.digest,
        baseline_digest=evaluation.lineage.facts["champion"],
        policy_hash=policy_in_force(pipeline),
        now=datetime.now(UTC),
    )
    ancestors(store, gate_verdict, evaluation, model)  # Refuses parts of different walks.
    said = judged(store, pipeline, evaluation)
    if not said.passed:
        why = f"its gates say {said.outcome.value}: {said.because}"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")
    store.artifacts.open(digest).verify()
    return {**verdict, "overrides": said.evidence["overrides"]}


def require_rival(traffic: TrafficState, digest: str, evaluation: Version) -> None:
    """Let a model meet traffic only beside the champion it was compared with.

    Raises:
        GateRefusedError: If another one is live by now.
    """
    theirs, live = evaluation.lineage.facts["champion"], to_replace(traffic, digest)
    if theirs != live:
        pair = f"with {theirs[:12] or 'no champion'}, but {live[:12] or 'none'} is live now"
        why = f"it was compared {pair}; materialise `evaluation` again"
        raise GateRefusedError(f"model {digest[:12]} is not released: {why}")
