"""What a person reads about an input: its columns as a table, and how it was read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlplatform.cli.data.input import Input
from mlplatform.cli.data.text import console, plain, say, whole
from mlplatform.measures import Malformed

if TYPE_CHECKING:
    from mlplatform.validate.scan import View
    from mlplatform.verdict import Verdict

TOP_SHOWN = 3  # Values a column.
CELL_CHARACTERS = 28
REASONS_SHOWN = 5
EXAMPLES_SHOWN = 3


def heading(given: Input, rows: int, malformed: Malformed) -> None:
    """Print what was read and how, and whatever was not."""
    say(f"{whole(given.name)}: {rows:,} rows, {len(given.columns)} columns; {given.how}")
    for new, old in given.names.items():
        say(f"  column {new} is {plain(repr(old))} there")
    for name, kind in given.left_out.items():
        say(f"  column {plain(repr(name))} is left out: {plain(kind)}")
    if malformed.rejected:
        say(f"  {malformed.rejected:,} records are malformed:")
    for reason, count in list(malformed.reasons.items())[:REASONS_SHOWN]:
        say(f"    {count:,} x {plain(reason, 100)}")
    for example in malformed.examples:
        where = f"line {example['source_line']}"
        say(f"    {where}: {plain(example['reason'], 80)}: {plain(example['text'], 80)}")


def table(view: "View") -> None:
    """Print one line a column."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    rows = records(view)
    for title in rows[0] if rows else ():
        grid.add_column(title, justify="left" if title in ("column", "type", "top") else "right")
    for row in rows:
        grid.add_row(*(Text(plain(cell, CELL_CHARACTERS * 3)) for cell in row.values()))
    console().print(grid)


def records(view: "View") -> list[dict[str, str]]:
    """Return the cells of each column's line; what a column has not is empty."""
    from mlplatform.validate.summary import summarised, vectors

    lines = []
    for column in summarised(view):
        mean = "" if vectors(column) else column.mean
        figures = (column.minimum, *(column.quartiles or ("",) * 3), column.maximum, mean)
        shown = [figure(column.type, value) for value in figures]
        names = ("min", "25 %", "median", "75 %", "max", "mean")
        top = ", ".join(
            f"{plain(t.value, CELL_CHARACTERS)} {t.rows / max(column.rows, 1):.0%}"
            for t in column.top[:TOP_SHOWN]
        )
        lines.append(
            {
                "column": plain(column.name, CELL_CHARACTERS),
                "type": column.type,
                "missing": f"{column.missing_share:.1%}" if column.missing else "",
                "distinct": f"{column.distinct:,}" if column.distinct is not None else "",
                **dict(zip(names, shown, strict=True)),
                "top": top or vectors(column),
            }
        )
    return lines


def as_json(given: Input, view: "View", malformed: Malformed) -> dict[str, Any]:
    """Return the profile for machines: everything that the table shows, exactly."""
    from dataclasses import asdict

    from mlplatform.validate.summary import summarised

    return {
        "input": given.name,
        "read_as": given.how,
        "rows": view.rows,
        "malformed": {"rows": malformed.rejected, "reasons": dict(malformed.reasons)},
        "renamed": dict(given.names),
        "left_out": dict(given.left_out),
        "columns": [asdict(column) for column in summarised(view)],
    }


def figure(kind: str, value: float | str | None) -> str:
    """Return a number or time (microseconds since 1970) as a person writes it."""
    from datetime import UTC, datetime, timedelta

    if value is None or isinstance(value, str):
        return ""
    if kind == "timestamp":
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
        return at.isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    if kind == "int64" and value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4g}"


def verdicts(found: Sequence["Verdict"]) -> None:
    """Print each gate's outcome and why, with example rows where it refuses."""
    width = max(len(verdict.gate) for verdict in found)
    style = {"pass": "green", "fail": "red", "inconclusive": "yellow"}
    terminal = console()
    for verdict in found:
        outcome = verdict.outcome.value
        shown = "warn" if not verdict.passed and not verdict.stops else outcome
        line = f"{shown.upper():12} {verdict.gate:{width}}  {whole(verdict.because)}"
        terminal.print(line, style=style[outcome], soft_wrap=True)
        examples = () if verdict.passed else verdict.evidence.get("examples", ())
        for row in list(examples)[:EXAMPLES_SHOWN]:
            cells = ", ".join(f"{plain(k)}={plain(repr(v), 40)}" for k, v in row.items())
            say(f"{'':12} {'':{width}}  e.g. {cells}")
