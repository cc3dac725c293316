"""Judges of what is made from data: feature vectors, and the trained model."""

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.judges.common import Answer, artifact_of, dataset_of, remembered, upstream
from mlplatform.gates import walk
from mlplatform.verdict import Verdict


def features(bench: Bench) -> Answer:
    """A finite feature vector for every row."""
    version = bench.version()

    def judge() -> list[Verdict]:
        rows = bench.store.table(version.table).read(version)
        floats = [c for c in rows.columns if pa.types.is_floating(c.type)]
        bad = sum(rows.num_rows - (pc.sum(pc.is_finite(c)).as_py() or 0) for c in floats)
        return [walk.features_finite(version.rows, upstream(bench, version, "dataset").rows, bad)]

    return remembered(bench, bench.subject(version.digest), ["features_finite"], judge)


def model(bench: Bench) -> Answer:
    """The exported program answers as the trained network did, from raw rows."""
    version = bench.version()

    def judge() -> list[Verdict]:
        from mlplatform.evaluate.assessment import class_of
        from mlplatform.evaluate.metrics import binary
        from mlplatform.features.program import Predictor
        from mlplatform.ingest.split import VALIDATION, rows_of

        bench.compute.prepare()
        predictor = Predictor.load(bench.store.artifacts.open(artifact_of(version)))
        split = upstream(bench, version, "split")
        parts = bench.store.table(split.table).read(split)
        rows = rows_of(VALIDATION, dataset_of(bench, version), parts)
        served = binary(class_of(bench.pipeline.spec, rows), predictor.predict_table(rows))
        trained = bench.store.table(version.table).read(version).to_pylist()[0]
        return [walk.program_matches_training(trained["validation_log_loss"], served["log_loss"])]

    subject = bench.subject(version.digest, artifact_of(version))
    return remembered(bench, subject, ["program_matches_training"], judge)
