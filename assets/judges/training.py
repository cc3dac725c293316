"""Judges of what is made from data: feature vectors, and the trained model."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.judges.common import Answer, artifact_of, dataset_of, remembered, upstream
from mlplatform.gates import budget, walk
from mlplatform.gates import features as of_features
from mlplatform.lake import Version
from mlplatform.spec.budget import limits
from mlplatform.verdict import Verdict


def features(bench: Bench) -> Answer:
    """A finite feature vector for every row, of what was known by then, and none that tells the label."""
    version, policies = bench.version(), bench.pipeline.spec.feature_gates

    def judge() -> list[Verdict]:
        from mlplatform.evaluate.availability import availability
        from mlplatform.evaluate.feature_leakage import feature_leakage

        expected, bad = upstream(bench, version, "dataset").rows, _not_finite(bench, version)
        known = availability(bench.pipeline, bench.store, version)
        leaks = feature_leakage(bench.pipeline, bench.store, version)
        return [
            walk.features_finite(version.rows, expected, bad),
            of_features.availability(known, policies.availability),
            of_features.feature_leakage(leaks, policies.feature_leakage),
        ]

    subject, spec = bench.subject(version.digest), bench.pipeline.spec
    if spec.known_at or spec.events:  # Times can change and leave the features as they were.
        return subject, judge()
    names = ["features_finite", "availability", "feature_leakage"]
    return remembered(bench, subject, names, judge)


def _not_finite(bench: Bench, version: Version) -> int:
    """Return how many numbers of the table are missing, infinite or no number."""
    bad = 0
    for batch in bench.store.table(version.table).batches(version):
        floats = [c for c in batch.columns if pa.types.is_floating(c.type)]
        bad += sum(batch.num_rows - (pc.sum(pc.is_finite(c)).as_py() or 0) for c in floats)
    return bad


def model(bench: Bench) -> Answer:
    """The exported program answers as the trained network did, and as a server does, from raw rows."""
    version, policies = bench.version(), bench.pipeline.spec.feature_gates
    subject = bench.subject(version.digest, artifact_of(version))

    def judge() -> list[Verdict]:
        from mlplatform.monitor.compared import Compared
        from mlplatform.monitor.skew import parity

        bench.compute.prepare()
        trained_on = upstream(bench, version, "features")
        compared = Compared(bench.pipeline, bench.store, trained_on, artifact_of(version))
        policy = policies.training_serving_skew
        seen = parity(
            compared,
            max_rows=policy.max_rows,
            storage_options=bench.lake.storage_options(),
            compile_cache=bench.compute.folder,
        )
        return [_as_trained(bench, version), of_features.training_serving_skew(seen, policy)]

    names = ["program_matches_training", "training_serving_skew"]
    subject, verdicts = remembered(bench, subject, names, judge)
    return subject, [*verdicts, _within_budget(bench, version), _like_requests(bench, version)]


def _within_budget(bench: Bench, version: Version) -> Verdict:
    """Hold what training used against what it may, and its study, which has the same budget.

    Times stand beside the tables: they differ each time.
    """
    row = bench.store.table(version.table).read(version).to_pylist()[0]
    spent = {**_spent(version), "steps": row.get("steps")}
    used = {"model": budget.Used(row.get("stopped_by"), spent)}
    if bench.pipeline.table("study") in version.lineage.inputs:
        study = upstream(bench, version, "study")
        stopped_by = study.lineage.facts.get("stopped_by")
        used = {"study": budget.Used(stopped_by, _spent(study)), **used}
    seen = budget.seen(limits(bench.pipeline.spec.budget), used)
    return budget.budget(seen, bench.pipeline.spec.model_gates.budget)


def _spent(version: Version) -> dict[str, Any]:
    """Return what a commit says that its making used up."""
    found: dict[str, Any] = json.loads(version.lineage.facts.get("spent", "{}"))
    return found


def _as_trained(bench: Bench, version: Version) -> Verdict:
    """Hold the program's validation loss against the trainer's."""
    from mlplatform.evaluate.looked_up import Scorer
    from mlplatform.evaluate.made_from import MadeFrom
    from mlplatform.evaluate.tasks import loss
    from mlplatform.features.labels import truth, weight_of
    from mlplatform.features.program import Predictor
    from mlplatform.ingest.split import VALIDATION, rows_of

    made = MadeFrom(bench.pipeline, bench.store, upstream(bench, version, "features"))
    predictor = Predictor.load(bench.store.artifacts.open(artifact_of(version)))
    split = upstream(bench, version, "split")
    parts = bench.store.table(split.table).read(split)
    rows = rows_of(VALIDATION, dataset_of(bench, version), parts)
    scores = Scorer(predictor, bench.store, made.aggregates).predict_table(rows)
    label, predicts = bench.pipeline.spec.label, predictor.predicts
    labels, weights = truth(label, rows), weight_of(label, rows)
    numbers = predicts.task == "regression"
    return walk.program_matches_training(
        bench.store.table(version.table)
        .read(version)
        .to_pylist()[0][f"validation_{predicts.metric}"],
        loss(predicts, labels, scores, weights),
        saturated=0.0 if numbers else float(((scores <= 0) | (scores >= 1)).mean()),
        metric=predicts.metric,
        unit=float(labels.std()) if numbers else 1.0,
    )


def _like_requests(bench: Bench, version: Version) -> Verdict:
    """Hold the newest requests against the rows that trained; not remembered, since they go on coming."""
    from mlplatform.monitor.requests import requests

    policy = bench.pipeline.spec.feature_gates.request_skew
    seen = requests(bench.pipeline, bench.store, artifact_of(version), policy.max_requests)
    return of_features.request_skew(seen, policy)
