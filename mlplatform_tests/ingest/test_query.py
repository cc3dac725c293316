"""A query as a source: its result when it differs, or what is past the cursor, once."""

import sqlite3
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest import source, sql
from mlplatform.ingest.landed import landed
from mlplatform.ingest.source import Access, land, malformed, withdraw_file
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import names, pipeline_of

pytest_plugins = ("mlplatform_tests.servers",)

COLUMNS = {"id": "int64", "name": "string", "member": "string"}


@pytest.fixture
def clinic(tmp_path):
    """A database; `clinic(sql, *values)` changes it."""
    path = tmp_path / "clinic.db"

    def run(sql, *values):
        with sqlite3.connect(path) as database:
            database.execute(sql, values)

    run("CREATE TABLE people (id, name TEXT, member TEXT)")
    run("INSERT INTO people VALUES (1, 'ann', 'yes'), (2, 'bob', 'no')")
    return run


@pytest.fixture
def access(tmp_path):
    return Access(secret={"CLINIC": f"sqlite:///{tmp_path}/clinic.db"}.__getitem__)


def query_of(folder, query="SELECT * FROM people WHERE id > :since ORDER BY id", **changes):
    more = {"cursor": "id"} if ":since" in query else {"load": "full"}
    given = {"kind": "sql", "connection": "CLINIC", "query": query, "columns": COLUMNS}
    return pipeline_of(folder, **{**given, **more, **changes})


def test_what_is_past_the_cursor_lands_as_one_batch_once(tmp_path, lake, table, clinic, access):
    pipeline = query_of(tmp_path)
    first = land(pipeline, lake, LINEAGE, access)
    assert land(pipeline, lake, LINEAGE, access) == first
    clinic("INSERT INTO people VALUES (3, 'cy', 'no')")
    second = land(pipeline, lake, LINEAGE, access)
    assert (second.number, names(lake)) == (1, ["ann", "bob", "cy"])
    assert table.read()["source_file"].to_pylist() == ["query-1", "query-1", "query-2"]
    assert landed(table).mark == "3"


def test_a_rejected_row_moves_the_cursor_and_is_quarantined_once(
    tmp_path, lake, table, clinic, access
):
    query = "SELECT id, 1.5 * id AS name, member FROM people WHERE id > :since ORDER BY id DESC"
    pipeline = query_of(tmp_path, query, columns=COLUMNS | {"name": "int64"})
    clinic("INSERT INTO people VALUES (3, 'cy', 'no')")
    version = land(pipeline, lake, LINEAGE, access)
    assert table.read()["id"].to_pylist() == [2]
    assert malformed(lake, pipeline, version).rejected == 2
    assert landed(table).mark == "3"
    assert land(pipeline, lake, LINEAGE, access) == version
    assert lake.table("people/quarantine").read().num_rows == 2


def test_a_withdrawn_batch_does_not_come_again_and_what_is_newer_does(
    tmp_path, lake, table, clinic, access
):
    pipeline = query_of(tmp_path)
    land(pipeline, lake, LINEAGE, access)
    clinic("INSERT INTO people VALUES (3, 'cy', 'no')")
    land(pipeline, lake, LINEAGE, access)
    without = withdraw_file(pipeline, "query-2", lake, LINEAGE)
    assert (without.number, names(lake)) == (2, ["ann", "bob"])
    assert land(pipeline, lake, LINEAGE, access) == without
    assert withdraw_file(pipeline, "query-1", lake, LINEAGE).rows == 0
    clinic("INSERT INTO people VALUES (4, 'di', 'no')")
    land(pipeline, lake, LINEAGE, access)
    assert table.read()["source_file"].to_pylist() == ["query-3"]
    assert names(lake) == ["di"]
    with pytest.raises(SourceError, match="no batch 'query-2' has landed; the last ones: query-3"):
        withdraw_file(pipeline, "query-2", lake, LINEAGE)


def test_a_batch_of_which_every_record_was_rejected_can_be_withdrawn(
    tmp_path, lake, table, clinic, access
):
    pipeline = query_of(tmp_path)
    land(pipeline, lake, LINEAGE, access)
    clinic("INSERT INTO people VALUES (5, x'ff', 'no')")
    query = query_of(
        tmp_path, "SELECT id, CAST(name AS BLOB) name, member FROM people WHERE id > :since"
    )
    land(query, lake, LINEAGE, access)
    clinic("INSERT INTO people VALUES (6, x'ff', 'no')")
    bad = malformed(lake, query, land(query, lake, LINEAGE, access))
    assert bad.by_file["query-2"] == (1, 1)
    without = withdraw_file(query, "query-2", lake, LINEAGE)
    assert "query-2" not in malformed(lake, query, without).by_file
    assert land(query, lake, LINEAGE, access) == without
    assert names(lake) == ["ann", "bob"]


def test_a_batch_read_by_another_query_cannot_be_withdrawn(tmp_path, lake, clinic, access):
    land(query_of(tmp_path), lake, LINEAGE, access)
    other = query_of(tmp_path, "SELECT * FROM people WHERE id > :since AND id <> 1")
    with pytest.raises(SourceError, match=r"changed since it landed.*materialise that first"):
        withdraw_file(other, "query-1", lake, LINEAGE)


def test_another_query_reads_everything_again_in_one_commit(tmp_path, lake, table, clinic, access):
    land(query_of(tmp_path), lake, LINEAGE, access)
    clinic("INSERT INTO people VALUES (3, 'cy', 'no')")
    land(query_of(tmp_path), lake, LINEAGE, access)
    other = query_of(tmp_path, "SELECT * FROM people WHERE id > :since AND id <> 1 ORDER BY id")
    version = land(other, lake, LINEAGE, access)
    assert (version.number, names(lake)) == (2, ["bob", "cy"])
    assert table.read()["source_file"].to_pylist() == ["query-1"] * 2


def test_an_unchanged_result_lands_nothing_and_a_changed_one_is_the_table(
    tmp_path, lake, clinic, access
):
    pipeline = query_of(tmp_path, "SELECT * FROM people ORDER BY id")
    first = land(pipeline, lake, LINEAGE, access)
    files = list((tmp_path / "lake" / "people" / "source").glob("*.parquet"))
    assert land(pipeline, lake, LINEAGE, access) == first
    assert list((tmp_path / "lake" / "people" / "source").glob("*.parquet")) == files
    clinic("UPDATE people SET name = 'eve' WHERE id = 1")
    second = land(pipeline, lake, LINEAGE, access)
    assert (second.number, names(lake)) == (1, ["eve", "bob"])
    clinic("UPDATE people SET name = 'ann' WHERE id = 1")
    assert land(pipeline, lake, LINEAGE, access).number == 2
    assert names(lake) == ["ann", "bob"]


def test_a_result_that_differs_only_in_its_rejected_rows_is_another_one(
    tmp_path, lake, clinic, access
):
    clinic("INSERT INTO people VALUES (3.5, 'cy', 'no')")
    query = "SELECT CAST(id AS REAL) AS id, name, member FROM people ORDER BY people.id"
    pipeline = query_of(tmp_path, query)
    version = land(pipeline, lake, LINEAGE, access)
    assert malformed(lake, pipeline, version).rejected == 1
    clinic("DELETE FROM people WHERE name = 'cy'")
    again = land(pipeline, lake, LINEAGE, access)
    assert malformed(lake, pipeline, again).rejected == 0
    assert (again.number, names(lake)) == (version.number + 1, ["ann", "bob"])


def test_of_two_loads_at_once_one_looks_again_and_no_row_lands_twice(
    tmp_path, lake, clinic, access, monkeypatch
):
    """Both began behind the same cursor, and the second sees a row that the first did not."""
    pipeline, real, overtaken = query_of(tmp_path), source.landed, []

    def then_overtaken(table, *version):
        state = real(table, *version)
        if not overtaken:
            overtaken.append("once")
            land(pipeline, Lake(tmp_path / "lake"), LINEAGE, access)
            clinic("INSERT INTO people VALUES (3, 'cy', 'no')")
        return state

    monkeypatch.setattr(source, "landed", then_overtaken)
    land(pipeline, lake, LINEAGE, access)
    assert names(lake) == ["ann", "bob", "cy"]


def test_switching_from_full_to_a_cursor_doubles_nothing(tmp_path, lake, clinic, access):
    full = query_of(tmp_path, load="full", query="SELECT * FROM people ORDER BY id")
    land(full, lake, LINEAGE, access)
    land(query_of(tmp_path), lake, LINEAGE, access)
    assert names(lake) == ["ann", "bob"]


def test_a_first_batch_without_rows_is_refused(tmp_path, lake, clinic, access):
    clinic("DELETE FROM people")
    with pytest.raises(SourceError, match="returned no row, and nothing landed before"):
        land(query_of(tmp_path), lake, LINEAGE, access)
    assert lake.tables() == []


def test_a_cursor_of_times_is_kept_to_the_microsecond(tmp_path, lake, table, monkeypatch):
    at = datetime(2020, 1, 2, 3, 4, 5, 1, tzinfo=UTC)
    asked = []

    def batches(source, uri, since, columns):
        asked.append(since)
        yield pa.RecordBatch.from_pydict({"at": [at], "member": ["yes"]})

    monkeypatch.setattr(sql, "batches", batches)
    columns = {"at": "timestamp", "member": "string"}
    query = "SELECT * FROM visits WHERE at > :since"
    pipeline = query_of(tmp_path, query, cursor="at", columns=columns)
    for _ in range(2):
        land(pipeline, lake, LINEAGE, Access(secret=str))
    assert asked == [None, at]


def test_a_connection_nobody_gave_is_named(tmp_path, lake):
    with pytest.raises(SourceError, match="the connection CLINIC was not given; set the environ"):
        land(query_of(tmp_path), lake, LINEAGE)


def test_a_table_of_postgresql_lands_by_a_cursor_of_times(tmp_path, lake, table, postgres):
    postgres.run(
        "CREATE TABLE landing AS SELECT i AS id, i % 2 = 0 AS late, 'yes' AS member, "
        "timestamptz '2024-01-01 00:00Z' + i * interval '1 microsecond' AS at "
        "FROM generate_series(1, 1000) AS i"
    )
    columns = {"id": "int64", "late": "bool", "member": "string", "at": "timestamp"}
    query = "SELECT * FROM landing WHERE at > :since ORDER BY at"
    pipeline = query_of(tmp_path, query, cursor="at", columns=columns)
    access = Access(secret=lambda _: postgres.uri)
    version = land(pipeline, lake, LINEAGE, access)
    assert land(pipeline, lake, LINEAGE, access) == version
    postgres.run("INSERT INTO landing VALUES (1001, true, 'no', '2024-01-01 00:00:00.001001Z')")
    land(pipeline, lake, LINEAGE, access)
    assert table.read()["id"].to_pylist() == list(range(1, 1002))
    assert str(table.read().schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert postgres.uri not in str(table.history())
