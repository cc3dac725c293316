"""The committed UCI Adult files, with their quirks, against what the data set's authors published."""

import pyarrow.compute as pc
import pytest

from mlplatform.ingest.dataset import rows
from mlplatform.ingest.source import land, malformed
from mlplatform.ingest.split import assign
from mlplatform.lake import Lake
from mlplatform.spec import load_pipeline
from mlplatform_tests.ingest.conftest import LINEAGE, ROOT


@pytest.fixture(scope="module")
def census():
    return load_pipeline(ROOT / "pipelines" / "census_income")


@pytest.fixture(scope="module")
def landed(census, tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    return lake, land(census, lake, LINEAGE)


@pytest.fixture(scope="module")
def dataset(census, landed):
    return rows(census, *landed).read_all()


def test_none_of_the_authors_rows_is_malformed(census, landed):
    lake, version = landed
    seen = malformed(lake, census, version)
    assert (seen.rows, seen.rejected) == (48_842, 0)


def test_every_instance_is_there_and_24_in_100_earn_more(dataset):
    assert dataset.num_rows == 48_842
    earners = pc.sum(pc.equal(dataset["income"], ">50K")).as_py()
    assert earners / dataset.num_rows == pytest.approx(0.2393, abs=5e-5)
    assert set(dataset["income"].to_pylist()) == {"<=50K", ">50K"}


def test_question_marks_are_missing_values_in_exactly_three_columns(census, dataset):
    missing = {name: dataset[name].null_count for name in census.spec.columns}
    assert {name: count for name, count in missing.items() if count} == {
        "workclass": 2799,
        "occupation": 2809,
        "native_country": 857,
    }
    complete = dataset.drop_null().num_rows
    assert complete == 45_222


def test_the_test_files_rows_begin_on_line_two_behind_its_comment(dataset):
    first_test_row = dataset.slice(32_561, 1).to_pylist()[0]
    assert (first_test_row["source_file"], first_test_row["source_line"]) == ("adult.test.gz", 2)
    assert (first_test_row["age"], first_test_row["occupation"]) == (25, "Machine-op-inspct")


def test_every_row_has_an_identity_of_its_own(dataset):
    assert pc.count_distinct(dataset["row_id"]).as_py() == dataset.num_rows


def test_the_official_test_file_is_the_test_part_and_a_tenth_of_the_rest_validates(census, dataset):
    split = assign(census.spec, dataset.to_batches()).read_all()
    parts = split["part"].value_counts().to_pylist()
    counts = {entry["values"]: entry["counts"] for entry in parts}
    assert counts["test"] == 16_281
    assert counts["validation"] / 32_561 == pytest.approx(0.1, abs=0.005)
    assert counts["train"] == 32_561 - counts["validation"]
