"""Lists of numbers become vectors of one width, as another model made them; others are refused whole.

A vector is its numbers as float32, to the nearest. A missing vector stays missing; one with a number
missing or not finite, or of another width, is no vector: nothing in it is filled or cut.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from mlplatform.ingest.chunk import VECTOR


def vectors(values: pa.Array, width: int) -> tuple[pa.Array, list[tuple[np.ndarray, str]]] | None:
    """Return lists of numbers as `VECTOR`, and which rows are refused for which reason.

    Refused rows are missing in the result. `None`: the type is no list of numbers.
    """
    if not _are_numbers(values.type):
        return None
    lists = values.cast(VECTOR, safe=False)
    numbers = lists.flatten()  # Leaves out what lies under a missing list.
    held = np.asarray(pc.list_value_length(lists).fill_null(0))
    missing = np.asarray(numbers.is_null())
    infinite = ~np.isfinite(np.asarray(numbers.fill_null(0.0)))
    refused = [
        ((held != width) & np.asarray(lists.is_valid()), f"not {width} numbers"),
        (_rows(missing, held), "a number in it is missing"),
        (_rows(infinite, held), "a number in it is not finite as float32"),
    ]
    bad = np.logical_or.reduce([mask for mask, _ in refused])
    if bad.any():
        lists = pc.if_else(pa.array(bad), pa.scalar(None, VECTOR), lists)
    return lists, refused


def _are_numbers(type_: pa.DataType) -> bool:
    if not (pt.is_list(type_) or pt.is_large_list(type_) or pt.is_fixed_size_list(type_)):
        return False
    tests = (pt.is_floating, pt.is_integer, pt.is_decimal, pt.is_null)  # Empty lists are of null.
    return any(test(type_.value_type) for test in tests)


def _rows(blamed: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return bool[rows]: whose numbers, `held` of them each, are blamed anywhere."""
    mask = np.zeros(len(held), bool)
    if blamed.any():
        mask[np.searchsorted(np.cumsum(held), np.flatnonzero(blamed), "right")] = True
    return mask
