"""Who is in which slice: rows by each group column, and by each pair of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import FeatureError

MISSING = "(missing)"
AND = " & "


@dataclass(frozen=True, eq=False)
class Partition:
    """All rows by the values of one column, or of several together.

    Attributes:
        columns: The columns.
        code: int64[rows], which value each row has.
        values: What each code stands for: `Female`, or `Female & Black`.
        names: The same as names of slices: `sex=Female`, or `sex=Female & race=Black`.
    """

    columns: tuple[str, ...]
    code: NDArray[np.int64]
    values: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def group(self) -> str:
        """The columns as one name."""
        return AND.join(self.columns)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of each value."""
        return np.bincount(self.code, minlength=len(self.values))


def partitions(
    rows: pa.Table, groups: Sequence[str], *, intersections: bool = True
) -> list[Partition]:
    """Return the rows by each column of `groups`, then by each two of them together.

    Values come in their own order; rows without a value have the value `(missing)`. Of two columns
    only the values that occur together are there.

    Raises:
        FeatureError: If a column is not in the table.
    """
    unknown = [name for name in groups if name not in rows.column_names]
    if unknown:
        raise FeatureError(
            f"group column {unknown[0]!r} is not in the table; it has {rows.column_names}"
        )
    singles = [_single(name, rows[name]) for name in groups]
    return [*singles, *(_both(*pair) for pair in combinations(singles, 2) if intersections)]


def _single(name: str, column: pa.ChunkedArray) -> Partition:
    text = pc.fill_null(column.cast(pa.string()), MISSING).combine_chunks()
    encoded = text.dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), dtype=object)
    order = np.argsort(values)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    ordered = tuple(str(value) for value in values[order])
    code = rank[encoded.indices.to_numpy()]
    return Partition((name,), code, ordered, tuple(f"{name}={value}" for value in ordered))


def _both(first: Partition, second: Partition) -> Partition:
    width = len(second.values)
    found, code = np.unique(first.code * width + second.code, return_inverse=True)
    pairs = [divmod(int(at), width) for at in found]
    return Partition(
        (*first.columns, *second.columns),
        code.astype(np.int64),
        tuple(f"{first.values[a]}{AND}{second.values[b]}" for a, b in pairs),
        tuple(f"{first.names[a]}{AND}{second.names[b]}" for a, b in pairs),
    )
