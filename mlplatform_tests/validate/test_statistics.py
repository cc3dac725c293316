"""Statistics by the real TFDV, against the same figures computed here; and the files it reads."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import WorkerError
from mlplatform.validate import statistics as stats
from mlplatform.validate.anomalies import distances
from mlplatform.validate.export import (
    ALL,
    KNOWN_TEST,
    KNOWN_TRAINING,
    NEW,
    NEW_TEST,
    NEW_TRAINING,
    TRAINING,
    AtomFiles,
    Atoms,
)
from mlplatform.validate.proto import parse
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
    (dataset,) = parse("DatasetFeatureStatisticsList", statistics).datasets
    return {".".join(feature.path.step): feature for feature in dataset.features}


def common(feature):
    return (
        feature.num_stats if feature.HasField("num_stats") else feature.string_stats
    ).common_stats


def top(feature):
    return [(value.value, value.frequency) for value in feature.string_stats.top_values]


def test_counts_are_exact(table, measure):
    statistics = measure(table)
    assert stats.rows(statistics) == 2000
    present = {n: common(f).num_non_missing for n, f in by_name(statistics).items()}
    assert present == {name: 2000 - table[name].null_count for name in table.column_names}


def test_numbers_have_their_moments_and_quantiles_within_a_hundredth_of_the_ranks(table, measure):
    for name in ("age", "height"):
        seen, values = by_name(measure(table))[name].num_stats, table[name].drop_null().to_numpy()
        assert (seen.min, seen.max) == (values.min(), values.max())
        assert (seen.mean, seen.std_dev) == pytest.approx((values.mean(), values.std()))
        low, high = np.quantile(values, [0.49, 0.51])
        assert low <= seen.median <= high


def test_strings_have_their_most_frequent_values(table, measure):
    feature = by_name(measure(table))["city"]
    counted = pc.value_counts(table["city"].drop_null()).to_pylist()
    expected = sorted(((c["values"], c["counts"]) for c in counted), key=lambda c: -c[1])
    assert (feature.string_stats.unique, top(feature)) == (3, expected)


def test_views_are_unions_of_files_each_merged_as_if_read_at_once(table, worker, measure, tmp_path):
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    pq.write_table(table.slice(0, 700), paths[0], row_group_size=100, store_schema=False)
    pq.write_table(table.slice(700), paths[1], row_group_size=333, store_schema=False)
    names = ["height", "city"]
    views = {"all": paths, "first": paths[:1], "second": paths[1:], "none": []}
    seen = worker.statistics(views, names)
    counts = {view: stats.rows(statistics) for view, statistics in seen.items()}
    assert counts == {"all": 2000, "first": 700, "second": 1300, "none": 0}
    merged, whole = by_name(seen["all"]), by_name(measure(table.select(names)))
    assert merged["city"] == whole["city"]
    assert set(merged) == {"height", "city"}
    assert merged["height"].num_stats.mean == pytest.approx(whole["height"].num_stats.mean)
    assert seen["first"] == measure(table.slice(0, 700).select(names))
    assert seen["second"] == measure(table.slice(700).select(names))


def test_the_same_rows_have_the_same_bytes_so_that_artifacts_are_found_again(table, measure):
    assert measure(table) == measure(table)


def test_an_empty_table_has_no_rows_and_no_columns(measure):
    statistics = measure(people().slice(0, 0))
    assert (stats.rows(statistics), by_name(statistics)) == (0, {})


def test_values_beyond_ascii_survive(measure):
    table = replaced(people(2), "city", ["Zürich", "東京"], pa.string())
    assert {value for value, _ in top(by_name(measure(table))["city"])} == {"Zürich", "東京"}


@pytest.mark.parametrize("content", [b"garbage", b""])
def test_bytes_that_are_no_statistics_are_refused(content):
    with pytest.raises(
        WorkerError, match=r"no serialized DatasetFeature|expected statistics of one"
    ):
        stats.rows(content)


def entropy(shares):
    return -sum(share * np.log2(share) for share in shares if share)


def test_distances_are_those_of_the_definitions(worker, measure):
    """The largest change of a share, and the Jensen-Shannon divergence of ten equal bins, in bits."""
    before, after = [0.0] * 30 + [9.0] * 10, [0.0] * 10 + [9.0] * 30
    tables = [
        pa.table({"x": values, "c": ["a" if value else "b" for value in values]})
        for values in (before, after)
    ]
    found = {d.column: d for d in distances(worker.drift(measure(tables[1]), measure(tables[0])))}
    assert found["c"].value == pytest.approx(0.5)
    expected = entropy([0.5, 0.5]) - (entropy([0.75, 0.25]) + entropy([0.25, 0.75])) / 2
    assert found["x"].value == pytest.approx(expected, abs=0.01)


def test_a_column_that_only_one_has_or_with_another_type_has_no_distance(worker, measure):
    now = people().drop(["height"]).append_column("weight", people()["height"])
    now = replaced(now, "age", ["x"] * 40, pa.string())
    found = distances(worker.drift(measure(now), measure(people())))
    assert {distance.column for distance in found} == {"city", "member"}
    nothing = measure(people().slice(0, 0))
    assert distances(worker.drift(nothing, measure(people()))) == []
    assert distances(worker.drift(measure(people()), nothing)) == []


def test_no_distance_is_an_anomaly(worker, measure):
    far = replaced(people(), "city", ["Bonn"] * 40, pa.string())
    found = parse("Anomalies", worker.drift(measure(far), measure(people())))
    assert not found.anomaly_info


TEXT_TYPES = [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_every_text_type_is_exported_so_that_the_workers_older_pyarrow_reads_it(
    worker, tmp_path, kind
):
    batch = pa.record_batch({"city": pa.array(["Oslo", None, "Rome", "Kyiv"]).cast(kind)})
    with AtomFiles(tmp_path, {"city": "string"}) as files:
        files.add(batch, np.array([0, 0, 1, 1]))
    views = {"zero": files.of([0]), "one": files.of([1])}
    zero, one = (by_name(s)["city"] for s in worker.statistics(views, ["city"]).values())
    assert (common(zero).num_non_missing, top(zero)) == (1, [("Oslo", 1)])
    assert one.string_stats.unique == 2


def test_bools_are_exported_as_words_and_times_as_whole_seconds(worker, tmp_path):
    kind = pa.timestamp("us", tz="UTC")
    batch = pa.record_batch(
        {
            "yes": pa.array([True, False, None, True]),
            "at": pa.array([-1, 1_999_999, None, 2**62], kind),
        }
    )
    with AtomFiles(tmp_path, {"yes": "bool", "at": "timestamp"}) as files:
        files.add(batch, np.zeros(4))
    assert pq.read_table(files.paths[0])["at"].to_pylist() == [-1, 1, None, 2**62 // 10**6]
    seen = by_name(worker.statistics({"all": files.of(ALL)}, ["yes", "at"])["all"])
    assert top(seen["yes"]) == [("true", 2), ("false", 1)]
    assert (seen["at"].num_stats.min, common(seen["at"]).num_non_missing) == (-1, 3)


def test_an_atom_is_known_or_new_and_trains_or_tests():
    tests = pa.array(["t", "u"])
    atoms = Atoms(["a", "t"], lambda rows: np.asarray(pc.is_in(rows["source_file"], tests)))
    files = ["a", "t", "b", "u", "a"]
    found = atoms(pa.record_batch({"source_file": files}))
    assert found.tolist() == [KNOWN_TRAINING, KNOWN_TEST, NEW_TRAINING, NEW_TEST, KNOWN_TRAINING]
    assert atoms.files == {"a", "b", "t", "u"}
    assert (set(TRAINING) & set(NEW), set(ALL) - set(TRAINING) - set(NEW)) == (
        {NEW_TRAINING},
        {KNOWN_TEST},
    )


def test_each_row_is_in_the_file_of_its_atom_once(tmp_path):
    with AtomFiles(tmp_path, {"n": "int64"}) as files:
        for first in range(0, 100, 10):
            numbers = np.arange(first, first + 10)
            files.add(pa.record_batch({"n": numbers}), numbers % 3)
    held = {atom: pq.read_table(path)["n"].to_pylist() for atom, path in files.paths.items()}
    assert held == {atom: list(range(atom, 100, 3)) for atom in range(3)}
    assert (files.count([0, 2]), files.count([5])) == (34 + 33, 0)
