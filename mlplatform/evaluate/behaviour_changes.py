"""Rows changed in bulk: a column set to one value, moved, made noisy or made missing."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.evaluate.behaviour_trial import SEED, UntriedError


@dataclass(frozen=True)
class Changed:
    """Rows with some columns changed, and bool[rows]: in which of them that changed anything."""

    rows: pa.Table
    where: NDArray[np.bool_]
    columns: tuple[str, ...]


def column_of(rows: pa.Table, name: str) -> pa.Array:
    """Return one column as one array.

    Raises:
        UntriedError: If the rows have no such column.
    """
    if name not in rows.column_names:
        raise UntriedError(f"the test rows have no column {name!r}")
    column = rows[name].combine_chunks()
    return pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column


def replaced(rows: pa.Table, columns: Mapping[str, pa.Array]) -> Changed:
    """Return the rows with these columns instead of theirs."""
    where = np.zeros(rows.num_rows, np.bool_)
    for name, new in columns.items():
        where |= _differs(column_of(rows, name), new)
        rows = rows.set_column(rows.column_names.index(name), name, new)
    return Changed(rows, where, tuple(columns))


def with_values(rows: pa.Table, values: Mapping[str, Any]) -> Changed:
    """Return the rows with one value in all rows of each of some columns; None is missing.

    Raises:
        UntriedError: If a column is unknown, or cannot hold its value.
    """
    columns = {
        name: constant(value, column_of(rows, name).type, rows.num_rows, name)
        for name, value in values.items()
    }
    return replaced(rows, columns)


def added(rows: pa.Table, name: str, amount: float) -> Changed:
    """Return the rows with an amount added to a column of numbers; missing values stay missing.

    Raises:
        UntriedError: If the column is unknown or holds no numbers.
    """
    column = _numbers(rows, name)
    return replaced(rows, {name: _like(_floats(column) + amount, column)})


def noisy(rows: pa.Table, deviations: Mapping[str, float]) -> Changed:
    """Return the rows with normal noise of these deviations, in the columns' units, added.

    Integers are rounded. A column's noise depends on its name and on no other column.

    Raises:
        UntriedError: If a column is unknown or holds no numbers.
    """
    columns = {}
    for name, deviation in deviations.items():
        column = _numbers(rows, name)
        chance = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        noise = chance.normal(0.0, deviation, rows.num_rows)
        columns[name] = _like(_floats(column) + noise, column)
    return replaced(rows, columns)


def deviation(rows: pa.Table, name: str) -> float:
    """Return the standard deviation of a column of numbers; 0 where it has fewer than two.

    Raises:
        UntriedError: If the column is unknown or holds no numbers.
    """
    values = _floats(_numbers(rows, name))
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) > 1 else 0.0


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds numbers; truth values are none."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def constant(value: Any, kind: pa.DataType, rows: int, name: str) -> pa.Array:
    """Return `rows` times one value, as a column of this type and name holds it.

    Raises:
        UntriedError: If it cannot.
    """
    if pa.types.is_dictionary(kind):
        return constant(value, kind.value_type, rows, name).dictionary_encode()
    if value is None:
        return pa.nulls(rows, kind)
    if pa.types.is_timestamp(kind) and isinstance(value, str):
        value = datetime.fromisoformat(value)
    try:
        return pa.repeat(pa.scalar(value, kind), rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        raise UntriedError(f"the column {name!r} is {kind} and cannot hold {value!r}") from None


def _numbers(rows: pa.Table, name: str) -> pa.Array:
    column = column_of(rows, name)
    if not is_number(column.type):
        raise UntriedError(f"the column {name!r} is {column.type} and holds no numbers")
    return column


def _floats(column: pa.Array) -> NDArray[np.float64]:
    """Return the column's numbers, NaN where they are missing."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _like(values: NDArray[np.float64], column: pa.Array) -> pa.Array:
    """Return numbers as the column's type, missing where its own are."""
    whole = pa.types.is_integer(column.type)
    numbers = pa.array(np.rint(values) if whole else values, from_pandas=True)
    kept = pc.if_else(column.is_valid(), numbers, pa.scalar(None, pa.float64()))
    try:
        return kept.cast(column.type)
    except pa.ArrowInvalid as wrong:
        raise UntriedError(f"a changed value does not fit {column.type}: {wrong}") from None


def _differs(old: pa.Array, new: pa.Array) -> NDArray[np.bool_]:
    if pa.types.is_list(old.type) or pa.types.is_fixed_size_list(old.type):
        pairs = zip(old.to_pylist(), new.to_pylist(), strict=True)
        return np.array([a != b for a, b in pairs], np.bool_)
    if pa.types.is_dictionary(old.type):
        return _differs(old.cast(old.type.value_type), new.cast(old.type.value_type))
    either = pc.not_equal(old, new)  # Null where one of them is.
    missing = pc.xor(old.is_null(), new.is_null())
    return np.asarray(pc.fill_null(either, missing).to_numpy(zero_copy_only=False))
