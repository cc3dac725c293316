"""64-bit hashes of rows: equal for equal content, on every machine, in every version, for ever.

Every value becomes 64 bits (numbers by their own bits, times by their microseconds, text eight bytes
at a time), salted with its column's name; a row's hash is the mixed sum of its values', so neither
the order of columns nor how rows are batched matters. Mixing is the finaliser of SplitMix64 (Steele,
Lea & Flood 2014, doi:10.1145/2660193.2660195). It scatters well and resists no adversary.

Whole columns at a time, without a table of known values: text of 16 bytes costs about as much as a
look-up would, however many distinct values there are, and memory stays flat.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from mlplatform.errors import SourceError

NULL = np.uint64(0x9E3779B97F4A7C15)  # Stands for a missing value: the golden ratio's bits.
SLICE_ROWS = 32_768  # Hashed at a time: the arrays in between fit a core's cache.
WORD = 8  # Bytes of text taken at a time.
NO_NUMBER = np.uint32(0x7FC00001)  # Stands for a number missing in a vector: a NaN's bits.
LONG = 256  # Bytes; longer text goes through BLAKE2b, value by value, which is faster from there.
# What of a word belongs to a text that has 0, 1, … 8 bytes left.
_KEPT = np.array([(1 << (8 * left)) - 1 for left in range(WORD + 1)], np.uint64)


def row_hashes(
    rows: pa.RecordBatch | pa.Table, columns: Sequence[str], seed: int = 0
) -> np.ndarray:
    """Return uint64[rows]: equal for rows that are equal in `columns`, whatever their order.

    -0.0 equals 0.0, every NaN every other, a missing value only a missing value of its column; in
    vectors, too.

    Raises:
        SourceError: If there is no such column, or it holds neither numbers, text, bools, times nor
            vectors.
    """
    start = bits_of(f"seed {seed}")
    hashes = np.empty(rows.num_rows, np.uint64)
    at = 0
    batches = rows.to_batches() if isinstance(rows, pa.Table) else [rows]
    for batch in batches:
        for first in range(0, batch.num_rows, SLICE_ROWS):
            part = batch.slice(first, SLICE_ROWS)
            hashes[at : at + part.num_rows] = _hashes(part, columns, start)
            at += part.num_rows
    return hashes


def hashes_by(
    rows: pa.RecordBatch, identities: Sequence[Sequence[str]], seed: int = 0
) -> np.ndarray:
    """Return uint64[rows]: `row_hashes` by the first of these lists of columns that a row has whole.

    The last one needs nothing: it takes every row left. Errors as in `row_hashes`.
    """
    columns, *others = identities
    hashes = row_hashes(rows, columns, seed)
    lacking = lacks(rows, columns) if others else np.zeros(0, bool)
    if lacking.any():
        hashes[lacking] = hashes_by(rows.filter(pa.array(lacking)), others, seed)
    return hashes


def lacks(rows: pa.RecordBatch, columns: Sequence[str]) -> np.ndarray:
    """Return bool[rows]: whether any of the columns is missing there."""
    lacking = np.zeros(rows.num_rows, bool)
    for name in columns:
        if rows.column(name).null_count:
            lacking |= np.asarray(rows.column(name).is_null())
    return lacking


def uniform(hashes: np.ndarray) -> np.ndarray:
    """float64[rows] in [0, 1): the upper 53 bits, all a double holds."""
    return (hashes >> np.uint64(11)) * 2.0**-53


def again(hashes: np.ndarray) -> np.ndarray:
    """Return uint64[rows]: another hash of the same rows, as if drawn anew."""
    return _mix(hashes ^ NULL)


def bits_of(text: str | bytes) -> np.uint64:
    """Return the first eight bytes of a text's BLAKE2b."""
    content = text.encode() if isinstance(text, str) else text
    return np.uint64(int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big"))


def _hashes(batch: pa.RecordBatch, columns: Sequence[str], start: np.uint64) -> np.ndarray:
    total = np.full(batch.num_rows, start, np.uint64)
    for name in columns:
        found = batch.schema.get_all_field_indices(name)
        if len(found) != 1:
            there = "no" if not found else f"{len(found)} times the"
            raise SourceError(f"rows have {there} column {name!r}; land the source again")
        total += _mix(_value_bits(batch.column(found[0]), name) ^ bits_of(name))
    return _mix(total)


def _mix(bits: np.ndarray) -> np.ndarray:
    """Return the finaliser of SplitMix64 of `bits`, which it may write over."""
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def _value_bits(values: pa.Array, name: str) -> np.ndarray:
    if pt.is_dictionary(values.type):
        distinct = _value_bits(values.dictionary, name)
        codes = np.asarray(values.indices.fill_null(0)).astype(np.int64)
        bits = distinct[codes] if len(distinct) else np.zeros(len(codes), np.uint64)
    elif pt.is_string(values.type) or pt.is_large_string(values.type):
        bits = _text_bits(values)
    elif pt.is_list(values.type) and pt.is_float32(values.type.value_type):
        bits = _text_bits(_vector_bytes(values))
    else:
        bits = _number_bits(values, name)
    if values.null_count:
        bits = np.where(np.asarray(values.is_valid()), bits, NULL)
    return bits


def _number_bits(values: pa.Array, name: str) -> np.ndarray:
    if pt.is_boolean(values.type):
        values = values.cast(pa.int8())
    elif pt.is_timestamp(values.type):
        values = values.cast(pa.timestamp("us", tz=values.type.tz)).view(pa.int64())
    if pt.is_integer(values.type):
        whole = values.fill_null(0) if values.null_count else values
        return np.asarray(whole).astype(np.int64).view(np.uint64)
    if not pt.is_floating(values.type):
        raise SourceError(f"column {name!r} holds {values.type}; such rows cannot be told apart")
    filled = values.fill_null(0.0) if values.null_count else values
    numbers = np.asarray(filled).astype(np.float64)
    numbers[np.isnan(numbers)] = np.nan  # There are many; they are one value here.
    numbers += 0.0  # Turns -0.0, which equals 0.0, into it.
    return numbers.view(np.uint64)


def _vector_bytes(values: pa.Array) -> pa.Array:
    """Return the bytes of each vector's numbers; none where it is missing."""
    flat = values.flatten()  # Leaves out what lies under a missing vector.
    numbers = np.asarray(flat.fill_null(0.0)) + np.float32(0.0)  # A copy, without -0.0.
    numbers[np.isnan(numbers)] = np.nan
    bits = numbers.view(np.uint32)
    bits[np.asarray(flat.is_null())] = NO_NUMBER
    ends = np.cumsum(np.asarray(pc.list_value_length(values).fill_null(0)), dtype=np.int64)
    places = numbers.itemsize * np.concatenate([[0], ends])
    buffers = [None, pa.py_buffer(places), pa.py_buffer(bits)]
    return pa.Array.from_buffers(pa.large_binary(), len(values), buffers)


def _text_bits(values: pa.Array) -> np.ndarray:
    """Return uint64[rows] of UTF-8 text or bytes: its length, then its bytes, eight little-endian at a time."""
    if not len(values):
        return np.empty(0, np.uint64)
    starts, lengths, text = _layout(values)
    bits = lengths.astype(np.uint64) * NULL
    long = np.flatnonzero(lengths > LONG)
    for row in long:
        bits[row] = bits_of(text[starts[row] : starts[row] + lengths[row]].tobytes())
    lengths[long] = 0
    # Every word that begins at some byte, so that one look-up reads a word of each row.
    words = np.ndarray((len(text) - WORD + 1,), "<u8", text, strides=(1,))
    for at in range(0, int(lengths.max()), WORD):
        left = lengths - at
        if left.min() > 0:
            bits = _mix((words[starts + at] & _KEPT[np.minimum(left, WORD)]) ^ bits)
        else:
            rows = np.flatnonzero(left > 0)
            kept = _KEPT[np.minimum(left[rows], WORD)]
            bits[rows] = _mix((words[starts[rows] + at] & kept) ^ bits[rows])
    return bits


def _layout(values: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return int64[rows] starts and lengths of the texts in uint8[bytes + 8], and those bytes."""
    width = np.int32 if pt.is_string(values.type) else np.int64
    _, places, data = values.buffers()
    size = np.dtype(width).itemsize
    offsets = np.frombuffer(places, width, len(values) + 1, values.offset * size).astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    text = np.zeros(last - first + WORD, np.uint8)
    if last > first:
        text[: last - first] = np.frombuffer(data, np.uint8, last - first, first)
    return offsets[:-1] - first, np.diff(offsets), text
