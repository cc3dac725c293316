"""A query as the spec has it, and as a database takes it. Values never become part of its text."""

import re
from collections import Counter
from collections.abc import Sequence

from mlplatform.errors import SourceError
from mlplatform.spec.source import SINCE

# Quoted text, quoted names and comments keep theirs; `::since` would be a cast.
_SINCE = re.compile(
    r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/)|(?<!:):since\b", re.DOTALL
)


def with_since(query: str, parameter: str) -> str:
    """Return `query` with `parameter` for each `:since`, without a semicolon at its end.

    Raises:
        SourceError: If every `:since` stands in quotes or a comment.
    """
    places = sum(match[1] is None for match in _SINCE.finditer(query))
    if SINCE in query and not places:
        raise SourceError(f"source.query: {SINCE} stands in quotes or a comment; compare with it")
    return _SINCE.sub(lambda match: match[1] or parameter, query.strip().rstrip("; \n\t"))


def asks_since(query: str) -> bool:
    """Return whether a value is to be bound."""
    return any(match[1] is None for match in _SINCE.finditer(query))


def selected(terms: Sequence[str], query: str) -> str:
    """Return a query for `terms` of the rows of `query`; its last line may be a comment."""
    return f"SELECT {', '.join(terms)} FROM (\n{query}\n) AS source"  # noqa: S608  The user's own query, read only.


def quoted(name: str) -> str:
    """Return a column's name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def named_once(names: Sequence[str]) -> None:
    """Refuse a result in which two columns have one name.

    Raises:
        SourceError: Naming the column.
    """
    name, times = Counter(names).most_common(1)[0] if names else ("", 0)
    if times > 1:
        raise SourceError(f"source.query: {times} columns are named {name!r}; rename with AS")
