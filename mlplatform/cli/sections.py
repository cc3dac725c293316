"""Sections as a tree in a terminal. What they hold is `clean`, and no markup is read in it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from rich.tree import Tree

from mlplatform.cli.data.text import whole
from mlplatform.provenance.section import AMBER, RED, Section

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STYLES = {RED: "bold red", AMBER: "yellow"}
CELL = 160  # Characters of a cell; the page and --json have all.
ALIGN = 22  # Characters of a fact's name; a longer one pushes its value aside.


def show(title: str, parts: Sequence[Section], console: "Console") -> None:
    """Print every section as a branch below `title`."""
    tree = Tree(Text(whole(title), style="bold"), guide_style="dim")
    for part in parts:
        _branch(tree, part)
    console.print(tree)


def _branch(tree: Tree, part: Section) -> None:
    alarm = any(fact.tone == RED for fact in part.facts)
    branch = tree.add(Text(part.title, style="bold red" if alarm else "bold"))
    if part.note:
        branch.add(Text(part.note, style="dim"))
    for fact in part.facts:
        line = Text(f"{fact.what:<{ALIGN}} ", style=STYLES.get(fact.tone, "dim"))
        branch.add(line.append(fact.value, style=STYLES.get(fact.tone, "not dim")))
    if part.rows:
        branch.add(_table(part))
    if part.text:
        branch.add(_diff(part.text))


def _table(part: Section) -> "Table":
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in part.columns:
        grid.add_column(
            column.lstrip("#").strip(), justify="right" if column.startswith("#") else "left"
        )
    tones = part.tones or {}
    for at, row in enumerate(part.rows):
        style = STYLES.get(tones.get(at, ""), "")
        grid.add_row(*(Text(_cut(cell), style=style) for cell in row))
    return grid


def _cut(cell: str) -> str:
    return cell if len(cell) <= CELL else cell[: CELL - 1] + "…"


def _diff(text: str) -> Text:
    colours = {"+": "green", "-": "red", "@": "cyan"}
    shown = Text()
    for line in text.split("\n"):
        shown.append(line + "\n", style=colours.get(line[:1], ""))
    return shown
