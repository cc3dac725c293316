"""The same walk as Dagster's, by library calls alone: what orchestration is measured against.

`python benchmarks/library_walk.py STATE_FOLDER`; needs `make install`.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc

from mlplatform.evaluate.assessment import SCORES, assess, from_bytes, to_bytes
from mlplatform.evaluate.metrics import binary
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.fitted import fitted
from mlplatform.features.incremental import Inputs
from mlplatform.features.incremental import rows as feature_rows
from mlplatform.features.labels import truth
from mlplatform.features.load import load_feature_set
from mlplatform.features.program import Predictor
from mlplatform.gates import data, policy_hash, record
from mlplatform.gates.policy import judging
from mlplatform.ingest import dataset as rows_of
from mlplatform.ingest.source import land, malformed
from mlplatform.ingest.split import assign, reads
from mlplatform.judging import candidate as judged
from mlplatform.judging.integrity import Said
from mlplatform.judging.model import judge
from mlplatform.judging.upstream import Upstream
from mlplatform.lake import Lake, Lineage
from mlplatform.monitor.reference import from_view
from mlplatform.registry.mlflow_index import MlflowIndex
from mlplatform.registry.outbox import Outbox, Subject
from mlplatform.registry.record import Candidate, register
from mlplatform.registry.replay import Store
from mlplatform.registry.tracking import tracked
from mlplatform.rollout import Model
from mlplatform.rollout.events import commit
from mlplatform.rollout.plan import deploy
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline
from mlplatform.train.compile_cache import enable
from mlplatform.train.export import export
from mlplatform.train.fit import fit
from mlplatform.validate.acceptance import accept
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.inquiry import measures_of
from mlplatform.validate.interpreter import find
from mlplatform.validate.overlap import overlap, parted
from mlplatform.validate.profile import TRAINING, load_scan, profile
from mlplatform.validate.reference import pin_first
from mlplatform.verdict import Outcome

ROOT = Path(__file__).resolve().parents[1]
LINEAGE = ("data_integrity", "reproducibility")  # About what Dagster's assets write of themselves.
WHO = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")


def main(home: str) -> None:
    """Land, validate, split, fit, evaluate, judge, register and deploy the census pipeline."""
    settings = Settings.from_environment({**os.environ, "MLPLATFORM_HOME": home}, ROOT)
    pipeline = load_pipeline(ROOT / "pipelines" / "census_income")
    spec, lake = pipeline.spec, Lake(settings.lake)
    worker = TfdvWorker(find(None, ROOT), settings.worker_log)
    worker.start()
    table = {
        noun: lake.table(pipeline.table(noun))
        for noun in ("source", "dataset", "split", "features", "model", "evaluation")
    }
    source = land(pipeline, lake, WHO)
    dataset = table["dataset"].overwrite(rows_of.rows(pipeline, lake, source), WHO)
    rows = table["dataset"].read(dataset)
    with worker:
        seen = profile(pipeline, worker, lake, dataset, WHO)
    measures = measures_of(pipeline, lake, dataset, seen, source.committed_at)
    accept(lake, pipeline, seen, WHO)
    pin_first(lake, pipeline, dataset, WHO)
    batches = table["dataset"].batches(dataset, columns=reads(spec))
    split = table["split"].overwrite(assign(spec, batches), WHO)
    parts = table["split"].read(split)
    inputs = Inputs(dataset=dataset, split=split)
    files = fitted(pipeline, load_feature_set(pipeline), lake, inputs)
    lake.artifacts.put(files)
    function = BatchFunction.load(files)
    encoder = function.encoder
    content = feature_rows(pipeline, lake, function, inputs).reader
    features = table["features"].overwrite(content, WHO)
    enable(settings.compile_cache)
    trained = fit(
        pipeline,
        table["features"].read(features, where=pc.field("part") != "test"),
        encoder,
        spec.model,
    )
    columns = [c for c in spec.columns if c != spec.label.column and c not in spec.unused]
    reference = from_view(load_scan(lake, seen.scan).view(TRAINING), columns)
    digest = lake.artifacts.put(
        {**export(trained, encoder, function.program.content), "reference.json": reference}
    )
    outbox = Outbox(settings.training_logs, Store(settings.mlflow_uri, settings.mlflow_artifacts))
    subject = Subject(experiment=pipeline.name, asset=pipeline.table("model"), run_id="library")
    with tracked(outbox, subject) as run:
        run.params(trained.model.model_dump())
        run.history(trained.fitted.history, first_step=1)
    artifact = lake.artifacts.open(digest)
    predictor = Predictor.load(artifact)
    validation = rows.filter(pc.equal(parts["part"], "validation"))
    binary(truth(spec.label, validation), predictor.predict_table(validation))
    test = rows.filter(pc.equal(parts["part"], "test"))
    assessed = assess(spec, test, {digest: predictor})
    table["evaluation"].overwrite(assessed.metrics, WHO)
    scores = from_bytes(
        lake.artifacts.open(lake.artifacts.put({SCORES: to_bytes(assessed.scores)})).read(SCORES)
    )
    asked = judged.Candidate(
        pipeline=pipeline,
        lake=lake,
        digest=digest,
        model=table["evaluation"].version(0),  # No gate that is asked here looks at it.
        dataset=dataset,
        split=split,
        aggregates=None,
        champion=None,
        scores=scores,
        upstream=Upstream(said=Said(record.GATES_SCHEMA.empty_table(), ""), required={}),
        surroundings=judged.Surroundings(compile_cache=settings.compile_cache),
    )
    verdicts = [
        data.malformed_rows(malformed(lake, pipeline, source), spec.data_gates.malformed_rows),
        *data.judged(measures, spec.data_gates, datetime.now(UTC)),
        data.overlap(
            overlap(
                lambda: parted(table["dataset"].batches(dataset), table["split"].batches(split)),
                spec,
            ),
            spec.data_gates.overlap,
        ),
        *judge(asked, [gate for gate in judging(spec, "evaluation") if gate not in LINEAGE]),
    ]
    said = record.rows(
        verdicts,
        subject="model",
        subject_digest=digest,
        model_digest=digest,
        policy_hash=policy_hash(spec),
        run_id="benchmark",
        decided_at=datetime.now(UTC),
    )
    lake.table(pipeline.table("gates")).append(said, WHO, token="benchmark")  # noqa: S106  a name, not a secret
    candidate = Candidate(
        model_digest=digest,
        metrics={},
        verdict=Outcome.PASS,
        verdict_digests={},
        code_version="benchmark",
        data_versions={dataset.table: dataset.reference},
    )
    registered = register(lake, pipeline.name, candidate, WHO, datetime.now(UTC))
    index = MlflowIndex(settings.mlflow_uri)
    index.register(pipeline.name, registered, artifact.uri)
    chosen = Model(version=registered.model_version, digest=digest)
    commit(
        lake.table(pipeline.table("deployment")),
        lambda now: deploy(now, chosen, 10, by="b", reason="b", at=datetime.now(UTC)),
        WHO,
    )
    index.alias(pipeline.name, {"champion": digest})


if __name__ == "__main__":
    main(sys.argv[1])
