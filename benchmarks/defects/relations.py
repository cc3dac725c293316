"""Defects between columns and between rows: swaps, broken joins, repeated and missing rows, times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from defects.plant import Defect, Rng, Roles, Rows, each, hit, put

TWO_YEARS = timedelta(days=728)  # Whole weeks, so that weekdays stay.
SCHEMA = ("data_schema",)


def kinds(at: Roles) -> Iterator[Defect]:
    """Yield every defect of rows and relations that the data set can have."""
    yield from _relations(at)
    yield from _rows(at)
    if at.time:
        yield from _times(at, at.time)


def _relations(at: Roles) -> Iterator[Defect]:
    n, s, c, o, r = at.number, at.second, at.category, at.other_category, at.related
    broken = ("correlations",)
    family = "columns"
    yield _of(
        family, "numbers swapped", f"{n} and {s}", ("distribution", "value_ranges"), _swapped(n, s)
    )
    yield _of(family, "categories swapped", f"{c} and {o}", SCHEMA, _swapped(c, o))
    yield _of(
        family,
        "columns in another order",
        "same header, values one column to the right",
        ("malformed_rows", "landing", "data_schema"),
        _rotated,
    )
    yield _of(family, "column shuffled", f"{r}: its values in another order", broken, _shuffled(r))
    yield _of(
        family,
        "joined one row off",
        "every column but the label from the row above",
        broken,
        _one_off(at),
    )
    yield _of(
        family,
        "half joined to the wrong row",
        f"{r}: shuffled among half of the rows",
        broken,
        _half_shuffled(r),
    )


def _rows(at: Roles) -> Iterator[Defect]:
    family, twice = "rows", ("duplicates",)
    c, g, n = at.category, at.group, at.number
    yield _of(family, "rows repeated", "20 % of rows stand twice", twice, _repeated(0.2))
    yield _of(family, "every row twice", "as an exploded join writes them", twice, _repeated(1.0))
    yield _of(
        family, "file landed again", "the same rows under another name", twice, _same, base="landed"
    )
    yield _of(
        family, "half the file old", "50 % of rows have landed before", twice, _same, base="half"
    )
    yield _of(
        family,
        "group dropped",
        f"{c}: no {g}",
        ("distribution",),
        lambda t, _: t.filter(pc.not_equal(t[c], g)),
    )
    yield _of(
        family,
        "biased sample",
        f"{n}: only rows up to the median",
        ("distribution",),
        _lower_half(n),
    )
    yield _of(
        family,
        "rows truncated",
        "whole source anew with the first 40 %",
        ("row_count",),
        lambda t, _: t.slice(0, int(0.4 * t.num_rows)),
        load="full",
    )
    yield _of(
        family,
        "almost empty",
        "whole source anew with 50 rows a file",
        ("row_count",),
        lambda t, _: t.slice(0, 50),
        load="full",
    )
    if at.name == "adult":
        yield _of(
            family,
            "test rows in training",
            "rows of the test file, landed as a batch",
            ("overlap", "duplicates"),
            _same,
            base="test",
        )
    if at.key:
        yield _of(
            family,
            "key repeated",
            "5 % of rows have the key of another, other values",
            twice,
            _same_key(at),
        )
        yield _of(
            family,
            "key repeated from the start",
            "the first version; 5 % of rows",
            twice,
            _same_key(at),
            load="first",
        )
    yield _of(
        family,
        "rows repeated from the start",
        "the first version; 20 % of rows stand twice",
        twice,
        _repeated(0.2),
        load="first",
    )


def _times(at: Roles, time: str) -> Iterator[Defect]:
    family, bad = "times", ("malformed_rows",)
    future = datetime(2099, 1, 1, tzinfo=UTC)
    yield _of(
        family,
        "stale batch",
        f"{time}: two years old",
        ("freshness", "distribution"),
        each(time, lambda v: v - TWO_YEARS),
    )
    yield _of(
        family,
        "future batch",
        f"{time}: in two years",
        ("freshness",),
        each(time, lambda v: v + TWO_YEARS),
    )
    yield _of(
        family,
        "some future times",
        f"{time}: 2099 in 1 % of rows",
        ("freshness", "value_ranges"),
        each(time, lambda _: future, 0.01),
    )
    yield _of(
        family,
        "times of 1970",
        f"{time}: zero in 5 % of rows",
        ("value_ranges", "distribution", "outliers"),
        each(time, lambda _: datetime.fromtimestamp(0, UTC), 0.05),
    )
    yield _of(
        family,
        "clock stands still",
        f"{time}: one instant everywhere",
        ("distribution", "duplicates"),
        _frozen(time),
    )
    yield _of(
        family,
        "local time as UTC",
        f"{time}: 5 hours early",
        ("distribution", "correlations", "label_leakage"),
        each(time, lambda v: v - timedelta(hours=5)),
    )
    yield _of(
        family,
        "another date format",
        f"{time}: 31/12/2014 17:00 everywhere",
        bad,
        each(time, lambda v: v.strftime("%d/%m/%Y %H:%M")),
    )
    yield _of(
        family,
        "seconds since 1970",
        f"{time}: everywhere",
        bad,
        each(time, lambda v: str(int(v.timestamp()))),
    )
    yield _of(
        family,
        "date without its time",
        f"{time}: everywhere",
        ("distribution", "duplicates"),
        each(time, lambda v: v.replace(hour=0)),
    )
    yield _of(
        family,
        "day and month swapped",
        f"{time}: wherever that is a date",
        ("freshness", "distribution", "duplicates"),
        each(time, lambda v: v.replace(day=v.month, month=v.day) if v.day <= 12 else v),
    )


def _swapped(a: str, b: str) -> Rows:
    return lambda t, _: put(put(t, a, t[b]), b, t[a])


def _rotated(table: pa.Table, _: Rng) -> pa.Table:
    columns = [table[name] for name in (table.column_names[-1], *table.column_names[:-1])]
    return pa.table(dict(zip(table.column_names, columns, strict=True)))


def _shuffled(column: str) -> Rows:
    return lambda t, g: put(t, column, t[column].take(pa.array(g.permutation(t.num_rows))))


def _half_shuffled(column: str) -> Rows:
    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        half = np.flatnonzero(hit(table.num_rows, rng, 0.5))
        order = np.arange(table.num_rows)
        order[half] = rng.permutation(half)
        return put(table, column, table[column].take(pa.array(order)))

    return plant


def _one_off(at: Roles) -> Rows:
    def plant(table: pa.Table, _: Rng) -> pa.Table:
        above = pa.array(np.roll(np.arange(table.num_rows), 1))
        keep = {at.label, *at.key}
        return pa.table(
            {n: table[n] if n in keep else table[n].take(above) for n in table.column_names}
        )

    return plant


def _repeated(share: float) -> Rows:
    return lambda t, g: pa.concat_tables([t, t.filter(pa.array(hit(t.num_rows, g, share)))])


def _same(table: pa.Table, _: Rng) -> pa.Table:
    return table


def _lower_half(column: str) -> Rows:
    return lambda t, _: t.filter(pc.less_equal(t[column], pc.quantile(t[column], 0.5)[0]))


def _same_key(at: Roles) -> Rows:
    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        rows = np.flatnonzero(hit(table.num_rows, rng, 0.05))
        source = np.arange(table.num_rows)
        source[rows] = rng.permutation(np.setdiff1d(source, rows))[: len(rows)]
        for name in at.key:
            table = put(table, name, table[name].take(pa.array(source)))
        return table

    return plant


def _frozen(time: str) -> Rows:
    return lambda t, _: put(
        t, time, pa.array([t[time][0].as_py()] * t.num_rows, t.schema.field(time).type)
    )


def _of(
    family: str, kind: str, severity: str, expected: tuple[str, ...], rows: Rows, **how: str
) -> Defect:
    return Defect(kind=kind, family=family, severity=severity, expected=expected, rows=rows, **how)  # type: ignore[arg-type]  # Literals.
