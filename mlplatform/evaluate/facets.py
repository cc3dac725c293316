"""Columns as a few parts each, by value or by range: what weak slices are searched among."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.evaluate.partitions import MISSING

RANGES = 10  # Of a number, of about equal row counts.
BY_VALUE = 20  # Distinct numbers that are taken one by one.
LOOKED_AT = 100_000  # Rows, evenly spread, that ranges are cut by.


@dataclass(frozen=True, eq=False)
class Facet:
    """One column cut in parts.

    Attributes:
        name: The column.
        code: int64[rows], the part each row is in; `len(parts)` where it is in none.
        parts: In words: `workclass=Private`, `age in [17, 24)`, `age=(missing)`.
    """

    name: str
    code: NDArray[np.int64]
    parts: tuple[str, ...]


def facets(rows: pa.Table, columns: Sequence[str], least: int) -> list[Facet]:
    """Return those of `columns` that can be cut: texts and truth values by value, numbers by range.

    Values of fewer than `least` rows are in no part. A column of other values, such as times or
    vectors, and one of a single part, is left out.
    """
    found = [_facet(name, rows[name], least) for name in columns if name in rows.column_names]
    return [facet for facet in found if facet is not None and len(facet.parts) > 1]


def _facet(name: str, column: pa.ChunkedArray, least: int) -> Facet | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = column.cast(kind)
        if _distinct(numbers) > BY_VALUE:
            return _by_range(name, numbers, least)
        return _by_value(name, numbers, least)
    words = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)
    return _by_value(name, column.cast(kind), least) if words else None


def _distinct(column: pa.ChunkedArray) -> int:
    """Return how many values there are, at least: a million numbers are not counted to tell many."""
    few = len(pc.unique(column.slice(0, LOOKED_AT)))
    return few if few > BY_VALUE else len(pc.unique(column))


def _by_value(name: str, column: pa.ChunkedArray, least: int) -> Facet:
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    said = [f"{name}={_said(value)}" for value in values]
    code = encoded.indices.fill_null(len(values)).to_numpy().astype(np.int64)
    return _large_enough(name, code, [*said, f"{name}={MISSING}"], least)


def _by_range(name: str, column: pa.ChunkedArray, least: int) -> Facet:
    value = column.cast(pa.float64(), safe=False).to_numpy()
    known = np.isfinite(value)
    seen = value[known][:: max(int(known.sum()) // LOOKED_AT, 1)]
    cuts = np.unique(np.quantile(seen, np.arange(1, RANGES) / RANGES, method="higher"))
    ends = [float(value[known].min()), *cuts.tolist(), float(value[known].max())]
    said = [f"{name} in [{_said(low)}, {_said(high)})" for low, high in pairwise(ends)]
    said[-1] = f"{said[-1][:-1]}]"
    code = np.where(known, np.searchsorted(cuts, value, side="right"), len(said))
    return _large_enough(name, code.astype(np.int64), [*said, f"{name}={MISSING}"], least)


def _large_enough(name: str, code: NDArray[np.int64], said: Sequence[str], least: int) -> Facet:
    kept = np.flatnonzero(np.bincount(code, minlength=len(said)) >= least)
    place = np.full(len(said), len(kept), np.int64)
    place[kept] = np.arange(len(kept))
    return Facet(name, place[code], tuple(said[int(at)] for at in kept))


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value == round(value) else f"{value:.6g}"
    return str(value)
