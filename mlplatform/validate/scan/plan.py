"""What a scan is asked: which columns, what is checked of them, and whose bins are taken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlplatform.spec.section import ColumnType

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from mlplatform.validate.scan.result import Scan

Limits = tuple[float | None, float | None]  # Least and most; `None` is open.


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to count.

    Attributes:
        columns: Every column to look at, with its type; times are counted in microseconds.
        label: The column whose classes everything is counted by.
        positive: The label's text that is class 1.
        key: Columns that together identify a row; repeats of them are counted.
        like: A scan whose bins are taken, so that the two can be compared.
        limits: Least and most value allowed, by column of numbers.
        domains: Every value allowed, by column of strings or bools.
        atoms: Gives each row of a batch its group, an integer in [0, 63); `None` is one group, 0.
        correlations: Whether to count products of columns: quadratic in their number.
        duplicates: Whether to hash whole rows.
    """

    columns: Mapping[str, ColumnType]
    label: str | None = None
    positive: str | None = None
    key: tuple[str, ...] = ()
    like: "Scan | None" = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    domains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    atoms: "Callable[[pa.RecordBatch], NDArray[np.integer]] | None" = None
    correlations: bool = True
    duplicates: bool = True

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers and times, in order."""
        return tuple(name for name, type_ in self.columns.items() if is_number(type_))

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns of strings and bools, in order."""
        return tuple(name for name, type_ in self.columns.items() if not is_number(type_))


def is_number(type_: ColumnType) -> bool:
    """Whether a column of this type is counted in bins of numbers."""
    return type_ in ("int64", "float64", "timestamp")
