"""Collects what the report of a model shows; page, card and pictures are made in `mlplatform.evaluate`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.publish import policy_in_force
from mlplatform.gates import record
from mlplatform.lake import Lake, Version
from mlplatform.provenance.ancestry import ancestors, number
from mlplatform.registry import gate_log
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.evaluate.report_input import Champion, ReportInput

Rows = Sequence[Mapping[str, Any]]
TRAINING = ("family", "parameters", "best_epoch", "steps", "stopped_by", "hyperparameters")


def files(
    store: Lake, pipeline: Pipeline, evaluation: Version, overall: Verdict
) -> dict[str, bytes]:
    """Return the report about the candidate of one evaluation: page, Markdown, JSON and model card, by file name."""
    from mlplatform.evaluate.card import card_json
    from mlplatform.evaluate.card_markdown import card_markdown
    from mlplatform.evaluate.report import render
    from mlplatform.evaluate.report_json import report_json
    from mlplatform.evaluate.report_markdown import report_markdown

    given = collected(store, pipeline, evaluation, overall)
    return {
        "report.html": render(given).encode(),
        "report.md": report_markdown(given).encode(),
        "report.json": report_json(given),
        "model_card.md": card_markdown(given).encode(),
        "model_card.json": card_json(given),
    }


def page(store: Lake, pipeline: Pipeline, evaluation: Version, overall: Verdict) -> bytes:
    """Return the page alone, as HTML."""
    from mlplatform.evaluate.report import render

    return render(collected(store, pipeline, evaluation, overall)).encode()


def pictures(
    store: Lake, pipeline: Pipeline, evaluation: Version, overall: Verdict
) -> dict[str, dg.MarkdownMetadataValue]:
    """Return what the UI shows of the report, as an asset's metadata."""
    from mlplatform.evaluate.pictures import pictures as drawn

    told = drawn(collected(store, pipeline, evaluation, overall))
    return {name: dg.MetadataValue.md(said) for name, said in told.items()}


def collected(
    store: Lake, pipeline: Pipeline, evaluation: Version, overall: Verdict | None
) -> "ReportInput":
    """Return everything that the report shows, from the lake."""
    from mlplatform.evaluate.assessment import SCORES, answers, from_bytes
    from mlplatform.evaluate.curves import curves_of
    from mlplatform.evaluate.report_input import ReportInput, kind_of
    from mlplatform.features.predicts import Predicts

    facts, spec = evaluation.lineage.facts, pipeline.spec
    candidate, predicts = facts["candidate"], Predicts.of(spec.label)
    scores = from_bytes(store.artifacts.open(facts["scores"]).read(SCORES))
    table = store.table(evaluation.table).read(evaluation).to_pylist()
    references = ancestors(store, evaluation)
    metrics, intervals = _whole(table, candidate)
    return ReportInput(
        pipeline=pipeline.name,
        description=spec.description,
        model_version=candidate[:12],
        model_digest=candidate,
        made_at=evaluation.committed_at,
        metrics={"rows": float(scores.num_rows), **metrics},
        intervals=intervals,
        curves=curves_of(predicts, scores["label"].to_numpy(), answers(scores, candidate)),
        overall=overall,
        verdicts=_verdicts(store, pipeline, references, candidate),
        slices=[row for row in table if row["model"] == candidate and kind_of(row) != "all"],
        champion=_champion(scores, table, facts, predicts),
        provenance=_provenance(evaluation, references),
        predicts=predicts,
        positive=spec.label.positive,
        training=_training(store, pipeline, references),
        card=spec.card,
        owners=spec.owners,
        columns=_asked(spec),
        split=_split(spec),
        policy=policy_in_force(pipeline),
        evaluation=f"{evaluation.table} {evaluation.reference}",
    )


def _whole(table: Rows, model: str) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the metrics of all test rows, and the intervals of those that have one."""
    from mlplatform.evaluate.report_input import finite, kind_of

    mine = [row for row in table if row["model"] == model and kind_of(row) == "all"]
    metrics = {str(row["metric"]): _or_nan(row["observed"]) for row in mine}
    bounds = {str(row["metric"]): (finite(row, "lower"), finite(row, "upper")) for row in mine}
    known = {m: (low, up) for m, (low, up) in bounds.items() if low is not None and up is not None}
    return metrics, known


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _champion(
    scores: Any, table: Rows, facts: Mapping[str, str], predicts: Any
) -> "Champion | None":
    from mlplatform.evaluate.assessment import answers
    from mlplatform.evaluate.curves import Curves, curves_of
    from mlplatform.evaluate.report_input import Champion

    digest, unscored = facts["champion"], facts.get("unscored", "")
    if not digest:
        return None
    metrics, intervals = _whole(table, digest)
    known = digest in scores.column_names and not unscored
    labels = scores["label"].to_numpy()
    drawn = curves_of(predicts, labels, answers(scores, digest)) if known else Curves()
    return Champion(
        name=digest[:12],
        digest=digest,
        metrics=metrics,
        intervals=intervals,
        curves=drawn,
        unscored=unscored,
    )


def _verdicts(
    store: Lake, pipeline: Pipeline, references: Mapping[str, str], candidate: str
) -> list[Verdict]:
    """Return the newest verdict of each gate about the candidate or the tables it was made from."""
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


def _provenance(evaluation: Version, references: Mapping[str, str]) -> dict[str, str]:
    made_from = {f"table {t}": f"version {r}" for t, r in references.items()}
    lineage = evaluation.lineage
    return {"code": lineage.code_version, "Dagster run": lineage.run_id, **made_from}


def _training(
    store: Lake, pipeline: Pipeline, references: Mapping[str, str]
) -> dict[str, str | float]:
    """Return what the model's own row says of its training."""
    table = pipeline.table("model")
    if table not in references:
        return {}
    model = store.table(table)
    rows = model.read(model.version(number(references[table]))).to_pylist()
    row = rows[-1] if rows else {}
    return {name: row[name] for name in TRAINING if row.get(name) not in (None, "")}


def _asked(spec: PipelineSpec) -> dict[str, str]:
    """Return the columns that a model may be asked with, by type."""
    barred = {spec.label.column, spec.label.weight, *spec.unused, *spec.known_after}
    return {column: kind for column, kind in spec.columns.items() if column not in barred}


def _split(spec: PipelineSpec) -> str:
    """Return in words which rows are the test's."""
    split = spec.split
    if split.test_files:
        return f"source files {', '.join(split.test_files)}"
    if split.by == "time":
        return f"rows from {split.test_from} on, by {spec.event_time}"
    of = f"the values of {split.group}" if split.by == "group" else "the rows"
    return f"{split.test:.0%} of {of}, by a hash"
