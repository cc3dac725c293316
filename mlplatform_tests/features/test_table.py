import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import FeatureError, SourceError
from mlplatform.features.engine import Local
from mlplatform.features.statistics import Statistics
from mlplatform.features.table import arrays, build, reads, training_batches
from mlplatform.lake import Lake
from mlplatform_tests.features import table_cases as trips


@pytest.fixture
def made(tmp_path):
    return trips.pipeline(tmp_path)


def built(made, data, parts=None, rows=1000, **options) -> pa.Table:
    of = trips.function()
    parts = trips.split(data) if parts is None else parts
    reader = build(
        made, of.encoder, of.program, data.to_batches(rows), parts.to_batches(700), **options
    )
    return reader.read_all()


def test_a_row_has_its_part_label_and_one_column_for_each_feature_of_every_kind(made):
    data = trips.dataset(50)
    table = built(made, data)
    of = trips.function().encoder
    floats, ids = of.vector_names, of.id_names
    assert table.column_names == ["row_id", "part", "label", *floats, *ids]
    assert [str(kind) for kind in table.schema.types] == (
        ["int64", "string", "int8"] + ["float"] * len(floats) + ["int32"] * len(ids)
    )
    assert {"fare__scaled", "fare__missing", "stops__bin_000", "left__day_sin", "note__003"} <= set(
        floats
    )
    assert {"fare_of_stops__001"} <= set(floats)
    assert {"city__id", "stops_level__id", "note_id__id", "city_level__id", "left__hour"} == set(
        ids
    )
    assert table["row_id"].equals(data["row_id"])
    assert table["part"].equals(trips.split(data)["part"])
    assert table["label"].to_pylist() == [int(m == "yes") for m in data["late"].to_pylist()]


def test_a_table_gives_back_the_arrays_it_was_built_from(made):
    data = trips.dataset(300)
    of = trips.function()
    vectors, ids, labels, weights = arrays(built(made, data), of.encoder)
    expected = of.program.columns(of.encoder.encode(data.combine_chunks().to_batches()[0]))
    assert vectors.tobytes() == expected[0].T.tobytes()
    assert ids.tobytes() == expected[1].T.tobytes()
    assert set(labels) == {0.0, 1.0}
    assert weights.tolist() == [1.0] * 300


def test_the_table_is_the_same_however_rows_come_and_however_many_threads_compute(made):
    data = trips.dataset(2000)
    whole = built(made, data, rows=2000, engine=Local(threads=1))
    coded = data.set_column(
        data.schema.get_field_index("city"), "city", data["city"].dictionary_encode()
    )
    coded = coded.set_column(
        data.schema.get_field_index("late"), "late", data["late"].dictionary_encode()
    )
    for given in (data, coded):
        for rows in (333, 1024):
            assert built(made, given, rows=rows).equals(whole)


def test_a_dataset_of_the_lake_is_streamed_with_its_dictionaries(made, tmp_path):
    data, lake = trips.dataset(1500), Lake(tmp_path / "lake")
    inputs, of = trips.stored(lake, data), trips.function()
    columns = reads(made, of, Local())
    assert "row_id" in columns
    assert "late" in columns
    batches = lake.table("trips/dataset").batches(inputs.dataset, columns, 500, dictionaries=True)
    parts = lake.table("trips/split").batches(inputs.split, dictionaries=True)
    table = build(made, of.encoder, of.program, batches, parts).read_all()
    assert table.equals(built(made, data))


def test_only_training_rows_are_given_to_fitting():
    data = trips.dataset(100)
    found = pa.Table.from_batches(
        training_batches(data.to_batches(7), trips.split(data).to_batches(9))
    )
    assert found.equals(data.filter(pc.equal(trips.split(data)["part"], "train")))


def test_a_split_of_other_rows_is_refused(made):
    data = trips.dataset(20)
    parts = trips.split(data)
    for other in (parts.take(list(range(19, -1, -1))), parts.slice(1), parts.slice(0, 19)):
        with pytest.raises(SourceError, match="not about the rows of this dataset"):
            list(training_batches(data.to_batches(), other.to_batches()))
        with pytest.raises(SourceError, match="not about the rows of this dataset"):
            built(made, data, other)


def test_a_missing_label_is_named_by_its_row_in_the_dataset(made):
    data = trips.dataset(20)
    lacking = data.set_column(
        data.schema.get_field_index("late"), "late",
        pa.array([*data["late"].to_pylist()[:-1], None]),
    )  # fmt: skip
    with pytest.raises(FeatureError, match="row 19: the label 'late' is missing"):
        built(made, lacking, rows=8)
    with pytest.raises(FeatureError, match="row 119: the label 'late' is missing"):
        built(made, lacking, rows=8, first_row=100)


def test_a_value_that_does_not_fit_is_named_by_its_row_in_the_dataset(made):
    data = trips.dataset(50)
    fares = pa.array([*data["fare"].to_pylist()[:-3], float("inf"), 1.0, 1.0])
    wrong = data.set_column(data.schema.get_field_index("fare"), "fare", fares)
    with pytest.raises(FeatureError, match=r"row 47: column 'fare' is inf"):
        built(made, wrong, rows=10)
    with pytest.raises(FeatureError, match=r"row 147: column 'fare' is inf"):
        built(made, wrong, rows=10, first_row=100)


def test_no_rows_make_an_empty_table_with_all_columns(made):
    table = built(made, trips.dataset(0))
    assert table.num_rows == 0
    assert table.column_names == built(made, trips.dataset(5)).column_names


def test_what_passes_is_counted(made):
    statistics = Statistics()
    built(made, trips.dataset(120), rows=50, statistics=statistics)
    assert statistics.rows == 120


def test_a_table_built_with_other_features_is_refused(made):
    table = built(made, trips.dataset(20))
    with pytest.raises(FeatureError, match="lacks 'fare__missing'"):
        arrays(table.drop_columns("fare__missing"), trips.function().encoder)
