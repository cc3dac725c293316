"""What can go wrong between a query and a PostgreSQL server: one line each, and no secret."""

import traceback
from typing import TYPE_CHECKING

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.sql import batches
from mlplatform.spec.source import SqlSource

if TYPE_CHECKING:
    from mlplatform_tests.servers import Postgres

pytest_plugins = ("mlplatform_tests.servers",)


@pytest.fixture(scope="module")
def shop(postgres: "Postgres") -> "Postgres":
    postgres.run(
        "CREATE TABLE kept AS SELECT i AS id FROM generate_series(1, 1000) AS i",
        """CREATE FUNCTION emptied() RETURNS SETOF kept LANGUAGE sql
           AS 'DELETE FROM kept RETURNING *'""",
    )
    return postgres


def source(query: str) -> SqlSource:
    return SqlSource(kind="sql", connection="SHOP_DB", query=query, load="full")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nope", r'^SHOP_DB: the query failed: column "nope" does not exist \(SQLSTATE'),
        ("SELECT 1 / 0", "division by zero"),
        ("SELECT 1; DROP TABLE kept", "syntax error"),
        ("DELETE FROM kept RETURNING id", "syntax error"),
        ("SELECT 1) TO PROGRAM 'touch x' --", "syntax error"),
        ("SELECT * FROM emptied()", "cannot execute DELETE in a read-only transaction"),
        ("SELECT 1 AS a, 2 AS a", r"^source\.query: 2 columns are named 'a'; rename with AS$"),
    ],
)
def test_a_bad_query_is_one_line_in_the_database_s_words(
    shop: "Postgres", query: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as said:
        list(batches(source(query), shop.uri, None, {}))
    assert "\n" not in str(said.value)
    assert shop.run("SELECT count(*) FROM kept") == [(1000,)]


def test_a_server_killed_while_it_answers_is_one_line_and_the_next_try_goes_through(
    shop: "Postgres",
) -> None:
    rows = batches(
        source("SELECT repeat('x', 1000) AS x FROM generate_series(1, 200000)"), shop.uri, None, {}
    )
    next(rows)
    shop.kill_queries()
    with pytest.raises(SourceError, match=r"^SHOP_DB: .*server closed the connection") as said:
        list(rows)
    assert "\n" not in str(said.value)
    (again,) = batches(source("SELECT id FROM kept"), shop.uri, None, {})
    assert again.num_rows == 1000


def test_a_reader_that_stops_early_leaves_no_query_behind(shop: "Postgres") -> None:
    rows = batches(source("SELECT generate_series(1, 900000000)"), shop.uri, None, {})
    next(rows)
    rows.close()  # type: ignore[attr-defined]  # It is a generator.
    shop.until_idle()


BAD = "hunter2"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (
            f"postgresql://bob:{BAD}@/postgres?host=HOME",
            'cannot connect: role "bob" does not exist',
        ),
        (f"postgresql://u:{BAD}@127.0.0.1:1/x", "port 1 failed: Connection refused"),
        (f"postgresql://u@127.0.0.1:1/x?password={BAD}", "port 1 failed: Connection refused"),
        (f"postgresql://{BAD}:{BAD}@/postgres?host=HOME", r'role "\*\*\*" does not exist'),
        (f"postgresql://%68unter2:{BAD}@/postgres?host=HOME", r'role "\*\*\*" does not exist'),
        (f"postgresql://u:{BAD} x@127.0.0.1:1/x", "cannot be parsed; write special characters"),
        (f"postgresql://u:{BAD}%zz@127.0.0.1:1/x", "cannot be parsed"),  # pragma: allowlist secret
        (f"postgresql://{BAD}@[::1/x", "cannot be parsed"),
        (f"postgresql://u:1/{BAD}@127.0.0.1/x", "write / in its password as %2F"),
        (f"mysql://u:{BAD}@host/x", r"begins with postgres://, postgresql://, sqlite://"),
        (f"host=127.0.0.1 password={BAD}", r"begins with postgres://"),
    ],
)
def test_a_connection_that_fails_says_why_and_never_its_uri(
    shop: "Postgres", uri: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as said:
        list(batches(source("SELECT 1"), uri.replace("HOME", str(shop.home)), None, {}))
    assert BAD not in str(said.value)
    assert str(said.value).startswith("SHOP_DB: ")
    assert "\n" not in str(said.value)
    assert BAD not in "".join(traceback.format_exception(said.value))
