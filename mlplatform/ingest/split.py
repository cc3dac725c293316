"""Which rows train, validate and test: a row's own content decides, so growth changes nothing.

Every value becomes 64 well-mixed bits (strings by BLAKE2b, numbers by their own bits), salted with
its column's name; a row's hash is the mixed sum of its values', so the order of columns does not
matter. Mixing is the finaliser of SplitMix64 (Steele, Lea & Flood 2014,
doi:10.1145/2660193.2660195), the same on every machine and library version.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.spec import Pipeline

TRAIN, VALIDATION, TEST = "train", "validation", "test"
NULL = np.uint64(0x9E3779B97F4A7C15)  # Stands for a missing value: the golden ratio's bits.


def assign(pipeline: Pipeline, dataset: pa.Table) -> pa.Table:
    """Return row_id and part ("train", "validation" or "test") for each row, in the same order.

    Rows of `split.test_files` are test. Of the others a share `split.test` is, by hash of all
    declared columns, and of those left a share `split.validation` validates; equal rows share a
    part.
    """
    split = pipeline.spec.split
    content = row_hashes(dataset, list(pipeline.spec.columns), split.seed)
    official = pc.is_in(dataset["source_file"], pa.array(split.test_files, pa.string()))
    held_out = np.asarray(official) | (_uniform(content) < split.test)
    validates = _uniform(_mixed(content ^ NULL)) < split.validation
    part = np.where(held_out, TEST, np.where(validates, VALIDATION, TRAIN))
    return pa.table({"row_id": dataset["row_id"], "part": pa.array(part, pa.string())})


def parts(dataset: pa.Table, split: pa.Table) -> pa.ChunkedArray:
    """Return the part of each row of `dataset`.

    Raises:
        SourceError: If `split` is not about these rows in this order.
    """
    if dataset["row_id"] != split["row_id"]:
        raise SourceError("the split is not about the rows of this dataset; materialise it again")
    return split["part"]


def rows_of(part: str, dataset: pa.Table, split: pa.Table) -> pa.Table:
    """Return the rows of `dataset` that `split` gives to `part`.

    Raises:
        SourceError: If `split` is not about these rows in this order.
    """
    return dataset.filter(pc.equal(parts(dataset, split), part))


def row_hashes(table: pa.Table, columns: list[str], seed: int) -> np.ndarray:
    """Return uint64[rows]: equal for equal rows, whatever the order of rows and columns."""
    total = np.full(table.num_rows, _bits_of(f"seed {seed}"), np.uint64)
    for name in columns:
        total += _mixed(_value_bits(table[name]) ^ _bits_of(name))
    return _mixed(total)


def _uniform(hashes: np.ndarray) -> np.ndarray:
    """float64[rows] in [0, 1): the upper 53 bits, all a double holds."""
    return (hashes >> np.uint64(11)) * 2.0**-53


def _value_bits(column: pa.ChunkedArray) -> np.ndarray:
    values = column.combine_chunks()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return _string_bits(values)
    whole = pa.types.is_integer(values.type)
    filled = np.asarray(values.fill_null(0 if whole else 0.0))
    # Adding zero turns -0.0, which equals 0.0, into it.
    numbers = filled.astype(np.int64) if whole else filled.astype(np.float64) + 0.0
    return np.where(np.asarray(values.is_valid()), numbers.view(np.uint64), NULL)


def _string_bits(values: pa.Array) -> np.ndarray:
    """Hash each distinct string once, then look the rows up; the last entry stands for null."""
    encoded = values.dictionary_encode()
    distinct = [_bits_of(text) for text in encoded.dictionary.to_pylist()]
    table = np.array([*distinct, NULL], np.uint64)
    bits: np.ndarray = table[np.asarray(encoded.indices.fill_null(len(distinct)))]
    return bits


def _bits_of(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big"))


def _mixed(bits: np.ndarray) -> np.ndarray:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))
