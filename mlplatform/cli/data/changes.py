"""What changed from one body of rows to another, in words: columns, types, rows, distributions."""

from collections.abc import Iterator, Sequence

from mlplatform.cli.data.input import Columns, Input
from mlplatform.cli.data.text import plain
from mlplatform.measures import Anomaly
from mlplatform.spec.section import ColumnType, vector_width
from mlplatform.validate.scan import ColumnView, View

VALUES_SHOWN = 5  # New or vanished values of a column.
SAME_SHARE = 0.001  # Changes of missing values below a tenth of a percent are not told.
SAME_FIGURE = 1e-9  # Relative; below are sums in another order.


def schema_changes(before: Columns, after: Columns) -> list[Anomaly]:
    """Return columns that are gone, new, or of another type."""
    gone = [
        _anomaly(n, "SCHEMA_MISSING_COLUMN", "the column is gone") for n in before if n not in after
    ]
    new = [_anomaly(n, "SCHEMA_NEW_COLUMN", "the column is new") for n in after if n not in before]
    other = [
        _anomaly(n, "UNEXPECTED_DATA_TYPE", f"{before[n]} became {after[n]}")
        for n in before
        if n in after and before[n] != after[n]
    ]
    return [*gone, *new, *other]


def readable_as(given: Input, before: Columns) -> Columns:
    """Return the types that `given` is read in when rows of `before` are what it is compared with.

    Text has whatever types are asked for, and values that have not are rejected; others keep their
    own, but whole numbers are numbers.
    """
    widened = {("int64", "float64")}
    return {
        name: before[name]
        if name in before and (_takes(given, kind, before[name]) or (kind, before[name]) in widened)
        else kind
        for name, kind in given.columns.items()
    }


def _takes(given: Input, kind: ColumnType, other: ColumnType) -> bool:
    """Whether the source's values may be read as `other`: any text, but no vector."""
    return given.is_text and not (vector_width(kind) or vector_width(other))


def changes(before: View, after: View) -> list[str]:
    """Return one line a change, of the columns that both have in the same type."""
    lines = []
    if before.rows != after.rows:
        share = f" ({after.rows / before.rows - 1:+.1%})" if before.rows else ""
        lines.append(f"rows: {before.rows:,} became {after.rows:,}{share}")
    for name, was in before.columns.items():
        now = after.columns.get(name)
        if now is not None and now.type == was.type:
            lines += [f"{plain(name)}: {said}" for said in _column(was, now)]
    return lines


def _anomaly(column: str, reason: str, detail: str) -> Anomaly:
    return Anomaly(column=column, reason=reason, detail=detail)


def _column(was: ColumnView, now: ColumnView) -> Iterator[str]:
    missing = [column.missing / max(column.rows, 1) for column in (was, now)]
    if abs(missing[1] - missing[0]) >= SAME_SHARE:
        yield f"missing values {missing[0]:.1%} became {missing[1]:.1%}"
    if now.type not in ("string", "bool"):
        yield from _numbers(was, now)
    else:
        yield from _categories(was, now)


def _numbers(was: ColumnView, now: ColumnView) -> Iterator[str]:
    from mlplatform.cli.data.show import figure

    for name in ("minimum", "mean", "maximum", "deviation"):
        old, new = getattr(was, name), getattr(now, name)
        if old is None or new is None:
            if old is not new:
                yield f"{name} {_or_none(old)} became {_or_none(new)}"
        elif abs(new - old) > SAME_FIGURE * max(abs(old), abs(new)):
            kind = "float64" if name in ("mean", "deviation") and was.type == "int64" else was.type
            kind = "float64" if name == "deviation" else kind
            word = "mean length" if vector_width(was.type) else name
            yield f"{word} {figure(kind, old)} became {figure(kind, new)}"


def _categories(was: ColumnView, now: ColumnView) -> Iterator[str]:
    if not (was.lost or now.lost):
        for word, values in (
            ("new values", [v for v in now.counts if v not in was.counts]),
            ("vanished values", [v for v in was.counts if v not in now.counts]),
        ):
            if values:
                yield f"{len(values)} {word}: {_listed(values)}"
    shares = {
        value: (rows / max(was.present, 1), now.counts.get(value, 0) / max(now.present, 1))
        for value, rows in was.counts.items()
    }
    moved = max(shares, key=lambda v: abs(shares[v][1] - shares[v][0]), default=None)
    if moved is not None and abs(shares[moved][1] - shares[moved][0]) >= SAME_SHARE:
        old, new = shares[moved]
        yield f"{plain(repr(moved))} {old:.1%} of values became {new:.1%}"


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - VALUES_SHOWN} more" if len(values) > VALUES_SHOWN else ""
    return ", ".join(plain(repr(value), 30) for value in values[:VALUES_SHOWN]) + more


def _or_none(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
