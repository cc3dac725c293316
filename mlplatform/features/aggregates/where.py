"""The conditions of an aggregate on its events, as Python compares: exactly, also int64 with float."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.features.columns import column_of, kind_of
from mlplatform.features.declare.aggregate import COMPARISONS, Condition

LITERALS: Mapping[str, tuple[type, ...]] = {  # What a column of a type can be compared with.
    "string": (str,),
    "bool": (bool,),
    "int64": (int, float),
    "float64": (int, float),
}
_ARROW: Mapping[str, Callable[..., Any]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
    "<": pc.less,
    "<=": pc.less_equal,
}
_EXACT = 2**53  # Whole numbers up to it are float64.
_INT64 = 2**63


def comparable(kind: str, literal: object) -> bool:
    """Return whether a column of this type can be compared with `literal`."""
    wanted = LITERALS.get(kind, ())
    return isinstance(literal, wanted) and (kind == "bool") == isinstance(literal, bool)


def met(batch: pa.RecordBatch, conditions: Sequence[Condition]) -> np.ndarray:
    """Return bool[rows]: which rows meet all conditions. A missing value meets none."""
    result = np.ones(batch.num_rows, bool)
    for column, comparison, literal in conditions:
        result &= _met(column_of(batch, column), comparison, literal)
    return result


def _met(values: pa.Array, comparison: str, literal: Any) -> np.ndarray:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if _same_numbers(kind_of(values.type), literal):
        found = _ARROW[comparison](values, pa.scalar(literal).cast(values.type))
    else:  # Arrow would round one of the two: Python compares each distinct value.
        coded = values.dictionary_encode()
        compare = COMPARISONS[comparison]
        distinct = [compare(value, literal) for value in coded.dictionary.to_pylist()]
        found = pa.array(distinct, pa.bool_()).take(coded.indices)
    result: np.ndarray = found.fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - pyarrow's signature.
    return result


def _same_numbers(kind: str | None, literal: Any) -> bool:
    """Return whether the literal is a value of the column's type, without rounding."""
    if kind == "int64":
        return isinstance(literal, int) and -_INT64 <= literal < _INT64
    if kind == "float64":
        return isinstance(literal, float) or -_EXACT <= literal <= _EXACT
    return True
