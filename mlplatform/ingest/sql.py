"""Rows of a SQL query as Arrow batches, over ADBC: constant memory, read only, values bound."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, unquote, urlsplit

import pyarrow as pa

from mlplatform.errors import SourceError
from mlplatform.ingest import sql_postgres, sql_sqlite
from mlplatform.spec.section import ColumnType
from mlplatform.spec.source import SqlSource

DRIVERS: dict[str, Callable[..., Iterator[pa.RecordBatch]]] = {
    "postgres": sql_postgres.rows,
    "postgresql": sql_postgres.rows,
    "sqlite": sql_sqlite.rows,
}
UNPARSED = "the URI cannot be parsed; write special characters in it as %XX"
_WORDS = (  # Where the database's own words begin in a driver's message, most telling first.
    re.compile(r"(?:ERROR|FATAL|PANIC):\s+([^\n]+)"),
    re.compile(r"Failed to \w+(?: query)?: ([^\n]+)"),
    re.compile(r"\[\w+\] ([^\n]+)"),
    re.compile(r"([^\n]+)"),
)


def batches(
    source: SqlSource, uri: str, since: object | None, columns: Mapping[str, ColumnType]
) -> Iterator[pa.RecordBatch]:
    """Yield the result of `source.query`, its columns by name in the query's order.

    `since`, the newest value of `source.cursor` that has landed, is bound where the query says
    `:since`. With None, the first load, the least value of the cursor's type is bound, so that
    `x > :since` takes every row whose `x` is neither NULL nor that value itself: minus infinity for
    numbers and times, else the least integer, the nil uuid, the empty text. Rows that arrive later
    with a cursor equal to the last one landed are not taken: a cursor must grow strictly, like an
    identity column. Texts are compared by their bytes, whatever the column's language.

    `columns` are the declared ones: a `numeric` becomes the declared type, where it can, and SQLite's
    values are told apart by it. Types that no column can be declared as (uuid, enum, inet, interval,
    arrays, bytea, ...) come as the text that the database writes for them. What else does not fit is
    for `conform` to refuse, row by row.

    Raises:
        SourceError: In one line with the database's words, never with the URI or its password.
    """
    with _explained(source, uri):
        yield from _driver(source, uri)(source, uri, since, columns)


def _driver(source: SqlSource, uri: str) -> Callable[..., Iterator[pa.RecordBatch]]:
    scheme, divider, _ = uri.partition("://")
    driver = DRIVERS.get(scheme.partition("+")[0]) if divider else None
    if driver is None:
        known = ", ".join(f"{name}://" for name in sorted(DRIVERS))
        raise SourceError(f"{source.connection}: expected a URI that begins with {known}")
    try:
        parts = urlsplit(uri, allow_fragments=False)
    except ValueError:  # Its words quote the URI.
        raise SourceError(f"{source.connection}: {UNPARSED}") from None
    if "@" in parts.path:
        raise SourceError(f"{source.connection}: write / in its password as %2F, and @ as %40")
    return driver


@contextmanager
def _explained(source: SqlSource, uri: str) -> Iterator[None]:
    """Turn what a driver raises into one line: which connection, the database's words, a cure."""
    import adbc_driver_manager as adbc

    try:
        yield
    except (adbc.Error, pa.ArrowException, OSError) as wrong:
        message = _words(str(wrong))
        if "Failed to connect" in str(wrong):
            said = _hidden(message, uri) if _reached(str(wrong)) else UNPARSED
            raise SourceError(f"{source.connection}: cannot connect: {said}") from None
        said = _hidden(message, uri) + _more(wrong)
        raise SourceError(f"{source.connection}: the query failed: {said}") from None


def _words(message: str) -> str:
    found = next(found for words in _WORDS if (found := words.search(message or "no reason")))
    return found[1].strip()


def _more(wrong: Exception) -> str:
    if "Type mismatch in column" in str(wrong):  # SQLite.
        return "; CAST it in source.query, or declare it as string"
    state = (getattr(wrong, "sqlstate", None) or "").strip("\0")
    return f" (SQLSTATE {state})" if state else ""


def _reached(message: str) -> bool:
    """Return whether the URI was understood; else the driver quotes pieces of it."""
    return "connection to server" in message or "could not translate host" in message


def _hidden(message: str, uri: str) -> str:
    """Return the message without any secret of the URI, as written there or decoded."""
    parts = urlsplit(uri, allow_fragments=False)
    given = [parts.password or ""]
    given += [value for name, value in parse_qsl(parts.query) if "password" in name]
    secrets = {uri, *given, *map(unquote, given)} - {""}
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, "***")
    return message
