"""Collects what the report page of a model shows; the page itself is `mlplatform.evaluate.report`."""

from assets.publish import policy_in_force
from mlplatform.gates import record
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import ancestors
from mlplatform.registry import gate_log
from mlplatform.spec import Pipeline
from mlplatform.verdict import Verdict


def page(store: Lake, pipeline: Pipeline, evaluation: Version, overall: Verdict) -> bytes:
    """Return the page about the candidate of one evaluation, as HTML."""
    from mlplatform.evaluate.assessment import SCORES, answers, from_bytes
    from mlplatform.evaluate.curves import curves_of
    from mlplatform.evaluate.report import Champion, ReportInput, render
    from mlplatform.features.predicts import Predicts

    facts = evaluation.lineage.facts
    candidate, champion = facts["candidate"], facts["champion"]
    scores = from_bytes(store.artifacts.open(facts["scores"]).read(SCORES))
    table = store.table(evaluation.table).read(evaluation).to_pylist()
    predicts = Predicts.of(pipeline.spec.label)
    given = ReportInput(
        pipeline=pipeline.name,
        description=pipeline.spec.description,
        model_version=candidate[:12],
        model_digest=candidate,
        made_at=evaluation.committed_at,
        metrics={"rows": float(scores.num_rows), **_overall(table, candidate)},
        curves=curves_of(predicts, scores["label"].to_numpy(), answers(scores, candidate)),
        overall=overall,
        verdicts=_verdicts(store, pipeline, evaluation, candidate),
        slices=[row for row in table if row["model"] == candidate and row["group"]],
        champion=Champion(name=champion[:12], metrics=_overall(table, champion))
        if champion
        else None,
        provenance=_provenance(store, evaluation),
        predicts=predicts,
    )
    return render(given).encode()


def _overall(table: list[dict[str, object]], model: str) -> dict[str, float]:
    mine = [row for row in table if row["model"] == model and not row["group"]]
    return {str(row["metric"]): float(str(row["observed"])) for row in mine}


def _verdicts(
    store: Lake, pipeline: Pipeline, evaluation: Version, candidate: str
) -> list[Verdict]:
    """Return the newest verdict of each gate about the candidate or the tables it was made from."""
    references = ancestors(store, evaluation)
    policy = policy_in_force(pipeline)
    newest: dict[str, Verdict] = {}
    for row in gate_log.rows(store.table(pipeline.table(gate_log.TABLE))).to_pylist():
        short = references.get(row["subject"], ":").partition(":")[2]
        about = row["model_digest"] == candidate or (
            short and row["subject_digest"].startswith(short)
        )
        if about and row["policy_hash"] == policy:
            newest[row["gate"]] = record.verdict(row)
    return list(newest.values())


def _provenance(store: Lake, evaluation: Version) -> dict[str, str]:
    made_from = {f"table {t}": f"version {r}" for t, r in ancestors(store, evaluation).items()}
    lineage = evaluation.lineage
    return {"code": lineage.code_version, "Dagster run": lineage.run_id, **made_from}
