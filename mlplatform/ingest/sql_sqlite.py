"""SQLite: the file opened read only, its values in the types that the spec declares.

SQLite columns have no types, only values do, and the driver takes a column's type from its first
batch: a column that begins with many NULLs would be taken for integers. So a row of the declared
types is put before the result, and dropped again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.ingest.sql_query import asks_since, named_once, quoted, selected, with_since
from mlplatform.ingest.values import parsed, reason
from mlplatform.spec.section import ColumnType
from mlplatform.spec.source import SqlSource

BATCH_ROWS = 65_536  # The driver's 1,024 would make two hundred batches of 200,000 rows.
FIRST = {"int64": "0", "float64": "0.5", "bool": "0", "string": "''", "timestamp": "''"}
LEAST: dict[ColumnType, float | str] = {"int64": -(2**63), "float64": float("-inf"), "string": ""}


def rows(
    source: SqlSource, uri: str, since: object | None, columns: Mapping[str, ColumnType]
) -> Iterator[pa.RecordBatch]:
    """Yield the result; see `sql.batches`. Errors of the driver pass as they are."""
    query = with_since(source.query, "(?1 COLLATE BINARY)")  # As we compare.
    values = [_bound(source, since, columns)] if asks_since(source.query) else None
    with _cursor(uri, source) as cursor:
        cursor.execute(f"{selected(['*'], query)} LIMIT 0", values)
        names = cursor.fetch_record_batch().schema.names
        named_once([_asked(name, names) for name in names])
        cursor.execute(_typed(names, query, columns), values)
        skipped = 1
        for batch in cursor.fetch_record_batch():
            yield _plain(batch.slice(skipped), columns)
            skipped = 0


@contextmanager
def _cursor(uri: str, source: SqlSource) -> Iterator[Any]:
    from adbc_driver_sqlite import dbapi

    path = Path(unquote(uri.partition("://")[2].removeprefix("/")))
    if not path.is_absolute():
        raise SourceError(f"{source.connection}: expected sqlite:////absolute/path/of/the/database")
    if not path.is_file():
        raise SourceError(f"{source.connection}: names a database file that is not there")
    options = {"adbc.sqlite.query.batch_rows": BATCH_ROWS}
    with (
        dbapi.connect(f"file:{quote(str(path))}?mode=ro") as connection,
        connection.cursor(adbc_stmt_kwargs=options) as cursor,
    ):
        yield cursor


def _bound(
    source: SqlSource, since: object | None, columns: Mapping[str, ColumnType]
) -> int | float | str:
    declared = columns[source.cursor or ""]
    if declared not in LEAST:
        raise SourceError(
            f"source.cursor: SQLite keeps no {declared}; "
            "declare the cursor as int64, float64 or string (ISO 8601 sorts by time)"
        )
    value = LEAST[declared] if since is None else since
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise SourceError(f"source.cursor: {value!r} is no {declared}")
    return value


def _asked(name: str, names: Sequence[str]) -> str:
    """Return the name in the user's query; SQLite calls the second `a` of an inner query `a:1`."""
    first, _, position = name.rpartition(":")
    return first if first in names and position.isdigit() else name


def _typed(names: Sequence[str], query: str, columns: Mapping[str, ColumnType]) -> str:
    """Return the query below one row of the declared types."""
    first = [f"{FIRST.get(columns.get(name, ''), 'NULL')} AS {quoted(name)}" for name in names]
    return f"SELECT {', '.join(first)} UNION ALL {selected(['*'], query)}"


def _plain(batch: pa.RecordBatch, columns: Mapping[str, ColumnType]) -> pa.RecordBatch:
    arrays = [
        _instants(array, name) if columns.get(name) == "timestamp" else array
        for name, array in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def _instants(array: pa.Array, name: str) -> pa.Array:
    """Return texts as the instants they write, by the rules of text files."""
    if not pa.types.is_string(array.type):
        return array
    instants = parsed(array, "timestamp")
    if instants.null_count > array.null_count:
        wrong = array.filter(pc.and_(instants.is_null(), array.is_valid()))[0].as_py()
        raise SourceError(
            f"source.query: {name}: {reason(wrong, 'timestamp')}; "
            "correct it, or declare the column as string"
        )
    return instants
