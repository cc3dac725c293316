"""Evaluation: every gate's answer about this model and what it was made from becomes one `gate_verdict`."""

from datetime import UTC, datetime

import dagster as dg

from assets.nouns import asset_of
from assets.publish import lineage, materialised, newest, policy_in_force, stands
from assets.report import files, pictures
from mlplatform.gates import record
from mlplatform.gates.overall import of_the_future
from mlplatform.judging.second_lock import judged
from mlplatform.lake import Version
from mlplatform.spec import Pipeline
from resources import LakeResource

SAID = (
    "model_digest",
    "baseline_digest",
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
        verdict = judged(store, pipeline, evaluation)
        table = store.table(pipeline.table("gate_verdict"))
        facts, policy = evaluation.lineage.facts, policy_in_force(pipeline)
        digest, champion = facts["candidate"], facts["champion"]
        wanted = (
            digest,
            champion,
            evaluation.digest,
            policy,
            verdict.outcome.value,
            verdict.because,
        )
        now = datetime.now(UTC)
        rows = table.read().to_pylist()[-1:] if table.exists() else []
        known = [row for row in rows if not of_the_future(row, now)]
        reused = [tuple(row.get(name) for name in SAID) for row in known] == [wanted]
        reused = reused and stands(context, newest(table))
        version = newest(table) if reused else None
        if version is None:
            row = record.rows(
                [verdict], subject=evaluation.table, subject_digest=evaluation.digest,
                model_digest=digest, baseline_digest=champion, policy_hash=policy, run_id=context.run.run_id,
                decided_at=now,
            )  # fmt: skip
            report = store.artifacts.put(files(store, pipeline, evaluation, verdict))
            facts = {"report": report, "candidate": digest, "champion": champion}
            who = lineage(context, pipeline, "gate_verdict", [evaluation], facts=facts)
            token = f"{context.run.run_id}:{evaluation.digest[:16]}:{policy[:16]}:{verdict.outcome}"
            version = table.append(row, who, token=token)
        shown = {"because": verdict.because, **pictures(store, pipeline, evaluation, verdict)}
        return materialised(context, store, version, shown, reused=reused)

    return gate_verdict
