"""A query's rows, from a real PostgreSQL server."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.sql import batches
from mlplatform.spec.source import SqlSource

if TYPE_CHECKING:
    from mlplatform_tests.servers import Postgres

pytest_plugins = ("mlplatform_tests.servers",)

TYPES = """CREATE TABLE types AS SELECT
    1::int2 AS small, 2::int4 AS int, 3::int8 AS big, 0.5::float4 AS single, 0.1::float8 AS double,
    9007199254740993::numeric AS whole, 19.99::numeric(6, 2) AS price, true AS yes, 'é' AS words,
    'c'::char(3) AS padded, timestamp '2024-01-01 12:00' AS naive,
    timestamptz '2024-01-01 12:00+02' AS zoned, date '2024-02-29' AS day,
    '11111111-2222-3333-4444-555555555555'::uuid AS uuid, '{"a": 1}'::jsonb AS json,
    'sad'::mood AS mood, '10.0.0.1'::inet AS inet, ARRAY[1, 2] AS list, 1.5::money AS money,
    interval '90 minutes' AS spell, 'ab'::bytea AS bytes, NULL::int8 AS nothing"""

Ask = Callable[..., pa.Table]


@pytest.fixture(scope="module")
def shop(postgres: "Postgres") -> "Postgres":
    postgres.run(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        TYPES,
        "INSERT INTO types SELECT FROM generate_series(1, 1)",
        """CREATE TABLE orders AS SELECT i AS id, i % 7 = 0 AS paid,
           timestamptz '2024-01-01 00:00Z' + i * interval '1 second' AS at
           FROM generate_series(1, 1000) AS i""",
    )
    return postgres


def source(query: str, cursor: str | None = None) -> SqlSource:
    return SqlSource(kind="sql", connection="SHOP_DB", query=query, cursor=cursor, load="full")


@pytest.fixture
def ask(shop: "Postgres") -> Ask:
    """Everything a query gives, as one table; keywords declare columns, the first the cursor."""

    def table(query: str, since: object = None, **columns: Any) -> pa.Table:
        cursor = next(iter(columns), None) if ":since" in query else None
        return pa.Table.from_batches(batches(source(query, cursor), shop.uri, since, columns))

    return table


def test_every_type_keeps_its_value_or_becomes_the_database_s_text(ask: Ask) -> None:
    rows = ask("SELECT * FROM types -- all", whole="int64", price="float64").to_pylist()
    assert rows[0] == {
        "small": 1,
        "int": 2,
        "big": 3,
        "single": 0.5,
        "double": 0.1,
        "whole": 9007199254740993,
        "price": 19.99,
        "yes": True,
        "words": "é",
        "padded": "c",
        "naive": datetime(2024, 1, 1, 12),  # noqa: DTZ001  It has no zone.
        "zoned": datetime(2024, 1, 1, 10, tzinfo=UTC),
        "day": date(2024, 2, 29),
        "uuid": "11111111-2222-3333-4444-555555555555",
        "json": '{"a": 1}',
        "mood": "sad",
        "inet": "10.0.0.1/32",
        "list": "{1,2}",
        "money": "$1.50",
        "spell": "01:30:00",
        "bytes": r"\x6162",
        "nothing": None,
    }
    assert set(rows[1].values()) == {None}
    assert not any(
        isinstance(t, pa.BaseExtensionType) for t in ask("SELECT * FROM types").schema.types
    )


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        ("int64", "5.00", 5),
        ("int64", "9223372036854775807", 2**63 - 1),
        ("int64", "1.5", 1.5),
        ("int64", "1e400", float("inf")),
        ("float64", "-Infinity", float("-inf")),
        ("float64", "1e300", 1e300),
        ("string", "5.00", "5.00"),
    ],
)
def test_a_numeric_becomes_what_is_declared(
    ask: Ask, declared: str, text: str, value: object
) -> None:
    rows = ask(f"SELECT '{text}'::numeric AS n", n=declared)
    assert rows.to_pylist() == [{"n": value}]
    assert type(rows["n"][0].as_py()) is type(value) or declared == "int64"


def test_a_first_load_takes_every_row_and_the_next_what_came_after(ask: Ask) -> None:
    query = "SELECT id, at FROM orders WHERE at > :since ORDER BY at;"
    first = ask(query, at="timestamp")
    assert first["id"].to_pylist() == list(range(1, 1001))
    newest = first["at"][989].as_py()
    assert ask(query, newest, at="timestamp")["id"].to_pylist() == list(range(991, 1001))
    nothing = ask(query, first["at"][-1].as_py(), at="timestamp")
    assert (nothing.num_rows, nothing.schema.names) == (0, ["id", "at"])


LEAST = [
    ("int2", "int64", "-32767"),
    ("int4", "int64", "-2147483647"),
    ("int8", "int64", "-9223372036854775807"),
    ("numeric", "int64", "-1e1000"),
    ("float4", "float64", "-3e38"),
    ("float8", "float64", "-1e308"),
    ("date", "timestamp", "4713-01-01 BC"),
    ("timestamp", "timestamp", "4713-01-01 BC"),
    ("timestamptz", "timestamp", "4713-01-02 BC"),
    ("uuid", "string", "00000000-0000-0000-0000-000000000001"),
    ("text", "string", " "),
    ("varchar", "string", "!"),
    ("bpchar", "string", "!"),
    ("name", "string", "!"),
]


@pytest.mark.parametrize(("kind", "declared", "least"), LEAST)
def test_a_first_load_begins_below_the_least_value(
    ask: Ask, kind: str, declared: str, least: str
) -> None:
    values = f"(VALUES ('{least}'::{kind}), (NULL)) AS v (x)"
    rows = ask(f"SELECT x::text FROM {values} WHERE x > :since", None, x=declared)  # noqa: S608  Ours.
    assert rows.num_rows == 1


def test_texts_are_compared_by_their_bytes_as_the_newest_was_found(ask: Ask) -> None:
    assert ask("SELECT pg_collation_for(:since || '') AS x", "a", x="string").to_pylist() == [
        {"x": '"C"'}
    ]


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("int8", "string"),
        ("int8", "float64"),
        ("numeric", "float64"),
        ("text", "int64"),
        ("bool", "bool"),
        ("mood", "string"),
        ("timestamp", "string"),
    ],
)
def test_a_cursor_of_another_order_here_than_there_is_refused(
    ask: Ask, kind: str, declared: str
) -> None:
    with pytest.raises(
        SourceError, match=rf"declared {declared}, and :since is compared with {kind};"
    ):
        ask(f"SELECT NULL::{kind} AS x WHERE NULL::{kind} > :since", None, x=declared)


INSTANTS = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001  A zone is drawn beside it.
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.tuples(
            st.just("text"),
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        ),
        st.tuples(st.just("int8"), st.integers(-(2**63), 2**63 - 1)),
        st.tuples(st.just("float8"), st.floats(allow_nan=False)),
        st.tuples(st.just("timestamptz"), INSTANTS),
    )
)
def test_whatever_has_landed_is_bound_as_it_is_and_never_read_as_sql(
    ask: Ask, bound: tuple[str, object]
) -> None:
    kind, value = bound
    declared = {"text": "string", "int8": "int64", "float8": "float64", "timestamptz": "timestamp"}
    rows = ask(f"SELECT :since::{kind} AS x, :since::{kind} AS again", value, x=declared[kind])
    assert rows.to_pylist() == [{"x": value, "again": value}]


def test_a_time_without_a_zone_is_bound_as_utc(ask: Ask) -> None:
    query = "SELECT id FROM orders WHERE at::timestamp > :since AND at > :since::timestamptz"
    naive = datetime(2024, 1, 1, 0, 16, 30)  # noqa: DTZ001  Meant to have none.
    assert ask(query, naive, at="timestamp").num_rows == 10
    east = datetime(2024, 1, 1, 3, 16, 30, tzinfo=timezone(timedelta(hours=3)))
    assert ask(query, east, at="timestamp").num_rows == 10


STREAM = """
import resource
from mlplatform.ingest.sql import batches
from mlplatform.spec.source import SqlSource
query = '''SELECT id, repeat(md5(id::text), 32) AS wide
           FROM generate_series(1, 200000) AS id WHERE id > :since'''
source = SqlSource(kind="sql", connection="DB", query=query, cursor="id")
rows, first = 0, None
for batch in batches(source, URI, 0, {"id": "int64", "wide": "string"}):
    rows += batch.num_rows
    first = first or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first) // 1024)
"""


def test_two_hundred_thousand_rows_after_a_cursor_stream_in_constant_memory(
    shop: "Postgres", fresh_python: Callable[[str], str]
) -> None:
    """200 MB of rows, of which a few batches of 16 MiB are held at once."""
    rows, grown_mebibytes = map(int, fresh_python(f"URI = {shop.uri!r}\n{STREAM}").split())
    assert rows == 200_000
    assert grown_mebibytes < 80


@pytest.mark.parametrize(
    ("query", "since", "message"),
    [
        ("SELECT ':since' AS x -- :since", 1, "stands in quotes or a comment"),
        ("SELECT id FROM orders WHERE id > :since", True, "True has no place in an order"),
        ("SELECT id FROM orders WHERE id > :since", "1; DROP TABLE orders", "invalid input syntax"),
    ],
)
def test_a_cursor_that_cannot_be_bound_is_one_line(
    ask: Ask, query: str, since: object, message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        ask(query, since, x="int64")
