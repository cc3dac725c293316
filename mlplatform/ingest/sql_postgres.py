"""PostgreSQL: one read-only transaction, streamed by COPY in batches of about 16 MiB.

The driver streams a query only when nothing is bound to it: with parameters, the client library
holds the whole result. So `:since` is bound ($1) to a setting of the transaction, and the query
compares with that setting, cast to the type that the server itself infers for the parameter. The
planner reads such a setting when it estimates, and uses indexes for it.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.ingest.sql_query import asks_since, named_once, quoted, selected, with_since
from mlplatform.spec.section import ColumnType
from mlplatform.spec.source import SINCE, SqlSource

SETTING = "mlplatform.since"
TYPE = b"POSTGRESQL:type"  # Where the driver says a column's type.
# The rest is asked for as text: the driver gives uuid and inet as bytes, money in cents, char padded.
NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})
TEXTS = frozenset({"text", "varchar", "name", "json", "jsonb"})
PLAIN = NUMBERS | TEXTS | {"bool", "date", "timestamp", "timestamptz"}
EXACT = pa.decimal256(76, 38)  # Numbers among which some are no integers, for the reader to tell.
EXACT_CHARACTERS = 38  # As many digits fit on either side of its point; a cast does not check.
LEAST = {
    "int2": str(-(2**15)),
    "int4": str(-(2**31)),
    "int8": str(-(2**63)),
    "float4": "-Infinity",
    "float8": "-Infinity",
    "numeric": "-Infinity",
    "date": "-infinity",
    "timestamp": "-infinity",
    "timestamptz": "-infinity",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "text": "",
    "varchar": "",
    "bpchar": "",
    "name": "",
}
COLLATED = frozenset({"text", "varchar", "bpchar"})
CURSORS: dict[ColumnType, frozenset[str]] = {
    "int64": NUMBERS,
    "float64": frozenset({"float4", "float8"}),  # Others hold values between two doubles.
    "string": COLLATED | {"name", "uuid"},
    "timestamp": frozenset({"date", "timestamp", "timestamptz"}),
}
CONNECTION = {  # libpq alone waits for ever for a server that is gone.
    "application_name": "mlplatform",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


def rows(
    source: SqlSource, uri: str, since: object | None, columns: Mapping[str, ColumnType]
) -> Iterator[pa.RecordBatch]:
    """Yield the result; see `sql.batches`. Errors of the driver pass as they are."""
    with _transaction(uri) as cursor:
        query = _bound(cursor, source, since, columns)
        fields = cursor.adbc_execute_schema(selected(["*"], query))
        named_once(fields.names)
        cursor.execute(selected([_term(field) for field in fields], query))
        result, empty = cursor.fetch_record_batch(), True
        for batch in result:
            empty = False
            yield _plain(batch, columns)
        if empty:  # What reads this still wants to know the columns.
            yield _plain(_empty(result.schema), columns)


@contextmanager
def _transaction(uri: str) -> Iterator[Any]:
    from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]  # It ships no types.

    with dbapi.connect(_address(uri)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        yield cursor


def _address(uri: str) -> str:
    """Return the URI with our defaults for what it leaves open."""
    given = {name for name, _ in parse_qsl(urlsplit(uri, allow_fragments=False).query)}
    more = {name: value for name, value in CONNECTION.items() if name not in given}
    _, _, rest = uri.partition("://")
    return f"postgresql://{rest}{'&' if '?' in rest else '?'}{urlencode(more)}"


def _bound(
    cursor: Any, source: SqlSource, since: object | None, columns: Mapping[str, ColumnType]
) -> str:
    """Bind `since`, and return the query that compares with it."""
    if not asks_since(source.query):
        return with_since(source.query, "")
    parameter = cursor.adbc_prepare(with_since(source.query, "$1")).field(0)
    kind = parameter.metadata[TYPE].decode()
    _require_comparable(kind, columns[source.cursor or ""])
    value = LEAST[kind] if since is None else _text(since)
    cursor.execute(f"SELECT set_config('{SETTING}', $1, true)", (value,))
    cursor.fetchall()
    by_bytes = ' COLLATE "C"' if kind in COLLATED else ""  # As we compare, whatever its language.
    return with_since(source.query, f"(current_setting('{SETTING}')::{kind}{by_bytes})")


def _require_comparable(kind: str, declared: ColumnType) -> None:
    """Refuse a cursor whose order here is not its order there: 9 < 10, but "9" > "10"."""
    known = CURSORS.get(declared, frozenset())
    if kind not in known:
        choice = (
            f"{declared} fits {', '.join(sorted(known))}" if known else "a cursor needs an order"
        )
        raise SourceError(
            f"source.cursor: declared {declared}, and {SINCE} is compared with {kind}; {choice}"
        )


def _text(since: object) -> str:
    """Return a value as PostgreSQL reads it back exactly; a time without a zone is UTC."""
    if isinstance(since, datetime):
        aware = since if since.tzinfo else since.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    if isinstance(since, bool) or (isinstance(since, float) and math.isnan(since)):
        raise SourceError(f"source.cursor: {since} has no place in an order; choose another column")
    return str(since)


def _term(field: pa.Field) -> str:
    name = quoted(field.name)
    return name if field.metadata[TYPE].decode() in PLAIN else f"{name}::text AS {name}"


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)


def _plain(batch: pa.RecordBatch, columns: Mapping[str, ColumnType]) -> pa.RecordBatch:
    """Return the batch without extension types, `numeric` as numbers where it is declared so."""
    arrays = [
        _plain_column(array, field, columns.get(field.name))
        for array, field in zip(batch.columns, batch.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _plain_column(array: pa.Array, field: pa.Field, declared: ColumnType | None) -> pa.Array:
    stored = array.storage if isinstance(array, pa.ExtensionArray) else array
    if field.metadata[TYPE] == b"numeric" and declared in ("int64", "float64"):
        return _numbers(stored, declared)
    return stored


def _numbers(texts: pa.Array, declared: ColumnType) -> pa.Array:
    """Return `numeric` as the nearest doubles, or exactly; what has no exact type, as doubles."""
    if declared == "int64":
        short = (pc.max(pc.utf8_length(texts)).as_py() or 0) <= EXACT_CHARACTERS
        for kind in (pa.int64(), EXACT) if short else ():
            with suppress(pa.ArrowInvalid):
                return pc.replace_substring_regex(texts, r"\.0+$", "").cast(kind)
    return texts.cast(pa.float64())
