import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from mlplatform.errors import ConcurrentWriteError, LakeError, SourceError
from mlplatform.lake import Lake, Lineage, faults
from mlplatform.lake.commit import Commit
from mlplatform.lake.digest import content_digest
from mlplatform.lake.log import Log
from mlplatform.lake.transaction import CONFIGURATION
from mlplatform_tests.lake.conftest import BY, rows


def test_a_table_that_was_never_written_is_empty_of_versions(lake: Lake) -> None:
    table = lake.table("shop/orders")
    assert not table.exists()
    assert table.latest() is None
    assert table.history() == []
    assert table.landed(["a"]) == {}
    assert table.rows_added_since(-1) == 0
    assert lake.tables() == []
    with pytest.raises(LakeError, match="there is no table shop/orders"):
        table.read()


def test_every_version_stays_readable_and_says_who_made_it(lake: Lake) -> None:
    table = lake.table("shop/orders")
    by = Lineage(
        asset="shop/orders",
        run_id="r",
        code_version="c",
        recipe="x",
        inputs={"shop/source": "0:ab"},
        facts={"model": "cd"},
    )
    first = table.overwrite(rows(0, 3), by)
    second = table.append(rows(3, 2), BY, token="two")
    third = table.overwrite(rows(9, 1), BY)
    fresh = Lake(lake.root).table("shop/orders")
    assert fresh.history() == [third, second, first]
    assert fresh.latest() == third
    assert fresh.version(0).lineage == by
    assert [fresh.read(v)["number"].to_pylist() for v in (first, second, 2)] == [
        [0, 1, 2],
        [0, 1, 2, 3, 4],
        [9],
    ]
    assert [v.rows for v in (first, second, third)] == [3, 5, 1]
    assert first.digest == content_digest(rows(0, 3))
    assert first.reference == f"0:{first.digest[:16]}"
    assert Lake(lake.root).tables() == ["shop/orders"]


def test_other_delta_readers_see_the_same_table(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 3), BY)
    table.append(rows(3, 2), BY, token="two")
    opened = DeltaTable(table.uri)
    assert opened.version() == 1
    assert sorted(opened.file_uris()) == sorted(table.files())
    assert opened.transaction_version("shop/orders") == 1
    assert opened.count() == 5


def test_an_append_lands_once_per_token_however_often_it_is_asked(lake: Lake) -> None:
    table = lake.table("shop/orders")
    first = table.append(rows(0, 3), BY, token="one")
    second = table.append(rows(3, 1), BY, token="two")
    again = Lake(lake.root).table("shop/orders").append(rows(0, 3), BY, token="one")
    assert again == first
    assert table.latest() == second
    assert table.landed(["two", "one", "three"]) == {"one": first, "two": second}


def test_an_append_without_a_token_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="needs a token"):
        lake.table("shop/orders").append(rows(0, 1), BY, token="")


def test_a_repeated_overwrite_adds_no_version(lake: Lake) -> None:
    table = lake.table("shop/orders")
    first = table.overwrite(rows(0, 3), BY)
    assert table.overwrite(rows(0, 3), BY) == first
    assert table.overwrite(rows(0, 3), BY, expected=-1) == first
    assert len(table.files()) == len(list(Path(table.uri).glob("*.parquet"))) == 1
    other_run = Lineage(asset=BY.asset, run_id="run-2", code_version="abc")
    assert table.overwrite(rows(0, 3), other_run).number == 1


def test_an_equal_recipe_with_equal_content_adds_no_version_in_any_run(lake: Lake) -> None:
    table = lake.table("shop/orders")
    runs = [
        Lineage(asset="a", run_id=run, code_version="c", recipe=recipe)
        for run, recipe in [("1", "x"), ("2", "x"), ("3", "y")]
    ]
    assert [table.overwrite(rows(0, 3), by).number for by in runs] == [0, 0, 1]


def test_content_that_comes_back_is_a_new_version(lake: Lake) -> None:
    table = lake.table("shop/orders")
    numbers = [table.overwrite(rows(start, 2), BY).number for start in (0, 5, 0)]
    assert numbers == [0, 1, 2]
    assert table.read()["number"].to_pylist() == [0, 1]


def test_an_overwrite_of_an_unexpected_version_names_the_winner(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 3), BY)
    winner = Lineage(asset="shop/fix", run_id="run-9", code_version="abc")
    table.overwrite(rows(1, 1), winner, expected=0)
    with pytest.raises(
        ConcurrentWriteError, match=r"version 1, not 0: shop/fix wrote it in run run-9"
    ):
        table.overwrite(rows(5, 2), BY, expected=0)
    with pytest.raises(ConcurrentWriteError, match="no table shop/new"):
        lake.table("shop/new").overwrite(rows(0, 1), BY, expected=3)
    assert table.read()["number"].to_pylist() == [1]
    assert len(list(Path(table.uri).glob("*.parquet"))) == 2


@pytest.mark.parametrize("point", ["data_written", "before_commit"])
def test_of_two_appends_behind_the_same_version_one_lands_and_the_other_names_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """The rival is faster before the other looks at the log, or after."""
    table, rival = lake.table("shop/orders"), Lake(lake.root).table("shop/orders")
    fix = Lineage(asset="shop/fix", run_id="run-9", code_version="abc")

    def races(reached: str) -> None:
        if reached == point:
            monkeypatch.setattr(faults, "hook", None)
            rival.append(rows(0, 3), fix, token="rival", expected=-1)

    monkeypatch.setattr(faults, "hook", races)
    with pytest.raises(ConcurrentWriteError, match="version 0, not -1: shop/fix wrote it in run"):
        table.append(rows(5, 2), BY, token="mine", expected=-1)
    assert table.append(rows(5, 2), BY, token="mine", expected=0).number == 1
    assert table.append(rows(5, 2), BY, token="mine", expected=0).number == 1
    assert table.read()["number"].to_pylist() == [0, 1, 2, 5, 6]
    assert len(list(Path(table.uri).glob("*.parquet"))) == 2


def test_reads_select_columns_and_filter_by_expression(lake: Lake) -> None:
    table = lake.table("shop/orders")
    version = table.overwrite(rows(0, 10), BY)
    got = table.read(version, columns=["name", "number"], where=pc.field("number") > 7)
    assert got.to_pylist() == [{"name": "row 8", "number": 8}, {"name": "row 9", "number": 9}]
    with pytest.raises(LakeError, match="no column 'price'; it has number, share, name"):
        table.read(columns=["price"])


def test_batches_come_in_written_order_and_in_the_size_asked_for(lake: Lake) -> None:
    table = lake.table("shop/orders")
    for start in range(0, 50, 10):
        table.append(rows(start, 10), BY, token=str(start))
    batches = list(table.batches(4, columns=["number"], batch_rows=8))
    assert [batch.num_rows for batch in batches] == [8] * 6 + [2]
    assert pa.Table.from_batches(batches)["number"].to_pylist() == list(range(50))
    in_files = [pq.read_table(file)["number"][0].as_py() for file in table.files(2)]
    assert in_files == [0, 10, 20]


def test_batches_hold_strings_as_dictionaries_where_that_is_asked_for(lake: Lake) -> None:
    table = lake.table("shop/orders")
    for start in (0, 10):
        table.append(rows(start, 10), BY, token=str(start))
    found = list(table.batches(columns=["name", "number"], batch_rows=7, dictionaries=True))
    assert [batch.num_rows for batch in found] == [7, 3, 7, 3]
    assert pa.types.is_dictionary(found[0].schema.field("name").type)
    plain = table.read(columns=["name", "number"])
    assert [row for batch in found for row in batch.to_pylist()] == plain.to_pylist()


def test_a_column_whose_name_begins_like_another_is_read_alone(lake: Lake) -> None:
    table = lake.table("dots")
    table.overwrite(pa.table({"a": [1], "a.b": [2], "b": [3]}), BY)
    assert next(table.batches(columns=["a"])).to_pydict() == {"a": [1]}
    assert next(table.batches(columns=["a.b", "a"])).to_pydict() == {"a.b": [2], "a": [1]}
    assert next(table.batches(columns=[])).num_rows == 1


def test_reading_a_great_table_holds_a_few_groups_of_rows_and_not_the_table(lake: Lake) -> None:
    table = lake.table("great")
    batch = pa.record_batch({"x": np.random.default_rng(0).random(262_144)})
    table.overwrite(pa.RecordBatchReader.from_batches(batch.schema, [batch] * 16), BY)
    before, most = pa.total_allocated_bytes(), 0
    for _ in table.batches():
        time.sleep(0.002)  # A reader that does not wait for us would be far ahead by now.
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 8 * batch.nbytes


def test_a_reader_is_streamed_and_cut_into_row_groups(lake: Lake) -> None:
    whole = pa.table({"x": range(300_000)})
    stream = pa.RecordBatchReader.from_batches(whole.schema, whole.to_batches(max_chunksize=7_000))
    table = lake.table("long")
    version = table.overwrite(stream, BY)
    assert version.digest == content_digest(whole)
    assert pq.ParquetFile(table.files()[0]).num_row_groups == 2
    assert table.read().equals(whole)


def test_a_source_that_fails_halfway_leaves_nothing(lake: Lake) -> None:
    def torn() -> Iterator[pa.RecordBatch]:
        yield from rows(0, 300_000).to_batches()
        raise SourceError("line 7 of orders.csv has 3 fields")

    stream = pa.RecordBatchReader.from_batches(rows(0, 0).schema, torn())
    with pytest.raises(SourceError, match="line 7"):
        lake.table("shop/orders").append(stream, BY, token="1")
    assert lake.tables() == []
    assert [path for path in Path(lake.root).rglob("*") if path.is_file()] == []


def test_an_append_of_other_columns_says_which(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.overwrite(pa.table({"x": [1], "y": ["a"]}), BY)
    with pytest.raises(LakeError, match="y is missing, z is new, x is string instead of int64"):
        table.append(pa.table({"x": ["1"], "z": [1]}), BY, token="1")
    with pytest.raises(LakeError, match="order of the columns differs"):
        table.append(pa.table({"y": ["a"], "x": [1]}), BY, token="2")
    assert len(table.history()) == 1
    assert len(list(Path(table.uri).glob("*.parquet"))) == 1


def test_an_overwrite_may_change_the_columns(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.overwrite(pa.table({"x": [1]}), BY)
    table.overwrite(pa.table({"x": [1.5], "z": ["a"]}), BY)
    assert table.read(0).schema.names == ["x"]
    assert table.read(1).to_pylist() == [{"x": 1.5, "z": "a"}]
    assert len(DeltaTable(table.uri).schema().fields) == 2


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"u": pa.array([1], pa.uint8())}), "column 'u' has type uint8"),
        (pa.table({"u": pa.nulls(2)}), "column 'u' has type null"),
        (pa.table({"u": pa.array([1], pa.timestamp("us"))}), "give it a time zone"),
        (pa.table({"u": pa.array([1], pa.timestamp("ns", "UTC"))}), "would lose data"),
        (pa.table({"a": [1], "A": [2]}), "stand twice: A, a"),
        (pa.table({}), "at least one column"),
    ],
)
def test_what_delta_cannot_hold_is_refused_by_column(
    lake: Lake, table: pa.Table, words: str
) -> None:
    with pytest.raises(LakeError, match=words):
        lake.table("t").overwrite(table, BY)
    assert not lake.table("t").exists()
    assert list(Path(lake.root).rglob("*.parquet")) == []


def test_an_empty_table_keeps_its_columns(lake: Lake) -> None:
    table = lake.table("empty")
    version = table.overwrite(rows(0, 0), BY)
    assert version.rows == 0
    assert table.read().schema == rows(0, 0).schema
    assert table.append(rows(0, 2), BY, token="1").rows == 2


def test_tables_do_not_nest(lake: Lake) -> None:
    lake.table("shop/orders").overwrite(rows(0, 1), BY)
    with pytest.raises(LakeError, match="would lie inside table shop/orders"):
        lake.table("shop/orders/old").overwrite(rows(0, 1), BY)
    with pytest.raises(LakeError, match="would hold table shop/orders"):
        lake.table("shop").overwrite(rows(0, 1), BY)
    assert lake.tables() == ["shop/orders"]


def test_rows_added_are_counted_from_the_log_with_the_data_gone(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.append(rows(0, 5), BY, token="1")
    table.append(rows(5, 7), BY, token="2")
    table.overwrite(rows(0, 4), BY)
    for file in Path(table.uri).glob("*.parquet"):
        file.unlink()
    fresh = Lake(lake.root).table("shop/orders")
    assert [fresh.rows_added_since(n) for n in (-1, 0, 1, 2)] == [4, -1, -8, 0]


def test_versions_are_found_behind_a_checkpoint(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIGURATION, "delta.checkpointInterval", "5")
    table = lake.table("shop/orders")
    for n in range(13):
        table.append(rows(n, 1), BY, token=str(n))
    assert list(Path(table.uri, "_delta_log").glob("*.checkpoint.parquet"))
    fresh = Lake(lake.root).table("shop/orders")
    assert fresh.version(12) == fresh.latest()
    assert fresh.landed(["3"])["3"].number == 3
    assert fresh.rows_added_since(9) == 3
    assert fresh.append(rows(0, 1), BY, token="3").number == 3
    assert fresh.read()["number"].to_pylist() == list(range(13))


def test_a_table_made_anew_is_seen_by_who_knew_the_old_one(lake: Lake, tmp_path: Path) -> None:
    table = lake.table("shop/orders")
    old = table.overwrite(rows(0, 3), BY)
    table.append(rows(0, 3), BY, token="1")
    Path(table.uri).rename(tmp_path / "aside")
    assert table.latest() is None
    assert table.overwrite(rows(5, 1), BY).number == 0
    with pytest.raises(LakeError, match="was made anew"):
        table.read(old)


def test_an_append_looks_only_at_what_is_new_in_the_log(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier commits were looked through for their tokens before; repeats still are found."""
    table = lake.table("shop/orders")
    looked: list[int] = []
    real = Log._load

    def counted(log: Log, number: int) -> Commit:
        looked.append(number)
        return real(log, number)

    monkeypatch.setattr(Log, "_load", counted)
    costs = []
    for n in range(12):
        looked.clear()
        table.append(rows(n, 1), BY, token=str(n))
        costs.append(len(looked))
    assert costs[11] == costs[3]
    Lake(lake.root).table("shop/orders").append(rows(12, 1), BY, token="elsewhere")
    assert table.append(rows(0, 1), BY, token="elsewhere").number == 12
    assert table.append(rows(0, 1), BY, token="0").number == 0
    assert table.read()["number"].to_pylist() == list(range(13))


def test_tokens_of_a_table_that_was_made_anew_are_forgotten(lake: Lake, tmp_path: Path) -> None:
    table = lake.table("shop/orders")
    table.append(rows(0, 3), BY, token="1")
    Path(table.uri).rename(tmp_path / "aside")
    assert table.landed(["1"]) == {}
    assert table.append(rows(5, 1), BY, token="1").rows == 1
