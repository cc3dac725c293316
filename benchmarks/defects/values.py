"""Defects of types, missing values and categories."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from defects.plant import Defect, Rng, Roles, Rows, blank, computed, drawn, each, put

BAD = ("malformed_rows",)
MISSING = ("missing_values",)
NEW = ("data_schema",)


def kinds(at: Roles) -> Iterator[Defect]:
    """Yield every defect of single values that the data set can have."""
    for family, found in (
        ("types", _types(at)),
        ("missing values", _missing(at)),
        ("categories", _categories(at)),
    ):
        for kind, severity, expected, rows in found:
            yield Defect(kind=kind, family=family, severity=severity, expected=expected, rows=rows)


Found = Iterator[tuple[str, str, tuple[str, ...], Rows]]


def _types(at: Roles) -> Found:
    n, c = at.number, at.category
    yield "numbers as words", f"{n}: 'forty' in 5 % of rows", BAD, drawn(n, lambda _: "forty", 0.05)
    yield "numbers with a unit", f"{n}: '39 units' everywhere", BAD, each(n, lambda v: f"{v} units")
    yield "integers as decimals", f"{n}: 39.0 everywhere", BAD, each(n, lambda v: f"{v}.0")
    yield (
        "thousands separators",
        f"{n}: '1,039' in 5 % of rows",
        BAD,
        drawn(n, lambda g: f"1,{g.integers(100, 999)}", 0.05),
    )
    yield (
        "spreadsheet errors",
        f"{n}: '#REF!' in 5 % of rows",
        BAD,
        drawn(n, lambda _: "#REF!", 0.05),
    )
    yield "categories as codes", f"{c}: 1, 2, 3 for the names", NEW, _coded(c)


def _missing(at: Roles) -> Found:
    n, w = at.number, at.wide
    yield "column empty", f"{n}: every value", MISSING, blank(n, 1.0)
    yield "values lost", f"{n}: 20 % of values", MISSING, blank(n, 0.2)
    yield "texts lost", f"{w}: 20 % of values", MISSING, blank(w, 0.2)
    yield "marker for missing", f"{w}: 'N/A' in 20 % of rows", NEW, drawn(w, lambda _: "N/A", 0.2)
    yield "marker in a number", f"{n}: 'N/A' in 20 % of rows", BAD, drawn(n, lambda _: "N/A", 0.2)
    yield (
        "-999 for missing",
        f"{n}: 5 % of rows",
        ("distribution", "value_ranges", "outliers"),
        drawn(n, lambda _: -999, 0.05),
    )
    yield "0 for missing", f"{n}: 20 % of rows", ("distribution",), drawn(n, lambda _: 0, 0.2)
    yield "filled with the mean", f"{n}: 30 % of rows", ("distribution",), _filled(n, 0.3)
    yield "'Unknown' for missing", f"{w}: 10 % of rows", NEW, drawn(w, lambda _: "Unknown", 0.1)
    if at.time:
        yield (
            "event time lost",
            f"{at.time}: 5 % of rows",
            (*MISSING, "freshness"),
            blank(at.time, 0.05),
        )
        key = at.key[-1]
        yield "key lost", f"{key}: 5 % of rows", (*MISSING, "duplicates"), blank(key, 0.05)


def _categories(at: Roles) -> Found:
    c, w, g = at.category, at.wide, at.group
    yield (
        "new category",
        f"{w}: 'Robotics' in 2 % of rows",
        NEW,
        drawn(w, lambda _: "Robotics", 0.02),
    )
    yield (
        "category renamed",
        f"{c}: {g} is now {g}-2",
        NEW,
        each(c, lambda v: f"{g}-2" if v == g else v),
    )
    yield "categories re-cased", f"{c}: lower case everywhere", NEW, each(c, str.lower)
    yield (
        "blanks behind categories",
        f"{c}: one in 30 % of rows",
        NEW,
        each(c, lambda v: f"{v} ", 0.3),
    )
    yield (
        "categories cut short",
        f"{w}: the first 2 characters",
        NEW,
        each(w, lambda v: v[:2] if len(v) > 3 else v[:1]),
    )
    yield "mojibake", f"{w}: 'Ã¤' for 'a' in 20 % of rows", NEW, each(w, _garbled, 0.2)
    yield (
        "replacement characters",
        f"{w}: U+FFFD in 5 % of rows",
        NEW,
        each(w, lambda v: "\N{REPLACEMENT CHARACTER}" + v[1:], 0.05),
    )
    yield (
        "HTML entities",
        f"{w}: '&amp;' inside, 5 % of rows",
        NEW,
        each(w, lambda v: v[:1] + "&amp;" + v[1:], 0.05),
    )
    yield (
        "one category everywhere",
        f"{c}: {g} in every row",
        ("distribution",),
        each(c, lambda _: g),
    )
    yield (
        "categories shuffled to uniform",
        f"{w}: drawn evenly from its values",
        ("distribution",),
        _even(w),
    )


def _garbled(value: str) -> str:
    return value[:1] + "\N{LATIN CAPITAL LETTER A WITH TILDE}\N{CURRENCY SIGN}" + value[1:]


def _coded(column: str) -> Rows:
    def plant(table: pa.Table, _: Rng) -> pa.Table:
        known = sorted(set(table[column].drop_null().to_pylist()))
        codes = {value: str(n) for n, value in enumerate(known, 1)}
        return put(
            table, column, pa.array([codes.get(v) for v in table[column].to_pylist()], pa.string())
        )

    return plant


def _even(column: str) -> Rows:
    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        known = sorted(set(table[column].drop_null().to_pylist()))
        return put(table, column, pa.array(rng.choice(known, table.num_rows), pa.string()))

    return plant


def _filled(column: str, share: float) -> Rows:
    def change(x: np.ndarray, rng: Rng) -> np.ndarray:
        return np.where(rng.random(len(x)) < share, np.nanmean(x), x)

    return computed(column, change)
