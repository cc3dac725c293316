"""The schema: what the spec declares on top of what TFDV inferred, and planted defects it must name."""

import pyarrow as pa
import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate.schema import TABLE, as_text, constrained, describe
from mlplatform_tests.validate.conftest import COLUMNS, people, people_spec, replaced


@pytest.fixture
def schema(worker, measure):
    """The constrained schema of clean people."""
    return constrained(worker.infer_schema(measure(people())), people_spec())


@pytest.fixture
def broken_by(worker, measure, schema):
    """What TFDV says of another table against the schema of clean people."""
    return lambda table: describe(worker.anomalies(measure(table), schema))


def pairs(anomalies):
    return [(anomaly.column, anomaly.reason) for anomaly in anomalies]


def test_clean_data_breaks_nothing_and_neither_do_missing_values_outside_the_label(broken_by):
    assert broken_by(people()) == []
    some_missing = [None, *people()["age"].to_pylist()[1:]]
    assert broken_by(replaced(people(), "age", some_missing, pa.int64())) == []


def test_an_unseen_category_is_named_with_its_column(broken_by):
    cities = ["Atlantis", *people()["city"].to_pylist()[1:]]
    (anomaly,) = broken_by(replaced(people(), "city", cities, pa.string()))
    assert (anomaly.column, anomaly.reason) == ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")
    assert "Atlantis" in anomaly.detail


def test_numbers_turned_into_text_are_named_with_their_column(broken_by):
    ages = [str(age) for age in people()["age"].to_pylist()]
    (anomaly,) = broken_by(replaced(people(), "age", ages, pa.string()))
    assert (anomaly.column, anomaly.reason) == ("age", "UNEXPECTED_DATA_TYPE")
    assert "INT" in anomaly.detail
    assert "STRING" in anomaly.detail


def test_a_missing_column_is_named(broken_by):
    assert pairs(broken_by(people().drop(["height"]))) == [("height", "SCHEMA_MISSING_COLUMN")]


def test_a_column_nobody_declared_is_named(broken_by):
    extra = people().append_column("weight", people()["height"])
    assert pairs(broken_by(extra)) == [("weight", "SCHEMA_NEW_COLUMN")]


@pytest.mark.parametrize("name", ["city", "age", "height"])
def test_a_column_without_any_value_is_named(broken_by, name):
    kind = people().schema.field(name).type
    table = replaced(people(), name, [None] * 40, kind)
    assert pairs(broken_by(table)) == [(name, "FEATURE_TYPE_NOT_PRESENT")]


def test_a_single_missing_label_is_named(broken_by):
    members = [None, *people()["member"].to_pylist()[1:]]
    (anomaly,) = broken_by(replaced(people(), "member", members, pa.string()))
    assert (anomaly.column, anomaly.reason) == ("member", "FEATURE_TYPE_LOW_FRACTION_PRESENT")


def test_a_label_that_is_neither_class_is_named(broken_by):
    members = ["maybe", *people()["member"].to_pylist()[1:]]
    (anomaly,) = broken_by(replaced(people(), "member", members, pa.string()))
    assert (anomaly.column, anomaly.reason) == ("member", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")


def test_several_defects_are_all_named(broken_by):
    table = replaced(people(), "city", ["Atlantis"] * 40, pa.string()).drop(["age"])
    assert pairs(broken_by(table)) == [
        ("age", "SCHEMA_MISSING_COLUMN"),
        ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
    ]


def test_no_rows_is_an_anomaly_of_the_table(broken_by):
    assert pairs(broken_by(people().slice(0, 0))) == [(TABLE, "DATA_MISSING")]


def test_the_declared_type_wins_over_the_inferred_one(worker, measure, broken_by):
    """Were the first version's ages all text, later whole numbers must not be the anomaly."""
    ages = replaced(people(), "age", ["x"] * 40, pa.string())
    schema = constrained(worker.infer_schema(measure(ages)), people_spec())
    assert describe(worker.anomalies(measure(people()), schema)) == []


def test_a_positive_label_not_seen_yet_is_allowed_all_the_same(worker, measure):
    only_no = replaced(people(), "member", ["no"] * 40, pa.string())
    schema = constrained(worker.infer_schema(measure(only_no)), people_spec())
    assert describe(worker.anomalies(measure(people()), schema)) == []


def test_a_declared_column_that_the_first_version_lacked_is_demanded(worker, measure):
    without = constrained(worker.infer_schema(measure(people().drop(["age"]))), people_spec())
    assert pairs(describe(worker.anomalies(measure(people().drop(["age"])), without))) == [
        ("age", "SCHEMA_MISSING_COLUMN")
    ]
    assert describe(worker.anomalies(measure(people()), without)) == []


def test_a_reviewer_reads_columns_in_the_specs_order(schema):
    text = as_text(schema)
    places = [text.index(f'name: "{name}"') for name in COLUMNS]
    assert places == sorted(places)


@pytest.mark.parametrize("read", [describe, as_text])
def test_bytes_that_are_no_message_are_refused(read):
    with pytest.raises(WorkerError, match="7 bytes are no serialized"):
        read(b"garbage")
