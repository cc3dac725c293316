"""What a dataset version looks like and how it breaks the accepted schema: computed once, kept.

The accepted schema is pinned: the first dataset version that passes its gates under a declaration
of columns proposes it, and later versions are judged by it. Declaring other columns in the spec is
accepting a new one.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import SourceError
from mlplatform.spec import Pipeline, spec_digest
from mlplatform.validate import statistics as stats
from mlplatform.validate.export import export
from mlplatform.validate.record import Profile, from_row, to_table
from mlplatform.validate.schema import as_text, constrained, describe

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.validate.client import TfdvWorker

__all__ = ["Profile", "profile"]


def profile(
    pipeline: Pipeline,
    worker: "TfdvWorker",
    lake: "Lake",
    dataset: "Version",
    lineage: "Lineage",
) -> Profile:
    """Return the profile of a dataset version, computing it only where the lake does not hold it.

    Raises:
        SourceError: If every row is of a test file, so that there is nothing to infer a schema of.
        WorkerError: If TFDV fails, dies or hangs; nothing is written then.
    """
    accepted = _accepted_schema(pipeline, lake)
    found = _kept(pipeline, lake, dataset, accepted) if accepted else None
    if found is not None:
        return found
    lineage = replace(lineage, inputs={dataset.table: dataset.reference})
    measured = _measure(pipeline, worker, lake, dataset)
    judged = _judge(worker, lake, dataset, measured, accepted or measured.proposed_schema)
    _keep(pipeline, lake, judged, lineage)
    return judged


@dataclass(frozen=True)
class _Measured:
    """Statistics of one dataset version, and the digest of the schema its training rows propose."""

    everything: bytes
    training: bytes
    test_files: tuple[str, ...]
    proposed_schema: str


def _measure(
    pipeline: Pipeline, worker: "TfdvWorker", lake: "Lake", dataset: "Version"
) -> _Measured:
    columns = list(pipeline.spec.columns)
    test_files = pipeline.spec.split.test_files
    batches = lake.table(dataset.table).batches(dataset, columns=[*columns, "source_file"])
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        training_file, test_file = export(batches, test_files, Path(folder))
        training = worker.statistics([training_file], columns)
        everything = (
            worker.statistics([training_file, test_file], columns) if test_files else training
        )
    if not stats.rows(training):
        raise SourceError(
            f"{dataset.table} {dataset.reference}: every row is of split.test_files, none trains"
        )
    schema = constrained(worker.infer_schema(training), pipeline.spec)
    files = {"schema.pb": schema, "schema.pbtxt": as_text(schema).encode()}
    return _Measured(everything, training, tuple(test_files), lake.artifacts.put(files))


def _judge(
    worker: "TfdvWorker", lake: "Lake", dataset: "Version", measured: _Measured, accepted: str
) -> Profile:
    schema = lake.artifacts.open(accepted).read("schema.pb")
    anomalies = worker.anomalies(measured.everything, schema)
    statistics = {"all.pb": measured.everything, "training.pb": measured.training}
    return Profile(
        dataset=dataset.reference,
        dataset_digest=dataset.digest,
        rows=stats.rows(measured.everything),
        training_rows=stats.rows(measured.training),
        test_files=measured.test_files,
        columns=tuple(stats.summary(measured.everything)),
        anomalies=tuple(describe(anomalies)),
        statistics=lake.artifacts.put(statistics),
        schema=accepted,
        proposed_schema=measured.proposed_schema,
        anomalies_artifact=lake.artifacts.put({"anomalies.pb": anomalies}),
    )


def _accepted_schema(pipeline: Pipeline, lake: "Lake") -> str | None:
    """Digest of the schema artifact pinned first for the columns as they are declared now."""
    table = lake.table(pipeline.table("schema"))
    rows = table.read(columns=["declaration", "schema"]).to_pylist() if table.exists() else []
    declared = _declaration(pipeline)
    return next((str(row["schema"]) for row in rows if row["declaration"] == declared), None)


def accept(pipeline: Pipeline, lake: "Lake", judged: Profile, lineage: "Lineage") -> str:
    """Pin the schema a dataset version proposes, unless one is pinned; return what is pinned.

    For a version that passed its gates: what is pinned judges every later one.
    """
    import pyarrow as pa

    pinned = _accepted_schema(pipeline, lake)
    if pinned is not None:
        return pinned
    row = {
        "declaration": _declaration(pipeline),
        "schema": judged.proposed_schema,
        "dataset": judged.dataset,
        "dataset_digest": judged.dataset_digest,
    }
    table = lake.table(pipeline.table("schema"))
    lineage = replace(lineage, inputs={pipeline.table("dataset"): judged.dataset})
    table.append(pa.Table.from_pylist([row]), lineage, token=f"first-{row['declaration']}")
    return _accepted_schema(pipeline, lake) or judged.proposed_schema


def _declaration(pipeline: Pipeline) -> str:
    return spec_digest(pipeline.spec, "columns", "label")


def _keep(pipeline: Pipeline, lake: "Lake", judged: Profile, lineage: "Lineage") -> None:
    token = "-".join([judged.dataset_digest, judged.schema, *judged.test_files])
    lake.table(pipeline.table("statistics")).append(to_table(judged), lineage, token=token)


def _kept(pipeline: Pipeline, lake: "Lake", dataset: "Version", accepted: str) -> Profile | None:
    import pyarrow.compute as pc

    table = lake.table(pipeline.table("statistics"))
    if not table.exists():
        return None
    same_data = pc.field("dataset_digest") == dataset.digest
    rows = table.read(where=same_data & (pc.field("schema") == accepted)).to_pylist()
    test_files = pipeline.spec.split.test_files
    row = next((row for row in rows if row["test_files"] == test_files), None)
    return from_row({**row, "dataset": dataset.reference}) if row else None
