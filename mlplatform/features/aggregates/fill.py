"""Aggregates for JSON rows: what a client did not send, as of each row's time."""

import reprlib
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Any, Protocol

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates.changes import nothing
from mlplatform.features.aggregates.entity import text_of
from mlplatform.features.aggregates.online import Asked, OnlineStore
from mlplatform.features.columns import WORDS
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.instants import FIRST, LAST, microseconds_of

_INT64 = 2**63


class Fitted(Protocol):
    """What is needed of an `Encoder`."""

    @property
    def aggregates(self) -> tuple[Aggregate, ...]: ...  # noqa: D102 - as in Encoder.
    @property
    def event_time(self) -> str: ...  # noqa: D102
    @property
    def asked(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def columns(self) -> Mapping[str, str]: ...  # noqa: D102


def fill_rows(
    rows: Sequence[Mapping[str, Any]], encoder: Fitted, store: OnlineStore, now: datetime
) -> list[dict[str, Any]]:
    """Return `rows` with the aggregates' values, as of each row's time, and without what only they needed.

    A row of exactly the columns `encoder.asked` becomes one of `encoder.columns`; what else is
    missing or too much is left to encoding. A row that leaves its event time out is about `now`; one
    where it is null has null aggregates, as in a table.

    Raises:
        FeatureError: Naming row (counted from 0) and column of an entity that is missing or of
            another type, of a time that cannot be read, or of an aggregate that the client sent.
        OnlineStoreError: If the store cannot answer.
    """
    if not encoder.aggregates:
        return [dict(row) for row in rows]
    asked: list[Asked | None] = []
    for index, row in enumerate(rows):
        try:
            asked += _asked(row, encoder, now)
        except FeatureError as wrong:
            raise FeatureError(f"row {index}: {wrong}") from None
    found = iter(store.lookups([one for one in asked if one is not None]))
    values = [None if one is None else next(found) for one in asked]
    dropped = encoder.asked.keys() - encoder.columns.keys()
    step = len(encoder.aggregates)
    return [
        _filled(row, encoder.aggregates, asked[k : k + step], values[k : k + step], dropped)
        for k, row in zip(range(0, len(asked), step), rows, strict=True)
    ]


def _filled(
    row: Mapping[str, Any],
    aggregates: Sequence[Aggregate],
    asked: Sequence[Asked | None],
    values: Sequence[float | None],
    dropped: Set[str],
) -> dict[str, Any]:
    result = {name: value for name, value in row.items() if name not in dropped}
    for one, was_asked, value in zip(aggregates, asked, values, strict=True):
        result[one.name] = nothing(one) if was_asked and value is None else value
    return result


def _asked(row: Any, encoder: Fitted, now: datetime) -> list[Asked | None]:
    """Return what to look up for a row: for each aggregate one, None where it lacks its entity."""
    if not isinstance(row, Mapping):
        raise FeatureError(f"an object of named columns is expected, got {type(row).__name__}")
    at = _instant(row.get(encoder.event_time, now), encoder.event_time)
    asked: list[Asked | None] = []
    for one in encoder.aggregates:
        if one.name in row:
            raise FeatureError(
                f"column {one.name!r} is an aggregate, which is looked up; leave it out"
            )
        parts = [_part(row, name, encoder.asked[name]) for name in one.row_columns]
        asked.append(None if at is None or None in parts else (one.key, text_of(parts), at))
    return asked


def _instant(value: Any, column: str) -> int | None:
    """Return the row's time in microseconds; of a text in ISO 8601, without a time zone in UTC."""
    if value is None:
        return None
    try:
        read = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        got = reprlib.repr(value)
        raise FeatureError(
            f"column {column!r}: a time like 2013-10-01T09:00:00Z is expected, got {got}"
        ) from None
    at = microseconds_of(read)
    if not FIRST <= at <= LAST:
        raise FeatureError(f"column {column!r} is a time outside years 1 to 9999")
    return at


def _part(row: Mapping[str, Any], name: str, kind: str) -> Any:
    """Return a part of the entity as its column's type has it: 40.0 is the whole number 40."""
    if name not in row:
        raise FeatureError(f"column {name!r} is missing; send null where there is no value")
    value = row[name]
    if kind == "int64" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is not None and not _fits(value, kind):
        got = f"the text {reprlib.repr(value)}" if isinstance(value, str) else reprlib.repr(value)
        raise FeatureError(f"column {name!r}: {WORDS[kind]} is expected, got {got}")
    return value


def _fits(value: object, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str) and _is_unicode(value)
    if kind == "bool" or isinstance(value, bool):
        return kind == "bool" and isinstance(value, bool)
    return isinstance(value, int) and -_INT64 <= value < _INT64


def _is_unicode(value: str) -> bool:
    """JSON may hold half of a surrogate pair, which is no character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
