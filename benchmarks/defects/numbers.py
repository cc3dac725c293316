"""Defects of numbers: units, signs, spread, sensors."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from defects.plant import Defect, Rng, Roles, Rows, computed, drawn, hit, put

FAR = ("distribution", "value_ranges", "outliers")
MOVED = ("distribution",)


def kinds(at: Roles) -> Iterator[Defect]:
    """Yield every defect of numbers that the data set can have."""
    for kind, severity, expected, change in _changes():
        yield _of(kind, f"{at.number}: {severity}", expected, computed(at.number, change))
    yield _of(
        "sensor stuck", f"{at.number}: one value in the second half", MOVED, _stuck(at.number)
    )
    yield _of(
        "unit change in some rows", f"{at.number}: x100 in 5 % of rows", FAR, _mixed(at.number)
    )
    yield _of(
        "impossible values",
        f"{at.number}: 9999 in 1 % of rows",
        FAR,
        drawn(at.number, lambda _: 9999, 0.01),
    )
    yield _of(
        "negative values",
        f"{at.number}: -1 in 2 % of rows",
        FAR,
        drawn(at.number, lambda _: -1, 0.02),
    )
    if at.real:
        yield from _of_floats(at.real)


def _changes() -> Iterator[tuple[str, str, tuple[str, ...], object]]:
    yield "unit change x1000", "x1000", FAR, lambda x, _: x * 1000
    yield "unit change x0.001", "x0.001", FAR, lambda x, _: x * 0.001
    yield "minutes as hours", "÷60", FAR, lambda x, _: x / 60
    yield "miles as kilometres", "x1.609", MOVED, lambda x, _: x * 1.609
    yield "sign flip", "times -1", FAR, lambda x, _: -x
    yield "mean shifted", "+0.5 deviations", MOVED, lambda x, _: x + 0.5 * np.nanstd(x)
    yield (
        "spread doubled",
        "x2 about the mean",
        MOVED,
        lambda x, _: np.nanmean(x) + 2 * (x - np.nanmean(x)),
    )
    yield (
        "spread halved",
        "x0.5 about the mean",
        MOVED,
        lambda x, _: np.nanmean(x) + (x - np.nanmean(x)) / 2,
    )
    yield (
        "clipped",
        "at the 75th percentile",
        MOVED,
        lambda x, _: np.minimum(x, np.nanquantile(x, 0.75)),
    )
    yield (
        "constant column",
        "the median everywhere",
        MOVED,
        lambda x, _: np.full_like(x, np.nanmedian(x)),
    )
    yield "rounded", "to two values per deviation", MOVED, _rounded
    yield (
        "noise added",
        "normal, 0.5 deviations",
        MOVED,
        lambda x, g: x + g.normal(0, 0.5 * np.nanstd(x), len(x)),
    )
    yield (
        "spikes",
        "x50 in 2 % of rows",
        FAR,
        lambda x, g: np.where(hit(len(x), g, 0.02), 50 * x, x),
    )


def _rounded(x: np.ndarray, _: Rng) -> np.ndarray:
    step = np.nanstd(x) / 2
    return np.round(x / step) * step


def _stuck(column: str) -> Rows:
    def change(x: np.ndarray, _: Rng) -> np.ndarray:
        half = len(x) // 2
        return np.concatenate([x[:half], np.full(len(x) - half, x[half])])

    return computed(column, change)


def _mixed(column: str) -> Rows:
    return computed(column, lambda x, g: np.where(hit(len(x), g, 0.05), 100 * x, x))


def _of_floats(column: str) -> Iterator[Defect]:
    refused = ("malformed_rows", "value_ranges")
    yield _of(
        "overflowing numbers",
        f"{column}: 1e999 in 2 % of rows",
        refused,
        drawn(column, lambda _: "1e999", 0.02),
    )
    yield _of(
        "not a number",
        f"{column}: 'NaN' in 5 % of rows",
        ("malformed_rows", "missing_values"),
        drawn(column, lambda _: "NaN", 0.05),
    )
    yield _of(
        "decimal comma", f"{column}: 3,5 for 3.5 everywhere", ("malformed_rows",), _comma(column)
    )


def _comma(column: str) -> Rows:
    def plant(table: pa.Table, _: Rng) -> pa.Table:
        texts = [None if v is None else str(v).replace(".", ",") for v in table[column].to_pylist()]
        return put(table, column, texts)

    return plant


def _of(kind: str, severity: str, expected: tuple[str, ...], rows: Rows) -> Defect:
    return Defect(kind=kind, family="numbers", severity=severity, expected=expected, rows=rows)
