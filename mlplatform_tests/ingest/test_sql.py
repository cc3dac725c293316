"""A query's rows from SQLite, and what a query may say."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.sql import batches
from mlplatform.ingest.sql_query import with_since
from mlplatform.spec.source import SqlSource

COLUMNS = {
    "id": "int64",
    "share": "float64",
    "name": "string",
    "late": "string",
    "paid": "bool",
    "at": "timestamp",
}
ROWS = 70_000  # More than the driver looks at to tell a column's type.


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "a shop#1 100%.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE t (id, share, name, late, paid, at)")
        database.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)",
            (
                (i, i if i < 9 else i / 8, f"é{i:05}", "x" if i == ROWS - 1 else None, i % 2, AT)
                for i in range(ROWS)
            ),
        )
        database.execute("CREATE TABLE words (word TEXT COLLATE NOCASE)")
        database.executemany("INSERT INTO words VALUES (?)", [("B",), ("a",)])
        database.execute("CREATE TABLE odd (x)")
        database.executemany("INSERT INTO odd VALUES (?)", [*((i,) for i in range(ROWS)), ("x",)])
    return path


AT = "2024-01-01 12:00:00"


def ask(
    path: Path, query: str, since: object = None, cursor: str | None = None, **columns: Any
) -> pa.Table:
    source = SqlSource(kind="sql", connection="SHOP_DB", query=query, cursor=cursor, load="full")
    uri = "sqlite:///" + str(path).replace("%", "%25").replace("#", "%23")
    declared: Mapping[str, Any] = columns or COLUMNS
    return pa.Table.from_batches(batches(source, uri, since, declared))


def test_values_come_in_the_declared_types_though_the_first_are_null(path: Path) -> None:
    rows = ask(path, "SELECT * FROM t;")
    assert rows.num_rows == ROWS
    assert rows.slice(ROWS - 1).to_pylist() == [
        {
            "id": ROWS - 1,
            "share": (ROWS - 1) / 8,
            "name": f"é{ROWS - 1}",
            "late": "x",
            "paid": (ROWS - 1) % 2,
            "at": datetime(2024, 1, 1, 12, tzinfo=UTC),
        }
    ]
    assert rows["late"].null_count == ROWS - 1
    assert rows["id"].to_pylist() == list(range(ROWS))


@pytest.mark.parametrize("cursor", ["id", "share", "name"])
def test_a_first_load_takes_every_row_and_the_next_what_came_after(path: Path, cursor: str) -> None:
    query = f"SELECT * FROM t WHERE {cursor} > :since AND :since < {cursor} -- newer"  # noqa: S608  Ours.
    first = ask(path, query, None, cursor)
    assert first.num_rows == ROWS
    since = first[cursor][ROWS - 4].as_py()
    assert ask(path, query, since, cursor)["id"].to_pylist() == [ROWS - 3, ROWS - 2, ROWS - 1]
    nothing = ask(path, query, first[cursor][-1].as_py(), cursor)
    assert (nothing.num_rows, nothing.schema.names) == (0, list(COLUMNS))


def test_texts_are_compared_by_their_bytes_as_the_newest_was_found(path: Path) -> None:
    later = ask(path, "SELECT * FROM words WHERE word > :since", "B", "word", word="string")
    assert later.to_pylist() == [{"word": "a"}]


@pytest.mark.parametrize("since", ["x' OR '1'='1", "'; DROP TABLE t; --", "é00001' --"])
def test_a_value_is_bound_and_never_read_as_sql(path: Path, since: str) -> None:
    assert ask(path, "SELECT :since AS name", since, "name").to_pylist() == [{"name": since}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nope FROM t", "^SHOP_DB: the query failed: no such column: nope$"),
        ("SELECT 1; DROP TABLE t", "syntax error"),
        ("DELETE FROM t", "syntax error"),
        ("ATTACH '/tmp/other' AS other", "syntax error"),
        ("SELECT x AS id FROM odd", "expected INT64 but got STRING.*; CAST it in source.query"),
        ("SELECT 1 AS a, 2 AS a", r"^source\.query: 2 columns are named 'a'"),
        ("SELECT 'soon' AS at", r"^source\.query: at: 'soon' is no timestamp; correct it, or"),
    ],
)
def test_a_bad_query_is_one_line(path: Path, query: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as said:
        ask(path, query)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(
    ("cursor", "since", "message"),
    [
        ("at", None, "SQLite keeps no timestamp; declare the cursor as int64, float64 or string"),
        ("id", datetime(2024, 1, 1, tzinfo=UTC), "is no int64"),
        ("id", True, "True is no int64"),
    ],
)
def test_a_cursor_that_sqlite_cannot_compare_is_refused(
    path: Path, cursor: str, since: object, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        ask(path, "SELECT * FROM t WHERE id > :since", since, cursor)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^SHOP_DB: names a database file that is not there$"):
        ask(tmp_path / "none.db", "SELECT 1")
    with pytest.raises(SourceError, match="expected sqlite:////absolute/path"):
        ask(Path("none.db"), "SELECT 1")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "text.db").write_text("no database, but more than a hundred bytes" * 9)
    with pytest.raises(SourceError, match=r"^SHOP_DB: the query failed: file is not a database$"):
        ask(tmp_path / "text.db", "SELECT 1 FROM sqlite_master")


WORDS = st.text("ab :since", max_size=12)
KEPT = st.one_of(
    WORDS.map(lambda text: f"'{text}'"),
    WORDS.map(lambda text: f"'it''s {text}'"),
    WORDS.map(lambda text: f'"{text}"'),
    WORDS.map(lambda text: f"--{text}\n"),
    WORDS.map(lambda text: f"/*{text}\n*/"),
    st.just("x::since"),
    st.just(":sincere"),
)


@given(st.lists(st.one_of(KEPT, st.just("x > :since")), min_size=1))
def test_quotes_comments_and_casts_keep_what_looks_like_the_parameter(parts: list[str]) -> None:
    asked = [*parts, "x > :since"]
    expected = [part if part != "x > :since" else "x > $1" for part in asked]
    assert with_since(" ".join(asked), "$1") == " ".join(expected)
