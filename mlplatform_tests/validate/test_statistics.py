"""Statistics by the real TFDV, against the same figures computed here."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate import statistics as stats
from mlplatform.validate.export import export
from mlplatform_tests.validate.conftest import people, replaced


@pytest.fixture(scope="module")
def table():
    """2,000 rows with every type, a third of the cities and a tenth of the ages missing."""
    random = np.random.default_rng(0)
    cities = random.choice(["Oslo", "Rome", "Kyiv"], 2000, p=[0.5, 0.3, 0.2])
    return pa.table(
        {
            "city": pa.array(cities, pa.string(), mask=random.random(2000) < 0.3),
            "age": pa.array(random.integers(-5, 99, 2000), mask=random.random(2000) < 0.1),
            "height": random.normal(1.7, 0.1, 2000),
            "empty": pa.nulls(2000, pa.string()),
            "void": pa.nulls(2000, pa.float64()),
        }
    )


def by_name(statistics):
    return {column.name: column for column in stats.summary(statistics)}


def test_counts_and_missing_shares_are_exact(table, measure):
    statistics = measure(table)
    assert stats.rows(statistics) == 2000
    expected = {name: table[name].null_count / 2000 for name in table.column_names}
    assert stats.missing_shares(statistics) == pytest.approx(expected)


def test_numbers_have_their_moments_and_deciles(table, measure):
    for name, kind in (("age", "INT"), ("height", "FLOAT")):
        column, values = by_name(measure(table))[name], table[name].drop_null().to_numpy()
        assert column.type == kind
        assert (column.minimum, column.maximum) == (values.min(), values.max())
        assert column.mean == pytest.approx(values.mean())
        assert column.deviation == pytest.approx(values.std())
        exact = np.quantile(values, np.linspace(0, 1, 11))
        assert column.deciles == pytest.approx(exact, abs=values.std() / 20)


def test_strings_have_their_most_frequent_values(table, measure):
    column = by_name(measure(table))["city"]
    counted = pc.value_counts(table["city"].drop_null()).to_pylist()
    expected = sorted(((c["values"], c["counts"]) for c in counted), key=lambda c: -c[1])
    assert (column.type, column.distinct, list(column.top)) == ("STRING", 3, expected)


def test_a_column_without_a_value_has_its_type_and_nothing_else(table, measure):
    columns = by_name(measure(table))
    assert (columns["empty"].type, columns["void"].type) == ("STRING", "FLOAT")
    for name in ("empty", "void"):
        assert columns[name].missing_share == 1
        assert (columns[name].minimum, columns[name].deciles, columns[name].top) == (None, (), ())


def test_the_same_rows_in_several_files_and_row_groups_have_the_same_statistics(
    table, worker, measure, tmp_path
):
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    pq.write_table(table.slice(0, 700), paths[0], row_group_size=100)
    pq.write_table(table.slice(700), paths[1], row_group_size=333)
    names = ["height", "city"]
    split = by_name(worker.statistics(paths, names))
    whole = by_name(measure(table.select(names)))
    assert split["city"] == whole["city"]
    assert split["height"].mean == pytest.approx(whole["height"].mean)
    assert split["height"].missing_share == whole["height"].missing_share
    assert set(split) == {"height", "city"}


def test_the_same_rows_have_the_same_bytes_so_that_artifacts_are_found_again(table, measure):
    assert measure(table) == measure(table)


TEXT_TYPES = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_every_text_type_is_exported_so_that_the_workers_older_pyarrow_reads_it(
    worker, tmp_path, kind
):
    cities = pa.array(["Oslo", None, "Rome", "Kyiv"]).cast(kind)
    table = pa.table({"city": cities, "source_file": ["a", "a", "b", "b"]})
    paths = export(table.to_batches(), ["b"], tmp_path)
    training, test = (by_name(worker.statistics([path], ["city"]))["city"] for path in paths)
    assert (training.rows, training.missing_share, training.top) == (2, 0.5, (("Oslo", 1),))
    assert (test.rows, test.distinct) == (2, 2)


def test_an_empty_table_has_no_rows_and_no_columns(measure):
    statistics = measure(people().slice(0, 0))
    assert (stats.rows(statistics), stats.summary(statistics)) == (0, [])


def test_values_beyond_ascii_survive(measure):
    table = replaced(people(2), "city", ["Zürich", "東京"], pa.string())
    assert {value for value, _ in by_name(measure(table))["city"].top} == {"Zürich", "東京"}


@pytest.mark.parametrize("content", [b"garbage", b""])
def test_bytes_that_are_no_statistics_are_refused(content):
    with pytest.raises(
        WorkerError, match=r"no serialized DatasetFeature|expected statistics of one"
    ):
        stats.summary(content)
