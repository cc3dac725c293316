"""The gates of a pipeline as blocking asset checks: one step an asset, one commit for all its verdicts."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import dagster as dg

from assets import judges
from assets.gates import Bench, specs
from assets.mistakes import in_one_line
from mlplatform.gates.policy import Subject as Judged
from mlplatform.gates.policy import judging
from mlplatform.registry.gate_log import Subject
from mlplatform.spec import Pipeline
from mlplatform.verdict import Severity, Verdict
from resources import AlertsResource, ComputeResource, LakeResource, TfdvResource
from resources.mistakes import said_in_one_line

Judge = Callable[[Bench], tuple[Subject, Sequence[Verdict]]]

QUESTIONS = {
    "files_landed": "Has every source file at least one row?",
    "malformed_rows": "Are few enough rows of each file in quarantine?",
    "data_schema": "Does TFDV find departures from the accepted schema?",
    "row_count": "Are there enough rows, and not far fewer than before?",
    "freshness": "Is the newest data recent enough, and none of it from the future?",
    "missing_values": "Does a column miss more values than it may, or than it did?",
    "duplicates": "Do rows repeat, whole or by their key?",
    "value_ranges": "Does a value lie outside its limits, or far outside what the reference has seen?",
    "outliers": "Are there more extreme values than in the reference?",
    "correlations": "Do two columns go together otherwise than in the reference?",
    "distribution": "Has a column moved away from the reference?",
    "label_balance": "Is the label distributed about as in the reference, each class present?",
    "label_leakage": "Does one column alone give the label away?",
    "sensitive_data": "Does a column hold personal data that nobody allowed?",
    "split_sound": "Does every part hold every class, or numbers that vary?",
    "overlap": "Do test rows, or entities, also train?",
    "features_finite": "Is there a finite feature vector for every row?",
    "availability": "Was everything that features read known at each row's time?",
    "feature_leakage": "Does one feature alone give the label away?",
    "program_matches_training": "Does the exported program answer as the trained network did?",
    "training_serving_skew": "Do table, batch and a running server compute the same features, bit by bit?",
    "request_skew": "Do served requests look like the rows that trained?",
    "budget": "Did training end by itself, before it had used up its budget?",
    "performance": "Is the model good enough, better than a trivial one, and no worse than the champion?",
    "regression": "Is it, for all rows and for each group, not shown to be worse than in production?",
    "fairness": "Do groups differ too much, or more than under the champion?",
    "calibration": "Do its probabilities mean what they say?",
    "behaviour": "Does every case of the behavioural suite hold?",
    "latency": "Are program and server fast enough, and no slower than the champion's on this machine?",
    "throughput": "Does a server answer enough requests a second?",
    "artifact_size": "Is the artifact small enough?",
    "data_integrity": "Is all it was made from on record, passed, and free of what it must not read?",
    "reproducibility": "Are commit, libraries and seed on record?",
    "overall": "Did every required gate pass, about these very bytes and under this very policy?",
    "artifact_verified": "Do the bytes that were registered match their digests?",
    "traffic_verified": "Do the bytes that take traffic match their digests?",
}


def build(pipeline: Pipeline) -> list[dg.AssetChecksDefinition]:
    """Return the checks of every asset of the pipeline."""
    block = Severity.BLOCK
    on_source = {"files_landed": block, **_declared(pipeline, "source")}
    on_features = {"features_finite": block, **_declared(pipeline, "features")}
    on_model = {"program_matches_training": block, **_declared(pipeline, "model")}
    return [
        _check(pipeline, "source", on_source, judges.source),
        _check(pipeline, "dataset", _declared(pipeline, "dataset"), judges.dataset),
        _check(
            pipeline, "split", {"split_sound": block, **_declared(pipeline, "split")}, judges.split
        ),
        _check(pipeline, "features", on_features, judges.features),
        _check(pipeline, "model", on_model, judges.model),
        _check(pipeline, "evaluation", _declared(pipeline, "evaluation"), judges.evaluation),
        _check(pipeline, "gate_verdict", {"overall": block}, judges.gate_verdict),
        _check(pipeline, "registered_model", {"artifact_verified": block}, judges.registered_model),
        _check(pipeline, "deployment", {"traffic_verified": block}, judges.deployment),
        *(
            _check(pipeline.landed_as(name), "source", on_source, judges.source)
            for name, events in pipeline.spec.events.items()
            if events.source is not None
        ),
    ]


def _declared(pipeline: Pipeline, subject: Judged) -> dict[str, Severity]:
    return {name: gate.severity for name, gate in judging(pipeline.spec, subject).items()}


def _check(
    pipeline: Pipeline, noun: str, gates: Mapping[str, Severity], judge: Judge
) -> dg.AssetChecksDefinition:
    asked = {gate: (severity, QUESTIONS[gate]) for gate, severity in gates.items()}

    @dg.multi_asset_check(
        name=f"{pipeline.name}_{noun}_gates".replace("/", "_"),
        specs=specs(pipeline, noun, asked),
        can_subset=True,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        lake: LakeResource,
        alerts: AlertsResource,
        tfdv: TfdvResource,
        compute: ComputeResource,
    ) -> Iterator[dg.AssetCheckResult]:
        bench = Bench(context, pipeline, noun, lake, alerts, tfdv, compute)
        subject, verdicts = in_one_line(judge)(bench)
        # A gate that yields nothing lets its downstream through, so one without an answer ends the step.
        unanswered = set(gates) - {verdict.gate for verdict in verdicts}
        if unanswered:
            raise dg.Failure(f"no verdict of {', '.join(sorted(unanswered))}", allow_retries=False)
        # The UI may ask for one check alone; all gates of an asset are judged together all the same.
        wanted = {key.name for key in context.selected_asset_check_keys}
        with said_in_one_line():
            results = [r for r in bench.hear(subject, verdicts) if r.check_name in wanted]
        yield from results

    return check
