"""Evaluation: every gate's answer about this model and what it was made from becomes one `gate_verdict`."""

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg

from assets import permit
from assets.nouns import asset_of
from assets.permit import ALWAYS
from assets.publish import lineage, materialised, newest, policy_in_force
from assets.report import page
from mlplatform.gates import record, required
from mlplatform.gates.overall import overall
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import ancestors, number
from mlplatform.registry import gate_log
from mlplatform.spec import Pipeline
from mlplatform.verdict import Verdict
from resources import LakeResource

SAID = (
    "model_digest",
    "subject_digest",
    "policy_hash",
    "outcome",
    "because",
)  # What makes a verdict new.


def build(pipeline: Pipeline) -> dg.AssetsDefinition:
    """Return the pipeline's `gate_verdict` asset."""

    @asset_of(pipeline, "gate_verdict", "evaluation")
    def gate_verdict(
        context: dg.AssetExecutionContext, lake: LakeResource, evaluation: Version
    ) -> dg.MaterializeResult[Version]:
        store = lake.open()
        verdict = _judged(store, pipeline, evaluation)
        table = store.table(pipeline.table("gate_verdict"))
        digest, policy = evaluation.lineage.facts["candidate"], policy_in_force(pipeline)
        wanted = (digest, evaluation.digest, policy, verdict.outcome.value, verdict.because)
        known = table.read().to_pylist()[-1:] if table.exists() else []
        reused = [tuple(row[name] for name in SAID) for row in known] == [wanted]
        version = newest(table) if reused else None
        if version is None:
            row = record.rows(
                [verdict], subject=evaluation.table, subject_digest=evaluation.digest,
                model_digest=digest, policy_hash=policy, run_id=context.run.run_id,
                decided_at=datetime.now(UTC),
            )  # fmt: skip
            report = store.artifacts.put(
                {"report.html": page(store, pipeline, evaluation, verdict)}
            )
            facts = {"report": report, "candidate": digest}
            who = lineage(context, pipeline, "gate_verdict", [evaluation], facts=facts)
            token = f"{context.run.run_id}:{evaluation.digest[:16]}:{policy[:16]}:{verdict.outcome}"
            version = table.append(row, who, token=token)
        return materialised(context, store, version, {"because": verdict.because}, reused=reused)

    return gate_verdict


def _judged(store: Lake, pipeline: Pipeline, evaluation: Version) -> Verdict:
    """Return the verdict over all gates, each asked about what this very model was made from."""
    made_from = ancestors(store, evaluation)
    judged = {
        table.removeprefix(f"{pipeline.name}/"): store.table(table).version(number(at)).digest
        for table, at in made_from.items()
    }
    subjects = {**required(pipeline.spec), **ALWAYS}
    wanted = {gate: judged[noun] for gate, noun in subjects.items()}
    for name in pipeline.spec.events:
        landed = pipeline.landed_as(name)
        at = made_from.get(landed.table("source"))
        if at is not None:
            said = permit.said(
                store, landed, {"source": store.table(landed.table("source")).version(number(at))}
            )
            if not said.passed:
                return replace(said, because=f"events {name}: {said.because}")
    gates = gate_log.rows(store.table(pipeline.table(gate_log.TABLE)))
    return overall(gates, wanted, policy_in_force(pipeline))
