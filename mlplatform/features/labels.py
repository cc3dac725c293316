"""Label and weight of rows as numbers, each value checked: what training reads and evaluation judges by."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import FeatureError
from mlplatform.spec.label import Label

LABEL, WEIGHT = "label", "weight"  # Columns of the `features` table.
MOST_NAMED = 20  # Classes told in a message.
TYPES = {"binary": pa.int8(), "multiclass": pa.int32(), "regression": pa.float32()}


def fields(label: Label) -> list[pa.Field]:
    """Return the columns of the `features` table that `labels`, and `weights` where declared, fill."""
    weight = [pa.field(WEIGHT, pa.float32())] if label.weight else []
    return [pa.field(LABEL, TYPES[label.task]), *weight]


def reads(label: Label) -> list[str]:
    """Return the columns of a dataset that `label` names."""
    return [label.column, *([label.weight] if label.weight else [])]


def columns(label: Label, rows: pa.RecordBatch, first_row: int = 0) -> list[pa.Array]:
    """Return what `fields` describes, of rows counted from `first_row`; errors as those below."""
    weight = [weights(label, rows, first_row)] if label.weight else []
    return [labels(label, rows, first_row), *weight]


def labels(label: Label, rows: pa.RecordBatch, first_row: int = 0) -> pa.Array:
    """Return the label of each row.

    int8[rows]: 1 where it is the positive one; int32[rows]: its place in `classes`; f32[rows]: the
    number that it is.

    Raises:
        FeatureError: Naming the first row, counted from `first_row`, whose label is missing, none of
            the classes, or no finite number.
    """
    values = rows.column(label.column)
    if values.null_count:
        row = first_row + pc.index(values.is_null(), True).as_py()
        raise FeatureError(
            f"row {row}: the label {label.column!r} is missing; drop or label the row"
        )
    if label.task == "regression":
        return _numbers(values, f"the label {label.column!r}", first_row)
    if pa.types.is_dictionary(values.type):
        codes = _codes(label, values.dictionary).take(values.indices)
    else:
        codes = _codes(label, values)
    if codes.null_count:
        at = pc.index(codes.is_null(), True).as_py()
        raise _unknown(label, values[at].as_py(), first_row + at)
    return codes


def weights(label: Label, rows: pa.RecordBatch, first_row: int = 0) -> pa.Array:
    """Return f32[rows]: how much each row counts.

    Raises:
        FeatureError: Naming the first row whose weight is missing, negative, or no finite number.
    """
    assert label.weight is not None  # noqa: S101 - asked only where one is declared.
    values, what = rows.column(label.weight), f"the weight {label.weight!r}"
    if values.null_count:
        row = first_row + pc.index(values.is_null(), True).as_py()
        raise FeatureError(f"row {row}: {what} is missing; weigh or drop the row")
    found = _numbers(values, what, first_row)
    below = pc.index(pc.less(found, 0), True).as_py()
    if below >= 0:
        value = values[below].as_py()
        raise FeatureError(f"row {first_row + below}: {what} is {value:g}; 0 is the least")
    return found


def truth(
    label: Label, rows: pa.Table
) -> NDArray[np.int8] | NDArray[np.int32] | NDArray[np.float32]:
    """Return the label of each row of a table, as `labels` does."""
    return _whole(labels(label, _batch(rows.select([label.column]))))


def weight_of(label: Label, rows: pa.Table) -> NDArray[np.float32]:
    """Return the weight of each row of a table, as `weights` does; 1 where none is declared."""
    if label.weight is None:
        return np.ones(rows.num_rows, np.float32)
    return _whole(weights(label, _batch(rows.select([label.weight]))))


def _batch(rows: pa.Table) -> pa.RecordBatch:
    arrays = [
        column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        for column in rows.columns
    ]
    return pa.RecordBatch.from_arrays(arrays, names=rows.column_names)


def _whole(values: pa.Array) -> np.ndarray:
    found: np.ndarray = values.to_numpy(zero_copy_only=False)
    return found


def _codes(label: Label, values: pa.Array) -> pa.Array:
    texts = values.cast(pa.string())
    if label.task == "multiclass":
        return pc.index_in(texts, value_set=pa.array(label.classes, pa.string()))
    return pc.equal(texts, label.positive).cast(pa.int8())


def _numbers(values: pa.Array, what: str, first_row: int) -> pa.Array:
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        kind = f"{values.type}; declare its column as int64 or float64"
        raise FeatureError(f"row {first_row}: {what} is no number but {kind}")
    found = values.cast(pa.float32(), safe=False)
    at = pc.index(pc.is_finite(found), False).as_py()
    if at >= 0:
        value = values[at].as_py()
        raise FeatureError(
            f"row {first_row + at}: {what} is {value:g}, which no float32 holds as a finite number;"
            " correct or drop the row"
        )
    return found


def _unknown(label: Label, value: object, row: int) -> FeatureError:
    known = ", ".join(label.classes[:MOST_NAMED])
    more = len(label.classes) - MOST_NAMED
    return FeatureError(
        f"row {row}: the label {label.column!r} is {str(value)!r}, none of label.classes: {known}"
        + (f" and {more} more" if more > 0 else "")
    )
