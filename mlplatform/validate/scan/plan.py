"""What a scan is asked: which columns, what is checked of them, and whose bins are taken."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlplatform.spec.label import Label
from mlplatform.spec.section import ColumnType, vector_width

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
        unused: Columns that say nothing of what a row is about.
        like: A scan whose bins are taken, so that the two can be compared.
        limits: Least and most value allowed, by column of numbers.
        domains: Every value allowed, by column of strings or bools.
        atoms: Gives each row of a batch its group, an integer in [0, 63); `None` is one group, 0.
        correlations: Whether to count products of columns: quadratic in their number.
        duplicates: Whether to hash what rows hold, to count those that repeat.
    """

    columns: Mapping[str, ColumnType]
    label: str | None = None
    positive: str | None = None
    key: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    like: "Scan | None" = None
    limits: Mapping[str, Limits] = field(default_factory=dict)
    domains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    atoms: "Callable[[pa.RecordBatch], NDArray[np.integer]] | None" = None
    correlations: bool = True
    duplicates: bool = True

    @property
    def content(self) -> tuple[str, ...]:
        """The columns by which rows repeat: see `content_of`."""
        return content_of(self.columns, self.key, self.unused)

    @property
    def identity(self) -> tuple[str, ...]:
        """The key; without one whole rows, where they hold more than their content; else nothing."""
        return self.key or (tuple(self.columns) if len(self.content) < len(self.columns) else ())

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns of numbers and times, in order."""
        return tuple(name for name, type_ in self.columns.items() if is_number(type_))

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns of strings and bools, in order."""
        return tuple(name for name, type_ in self.columns.items() if type_ in ("string", "bool"))

    @property
    def vectors(self) -> tuple[str, ...]:
        """The columns of vectors, in order."""
        return tuple(name for name, type_ in self.columns.items() if vector_width(type_))


def counted_by(label: Label) -> tuple[str | None, str | None]:
    """Return the column by whose classes everything is counted, and the text that is class 1.

    Of several classes the first is told from the others. A number has none: it is counted as any
    other number is.
    """
    if not label.column or label.task == "regression":
        return None, None
    return label.column, label.classes[0] if label.task == "multiclass" else label.positive


def content_of(
    columns: Iterable[str], key: Iterable[str], unused: Iterable[str]
) -> tuple[str, ...]:
    """Return the columns that are neither key nor unused, of which a row landed again has equal ones.

    A key may be a number given at landing, and so may what is unused: rows that come again have a
    fresh one. Where nothing is left, all columns.
    """
    names, named = tuple(columns), {*key, *unused}
    return tuple(name for name in names if name not in named) or names


def is_number(type_: ColumnType) -> bool:
    """Whether a column of this type is counted in bins of numbers."""
    return type_ in ("int64", "float64", "timestamp")
