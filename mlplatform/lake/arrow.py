"""Arrow data on its way into the lake: types that Delta can hold, slices of a fixed size."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.types as pt

from mlplatform.errors import LakeError

SLICE_ROWS = 65_536  # Fixed for ever: the digest is taken slice by slice.

_SAME = (
    pt.is_boolean,
    pt.is_int8,
    pt.is_int16,
    pt.is_int32,
    pt.is_int64,
    pt.is_float32,
    pt.is_float64,
    pt.is_string,
    pt.is_binary,
    pt.is_date32,
    pt.is_decimal128,
)


def storable(schema: pa.Schema) -> pa.Schema:
    """Return the schema as Delta holds it.

    Dictionaries are decoded, large types plain, times in UTC and microseconds; every column may be
    null.

    Raises:
        LakeError: If a column's type has no counterpart in Delta, or a name stands twice.
    """
    if not len(schema):
        raise LakeError("a table needs at least one column; got none")
    folded = [name.lower() for name in schema.names]  # Delta tells no case.
    twice = sorted({name for name in schema.names if folded.count(name.lower()) > 1})
    if twice:
        raise LakeError(f"column names stand twice: {', '.join(twice)}; rename them first")
    return pa.schema([pa.field(f.name, _storable(f.type, f.name)) for f in schema])


def _storable(type_: pa.DataType, column: str) -> pa.DataType:
    if any(is_same(type_) for is_same in _SAME):
        return type_
    if pt.is_dictionary(type_):
        return _storable(type_.value_type, column)
    if pt.is_large_string(type_) or pt.is_string_view(type_):
        return pa.string()
    if pt.is_large_binary(type_) or pt.is_binary_view(type_):
        return pa.binary()
    if pt.is_timestamp(type_) and type_.tz:  # Without a zone, Delta needs a table feature.
        return pa.timestamp("us", tz="UTC")
    if pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_):
        return pa.list_(_storable(type_.value_type, column))
    if pt.is_struct(type_):
        return pa.struct([pa.field(f.name, _storable(f.type, column)) for f in type_])
    cure = "give it a time zone" if pt.is_timestamp(type_) else "cast it"
    raise LakeError(f"column {column!r} has type {type_}, which the lake cannot hold; {cure} first")


def slices(
    data: pa.Table | pa.RecordBatchReader, schema: pa.Schema, rows: int = SLICE_ROWS
) -> Iterator[pa.RecordBatch]:
    """Yield the rows as batches of `schema`, each of exactly `rows` rows but the last."""
    batches = data.to_batches() if isinstance(data, pa.Table) else data
    yield from resliced((_cast(batch, schema) for batch in batches), rows)


def resliced(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of exactly `rows` rows but the last."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        rest = batch
        while count + rest.num_rows >= rows:
            need = rows - count
            yield _joined([*held, rest.slice(0, need)])
            held, count, rest = [], 0, rest.slice(need)
        if rest.num_rows:
            held.append(rest)
            count += rest.num_rows
    if held:
        yield _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = []
    for field, column in zip(schema, batch.columns, strict=True):
        try:
            columns.append(column if column.type == field.type else column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise LakeError(
                f"column {field.name!r} cannot be stored as {field.type}: {error}"
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)
