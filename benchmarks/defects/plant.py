"""What a planted defect is, and the few ways in which all of them change a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

Rng = np.random.Generator
Rows = Callable[[pa.Table, Rng], pa.Table]
Bytes = Callable[[bytes, Rng], bytes]


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Which column plays which part in a data set; `None` where it has none."""

    name: str
    label: str
    positive: str
    negative: str
    number: str  # An integer the model reads.
    second: str  # Another, of other size.
    related: str  # A number correlated with the label or another column.
    category: str  # Text of a few values.
    other_category: str  # Text of other values.
    wide: str  # Text of tens of values.
    text: str  # Text with the most values.
    group: str  # Value of `category` that can go missing.
    real: str | None = None  # A float.
    time: str | None = None
    key: tuple[str, ...] = ()
    header: bool = True


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One kind of defect.

    Attributes:
        kind: Its name, the same in every data set.
        family: Heading it stands under.
        severity: Which share of what is hit, and how hard.
        expected: Gates that are there for this; `landing` refuses files.
        rows: The defect, as a function of typed rows, or
        data: as a function of the file's bytes.
        base: The rows it is planted in: `new` ones, `landed` ones of the reference, `half` of each,
            or ones of the `test` file.
        load: `append` lands a batch, `full` the whole source anew, `first` into an empty lake.
        suffix: Of the file's name.
    """

    kind: str
    family: str
    severity: str
    expected: tuple[str, ...]
    rows: Rows | None = None
    data: Bytes | None = None
    base: Literal["new", "landed", "half", "test"] = "new"
    load: Literal["append", "full", "first"] = "append"
    suffix: str = ".csv"


def hit(rows: int, rng: Rng, share: float) -> np.ndarray:
    """bool[rows]: exactly `share` of the rows, at least one."""
    chosen = np.zeros(rows, bool)
    chosen[rng.choice(rows, max(1, round(share * rows)), replace=False)] = True
    return chosen


def put(table: pa.Table, column: str, values: Any) -> pa.Table:
    """The table with other values in one column; numbers among texts become text."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    texts = isinstance(values, list) and any(isinstance(value, str) for value in values)
    if texts:
        values = pa.array([None if v is None else as_text(v) for v in values], pa.string())
    elif isinstance(values, list):
        values = pa.array(values)
    return table.set_column(table.column_names.index(column), column, values)


def each(column: str, change: Callable[[Any], Any], share: float = 1.0) -> Rows:
    """Change the values of a share of the rows one by one; missing ones stay."""

    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        chosen = hit(table.num_rows, rng, share)
        values = table[column].to_pylist()
        changed = [
            change(v) if c and v is not None else v for c, v in zip(chosen, values, strict=True)
        ]
        return put(table, column, changed)

    return plant


def drawn(column: str, value: Callable[[Rng], Any], share: float) -> Rows:
    """Put fresh values into a share of the rows, whatever stood there."""

    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        chosen = hit(table.num_rows, rng, share)
        values = table[column].to_pylist()
        return put(
            table, column, [value(rng) if c else v for c, v in zip(chosen, values, strict=True)]
        )

    return plant


def blank(column: str, share: float) -> Rows:
    """Take the values of a share of the rows away."""
    return drawn(column, lambda _: None, share)


def numbers(table: pa.Table, column: str) -> np.ndarray:
    """float64[rows], NaN where missing."""
    return np.asarray(table[column].to_pandas(), np.float64)


def like(table: pa.Table, column: str, values: np.ndarray) -> list[Any]:
    """Numbers as the column holds them: rounded where it holds integers, None for NaN."""
    whole = pa.types.is_integer(table.schema.field(column).type)
    return [None if np.isnan(v) else round(v) if whole else float(v) for v in values]


def computed(column: str, change: Callable[[np.ndarray, Rng], np.ndarray]) -> Rows:
    """Change a whole column of numbers at once; integers stay integers."""

    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        return put(table, column, like(table, column, change(numbers(table, column), rng)))

    return plant


def as_text(value: Any) -> str:
    """A value as our files write it; times in ISO 8601 with their zone."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    return str(value)
