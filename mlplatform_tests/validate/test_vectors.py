"""Columns of vectors: counted and told, but never compared, cut or shown to TFDV."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.gates.data import judged
from mlplatform.ingest.chunk import VECTOR
from mlplatform.ingest.dataset import rows as dataset_rows
from mlplatform.ingest.source import land, malformed
from mlplatform.lake import Lake
from mlplatform.monitor import reference as drift
from mlplatform.spec import Pipeline
from mlplatform.validate import acceptance, reference
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.examples import examples, wanted_of
from mlplatform.validate.leakage import leaks
from mlplatform.validate.measure import measured
from mlplatform.validate.profile import load_scan, plan_of, profile
from mlplatform.validate.proto import parse
from mlplatform.validate.record import profiles_of
from mlplatform.validate.scan import Plan, Scan, scan
from mlplatform.validate.schema_rules import agrees
from mlplatform.validate.sensitive import shown
from mlplatform.validate.summary import markdown, records, summarised
from mlplatform_tests.validate.conftest import COLUMNS, LINEAGE, people, people_spec

SPEC = people_spec(
    source={"kind": "parquet", "files": ["*.parquet"]},
    columns=COLUMNS | {"face": "vector[3]"},
    data_gates={"min_new_rows": 10},
)
numbers = st.floats(-(2.0**100), 2.0**100, width=32)
faces = st.none() | st.lists(numbers, min_size=3, max_size=3)
tables = st.lists(st.tuples(faces, st.sampled_from(["yes", "no", None])), min_size=1, max_size=20)


def with_faces(rows: int = 40, length: float = 1.0, bad: int = 0) -> pa.Table:
    """People with faces of this length, the first of which are malformed."""
    values: list[Any] = [[length, 0.0, 0.0] if n % 2 else [0.0, -length, 0.0] for n in range(rows)]
    values[:bad] = [[1.0]] * bad
    return people(rows).append_column("face", pa.array(values, pa.list_(pa.float64())))


def scanned(table: pa.Table, batch_rows: int | None = None, **more: Any) -> Scan:
    plan = Plan(columns={"face": "vector[3]", "member": "string"}, label="member", positive="yes")
    return scan(table.to_batches(max_chunksize=batch_rows), replace(plan, **more))


def test_vectors_are_landed_profiled_judged_and_accepted(
    tmp_path: Path, lake: Lake, worker: TfdvWorker
):
    pipeline = Pipeline(spec=SPEC, folder=tmp_path)
    for name, length in (("a", 1.0), ("b", 50.0)):
        pq.write_table(with_faces(40, length, bad=3), tmp_path / f"{name}.parquet")
        source = land(pipeline, lake, LINEAGE)
        rows = dataset_rows(pipeline, lake, source)
        version = lake.table("people/dataset").overwrite(rows, LINEAGE)
        got = profile(pipeline, worker, lake, version, LINEAGE)
        assert got.anomalies == ()
        acceptance.accept(lake, pipeline, got, LINEAGE)
        reference.pin_first(lake, pipeline, version, LINEAGE)
    assert malformed(lake, pipeline, source).reasons == {"face: not 3 numbers": 6}
    (face,) = (column for column in got.columns if column.name == "face")
    assert (face.rows, face.missing, face.mean) == (74, 0, 25.5)
    assert "vectors of 3 numbers, mean length 25.5" in markdown(face)
    assert records(got)[-1]["most frequent"] == "vectors of 3 numbers, mean length 25.5"
    assert profiles_of(lake, pipeline, version)[0].columns == got.columns
    assert {d.column for d in got.distances} == set(COLUMNS)
    message = parse("Schema", lake.artifacts.open(got.schema).read("schema.pb"))
    assert [feature.name for feature in message.feature] == list(COLUMNS)
    assert agrees(message.SerializeToString(), SPEC)
    pinned = reference.current(lake, pipeline)
    assert pinned is not None
    before = reference.scan_of(lake, pinned)
    measures = _measures(load_scan(lake, got.scan), before, got.distances)
    assert measures.not_compared == {"face": "vectors are not compared"}
    assert "face" not in {seen.column for seen in measures.shifts or ()}
    gates = {v.gate: v for v in judged(measures, SPEC.data_gates, datetime.now(UTC))}
    assert gates["distribution"].because.endswith("(vectors are not compared: face)")
    breaches = [seen for one in gates.values() for seen in one.evidence.get("columns", ())]
    assert not any(seen["broken"] for seen in breaches if seen["column"] == "face")


def _measures(now: Scan, before: Scan, distances: Any) -> Any:
    return measured(
        SPEC,
        now,
        new=[0],
        reference=before,
        accepted_rows=37,
        anomalies=[],
        distances=distances,
        landed_at=datetime.now(UTC),
    )


@given(tables, st.integers(1, 20))
@settings(max_examples=30)
def test_a_scan_counts_vectors_by_class_however_rows_are_cut(rows: list[Any], cut: int):
    values, labels = zip(*rows, strict=True)
    table = pa.table({"face": pa.array(values, VECTOR), "member": pa.array(labels, pa.string())})
    view = scanned(table, cut).view().columns["face"]
    present = [value for value in values if value is not None]
    missing = [label for value, label in rows if value is None]
    assert (view.rows, view.present) == (len(rows), len(present))
    assert view.missing_by_class == (missing.count("no"), missing.count("yes"))
    positive = sum(label == "yes" for value, label in rows if value is not None)
    assert view.positive.get("a vector", 0) == positive
    assert (view.histogram, view.sample, view.minimum) == (None, (), None)
    if present:
        expected = np.linalg.norm(np.array(present, np.float64), axis=1).mean()
        assert view.mean == pytest.approx(expected)
    kept = scanned(table)
    assert Scan.from_bytes(kept.to_bytes()).view().columns == kept.view().columns
    assert Scan.from_bytes(kept.to_bytes()).to_bytes() == kept.to_bytes()


def test_atoms_of_vectors_are_looked_at_together():
    table = pa.table({"face": pa.array([[3.0, 4, 0], None, [0, 0, 1.0]], VECTOR)})
    table = table.append_column("member", [["yes", "no", "yes"]])
    seen = scanned(table, atoms=lambda batch: np.arange(batch.num_rows))
    assert [seen.view([n]).columns["face"].mean for n in range(3)] == [5.0, None, 1.0]
    assert (seen.view().columns["face"].mean, seen.view().columns["face"].missing) == (3.0, 1)


def test_that_a_vector_is_missing_may_give_the_label_away_but_its_numbers_do_not():
    table = with_faces(400)
    spec = SPEC.model_copy(update={"columns": {"face": "vector[3]", "member": "string"}})
    telling = [None if label == "yes" else [1.0, 0, 0] for label in table["member"].to_pylist()]
    for values, expected in ((telling, 1.0), (table["face"].to_pylist(), 0.5)):
        rows = table.set_column(4, "face", pa.array(values, VECTOR))
        (seen,) = leaks(spec, [scan(rows.to_batches(), plan_of(spec)).view()])
        assert seen.auc == pytest.approx(expected, abs=0.01)


def test_examples_of_rows_name_a_vector_by_its_width_alone():
    assert shown([1.5] * 384) == "384 numbers"
    spec = people_spec(
        source={"kind": "parquet", "files": ["a"]},
        columns=COLUMNS | {"face": "vector[3]"},
        data_gates={"missing_values": {"columns": {"face": 0.1}}},
    )
    table = with_faces().set_column(4, "face", pa.array([None] * 40, VECTOR))
    seen = _measures(scan(table.to_batches(), plan_of(spec)), None, None)  # type: ignore[arg-type]  # None yet.
    verdicts = judged(seen, spec.data_gates, datetime.now(UTC))
    wanted = wanted_of(verdicts, seen, spec, None, datetime.now(UTC))
    rows = table.append_column("source_file", [["a"] * 40]).append_column(
        "source_line", [list(range(40))]
    )
    assert examples(rows.to_batches(), wanted)["missing_values"][0]["face"] is None


def test_a_drift_reference_has_no_vectors():
    table = with_faces()
    assert set(drift.load(drift.cut(table, ["age", "face"]))) == {"age"}
    view = scan(table.to_batches(), Plan(columns={"age": "int64", "face": "vector[3]"})).view()
    content = drift.from_view(view, ["age", "face"])
    assert set(json.loads(content)["columns"]) == {"age"}
    assert summarised(view)[1].distinct is None
