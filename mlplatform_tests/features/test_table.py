import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import FeatureError, SourceError
from mlplatform.features import Encoder
from mlplatform.features.table import arrays, build, fit_and_build, training_rows
from mlplatform_tests.features import people


@pytest.fixture
def made(tmp_path):
    return people.pipeline(tmp_path)


def test_a_row_has_its_part_label_and_one_column_for_each_feature(made):
    data = people.dataset(50)
    encoder = people.FEATURES.fit(data)
    table = build(made, encoder, data, people.split(data))
    assert table.column_names == [
        "row_id", "part", "label",
        "age__bin_000", "age__bin_001", "age__bin_002", "age__bin_003",
        "income__scaled", "rooms__scaled", "income__missing",
        "city__id", "rooms_kind__id",
    ]  # fmt: skip
    assert table["row_id"].equals(data["row_id"])
    assert table["label"].to_pylist() == [int(m == "yes") for m in data["member"].to_pylist()]


def test_a_table_gives_back_the_arrays_it_was_built_from(made):
    encoder, table = people.features(made, rows=300)
    floats, ids, labels = arrays(table, encoder)
    encoded = encoder.encode(people.dataset(300))
    np.testing.assert_array_equal(ids, encoded.categorical)
    assert floats.tobytes() == np.asarray(encoder.transform(encoded.numeric, ids)[0]).tobytes()
    assert set(labels) == {0.0, 1.0}


def test_fitting_reads_training_rows_only(made):
    (made.folder / "features.py").write_text(
        "from mlplatform.features import FeatureSet, Numeric\n"
        "features = FeatureSet([Numeric('age'), Numeric('income')])\n"
    )
    data = people.dataset(100)
    parts = people.split(data)
    elsewhere = pc.not_equal(parts["part"], "train")
    strange = pc.if_else(elsewhere, 9999, data["age"])
    other = data.set_column(data.schema.get_field_index("age"), "age", strange)
    encoder, table = fit_and_build(made, other, parts)
    assert encoder == fit_and_build(made, data, parts)[0]
    assert isinstance(encoder, Encoder)
    assert table.num_rows == 100


def test_a_split_of_other_rows_is_refused(made):
    data = people.dataset(20)
    parts = people.split(data)
    with pytest.raises(SourceError, match="not about the rows of this dataset"):
        training_rows(data, parts.take(list(range(19, -1, -1))))
    with pytest.raises(SourceError, match="not about the rows of this dataset"):
        training_rows(data, parts.slice(1))


def test_a_missing_label_is_named_by_its_row(made):
    data = people.dataset(20)
    labels = pa.array([*data["member"].to_pylist()[:-1], None])
    lacking = data.set_column(data.schema.get_field_index("member"), "member", labels)
    with pytest.raises(FeatureError, match="row 19: the label 'member' is missing"):
        build(made, people.FEATURES.fit(data), lacking, people.split(data))


def test_a_table_built_with_other_features_is_refused(made):
    encoder, table = people.features(made, rows=100)
    with pytest.raises(FeatureError, match="lacks 'income__missing'"):
        arrays(table.drop_columns("income__missing"), encoder)
