"""Profiles: every dataset version is judged by the schema of the first, once, and kept."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.errors import SourceError, WorkerError
from mlplatform.lake import Lake, Lineage
from mlplatform.spec import Pipeline
from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.profile import accept, profile
from mlplatform_tests.validate.conftest import people, people_spec, replaced

LINEAGE = Lineage(asset="people/dataset", run_id="run-1", code_version="test")
NEVER = TfdvWorker(Path("no-such-interpreter"))  # Whoever asks it gets a WorkerError.


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


@pytest.fixture
def pipeline(tmp_path):
    spec = people_spec(
        source={"files": ["a.csv", "official.csv"]}, split={"test_files": ["official.csv"]}
    )
    return Pipeline(spec=spec, folder=tmp_path)


@pytest.fixture
def dataset(lake):
    """Write a dataset version: training rows, and rows of the official test file."""

    def write(training, test=None):
        test = people(8) if test is None else test
        parts = [
            part.append_column("source_file", pa.array([file] * part.num_rows, pa.string()))
            for part, file in ((training, "a.csv"), (test, "official.csv"))
        ]
        table = pa.concat_tables(parts)
        rows = pa.array(range(table.num_rows), pa.int64())
        table = table.add_column(0, "row_id", rows).append_column("source_line", rows)
        return lake.table("people/dataset").overwrite(table, LINEAGE)

    return write


def good(pipeline, worker, lake, version, lineage):
    """Profile a version that passes its gates."""
    judged = profile(pipeline, worker, lake, version, lineage)
    accept(pipeline, lake, judged, lineage)
    return judged


def test_a_profile_is_of_all_rows_and_of_no_column_but_the_declared(
    pipeline, worker, lake, dataset
):
    version = dataset(people(40), replaced(people(8), "age", [None] * 8, pa.int64()))
    got = profile(pipeline, worker, lake, version, LINEAGE)
    assert (got.dataset, got.dataset_digest) == (version.reference, version.digest)
    assert (got.rows, got.training_rows) == (48, 40)
    assert got.missing_shares == {"city": 0, "age": pytest.approx(8 / 48), "height": 0, "member": 0}
    assert got.anomalies == ()


def test_statistics_schema_and_anomalies_are_artifacts_that_can_be_read(
    pipeline, worker, lake, dataset
):
    got = profile(pipeline, worker, lake, dataset(people(40)), LINEAGE)
    everything = lake.artifacts.open(got.statistics).read("all.pb")
    schema = lake.artifacts.open(got.schema).read("schema.pb")
    kept = lake.artifacts.open(got.anomalies_artifact).read("anomalies.pb")
    assert worker.anomalies(everything, schema) == kept
    assert b'name: "height"' in lake.artifacts.open(got.schema).read("schema.pbtxt")
    assert got.proposed_schema == got.schema


def test_a_category_that_only_the_test_rows_have_is_an_anomaly(pipeline, worker, lake, dataset):
    unseen = replaced(people(8), "city", ["Atlantis"] * 8, pa.string())
    (anomaly,) = profile(pipeline, worker, lake, dataset(people(40), unseen), LINEAGE).anomalies
    assert (anomaly.column, anomaly.reason) == ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")


def test_a_column_without_a_value_is_an_anomaly_from_the_first_version_on(
    pipeline, worker, lake, dataset
):
    void = [replaced(people(n), "height", [None] * n, pa.float64()) for n in (40, 8)]
    (anomaly,) = profile(pipeline, worker, lake, dataset(*void), LINEAGE).anomalies
    assert (anomaly.column, anomaly.reason) == ("height", "FEATURE_TYPE_NOT_PRESENT")


def test_later_versions_are_judged_by_the_first_versions_schema(pipeline, worker, lake, dataset):
    first = good(pipeline, worker, lake, dataset(people(40)), LINEAGE)
    moved = [replaced(people(n), "city", ["Bonn"] * n, pa.string()) for n in (40, 8)]
    second = good(pipeline, worker, lake, dataset(*moved), LINEAGE)
    assert second.schema == first.schema
    assert second.proposed_schema != first.schema
    assert [anomaly.column for anomaly in second.anomalies] == ["city"]
    third = good(pipeline, worker, lake, dataset(people(80)), LINEAGE)
    assert third.anomalies == ()
    assert lake.table("people/schema").latest().rows == 1


def test_declaring_other_columns_accepts_another_schema_and_going_back_finds_the_first(
    pipeline, worker, lake, dataset
):
    version = dataset(people(40))
    first = good(pipeline, worker, lake, version, LINEAGE)
    columns = {"city": "string", "age": "int64", "member": "string"}
    fewer = replace(pipeline, spec=pipeline.spec.model_copy(update={"columns": columns}))
    second = good(fewer, worker, lake, version, LINEAGE)
    assert second.schema != first.schema
    assert second.anomalies == ()
    assert good(pipeline, NEVER, lake, version, LINEAGE) == first


def test_a_profile_found_in_the_lake_is_the_one_computed_and_no_worker_starts(
    pipeline, worker, lake, dataset
):
    version = dataset(people(40), replaced(people(8), "city", ["Atlantis"] * 8, pa.string()))
    computed = good(pipeline, worker, lake, version, LINEAGE)
    assert good(pipeline, NEVER, lake, version, LINEAGE) == computed
    assert lake.table("people/statistics").latest().rows == 1


def test_an_equal_version_has_the_same_profile_under_its_own_number(
    pipeline, worker, lake, dataset
):
    first = good(pipeline, worker, lake, dataset(people(40)), LINEAGE)
    dataset(people(30))
    again = dataset(people(40))
    assert good(pipeline, NEVER, lake, again, LINEAGE) == replace(first, dataset=again.reference)


def test_other_test_files_are_another_profile_under_the_same_schema(
    pipeline, worker, lake, dataset
):
    version = dataset(people(40))
    first = profile(pipeline, worker, lake, version, LINEAGE)
    everything = replace(pipeline, spec=people_spec())
    second = profile(everything, worker, lake, version, LINEAGE)
    assert (first.training_rows, second.training_rows) == (40, 48)
    assert second.schema == first.schema


def test_the_row_says_which_dataset_version_it_was_made_from(pipeline, worker, lake, dataset):
    version = dataset(people(40))
    good(pipeline, worker, lake, version, LINEAGE)
    for name in ("people/statistics", "people/schema"):
        lineage = lake.table(name).latest().lineage
        assert lineage.inputs == {"people/dataset": version.reference}


def test_a_worker_that_fails_leaves_no_table_and_the_next_attempt_completes(
    pipeline, worker, lake, dataset
):
    version = dataset(people(40))
    with pytest.raises(WorkerError, match="no-such-interpreter"):
        profile(pipeline, NEVER, lake, version, LINEAGE)
    assert not lake.table("people/schema").exists()
    assert not lake.table("people/statistics").exists()
    assert profile(pipeline, worker, lake, version, LINEAGE).rows == 48


def test_a_version_that_is_not_accepted_pins_nothing(pipeline, worker, lake, dataset):
    """A bad first delivery must not judge the corrected one."""
    moved = [replaced(people(n), "city", ["Bonn"] * n, pa.string()) for n in (40, 8)]
    profile(pipeline, worker, lake, dataset(*moved), LINEAGE)
    assert not lake.table("people/schema").exists()
    assert good(pipeline, worker, lake, dataset(people(40)), LINEAGE).anomalies == ()


def test_a_dataset_whose_rows_are_all_test_rows_proposes_no_schema(pipeline, worker, lake, dataset):
    with pytest.raises(SourceError, match=r"every row is of split\.test_files, none trains"):
        profile(pipeline, worker, lake, dataset(people().slice(0, 0), people(8)), LINEAGE)
    assert not lake.table("people/schema").exists()


def test_without_a_test_file_all_rows_are_training_rows(pipeline, worker, lake, dataset):
    everything = replace(pipeline, spec=people_spec())
    got = profile(everything, worker, lake, dataset(people(40)), LINEAGE)
    assert (got.rows, got.training_rows) == (48, 48)
