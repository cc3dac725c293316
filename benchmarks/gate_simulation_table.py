"""The simulation's cells as the tables of `docs/gate-statistics.md`."""

from pathlib import Path
from typing import Any

DOC = Path(__file__).resolve().parents[1] / "docs" / "gate-statistics.md"
END = "<!-- end of table -->"
Cell = dict[str, Any]


def write_table(cells: list[Cell]) -> None:
    """Put the simulation's tables into the document."""
    _put("<!-- table: benchmarks/gate_simulation.py -->", tables(cells))


def write_methods(cells: list[Cell]) -> None:
    """Put the comparison of methods into the document."""
    names = ("ours", "without allowances", "percentile bootstrap")
    head = "| models | metric | rows | " + " | ".join(names) + " |"
    rows = [
        f"| {cell['models']} | {cell['metric']} | {cell['rows']:,} | "
        + " | ".join(f"{100 * cell[name]:.1f}" for name in names)
        + " |"
        for cell in cells
    ]
    table = "\n".join([head, "|---" * 6 + "|", *rows])
    _put("<!-- table: benchmarks/gate_simulation_methods.py -->", f"\n{table}\n")


def _put(mark: str, text: str) -> None:
    """Replace what the document has between a mark and the next end."""
    before, _, rest = DOC.read_text(encoding="utf-8").partition(mark)
    _, _, after = rest.partition(END)
    DOC.write_text(f"{before}{mark}\n{text}\n{END}{after}", encoding="utf-8")


def tables(cells: list[Cell]) -> str:
    """Return one table for each pair of models and metric, in percent."""
    names = dict.fromkeys((cell["models"], cell["metric"]) for cell in cells)
    parts = []
    for models, metric in sorted(names, key=lambda name: (name[0] != "trained again", name[1])):
        chosen = [cell for cell in cells if (cell["models"], cell["metric"]) == (models, metric)]
        parts.append(f"\n**{metric}, {models}**\n\n{_table(chosen)}")
    return "\n".join(parts)


def _table(cells: list[Cell]) -> str:
    head = (
        "| rows | at the margin: passes | point rule, 0.005 | point rule, margin | twice: passes | half: passes | "
        "half: point, margin | equal: passes | power stated | equal: fails | equal: inconclusive | better: passes |"
    )
    rows = sorted({cell["rows"] for cell in cells})
    return "\n".join([head, "|---" * 12 + "|", *(_row(cells, of) for of in rows)])


def _row(cells: list[Cell], rows: int) -> str:
    by_truth = {cell["truth"]: cell for cell in cells if cell["rows"] == rows}
    columns = [
        ("worse by the margin", "pass"),
        ("worse by the margin", "point_rule_half_a_point"),
        ("worse by the margin", "point_rule_at_the_margin"),
        ("worse by twice the margin", "pass"),
        ("worse by half the margin", "pass"),
        ("worse by half the margin", "point_rule_at_the_margin"),
        ("equal", "pass"),
        ("equal", "stated_power"),
        ("equal", "fail"),
        ("equal", "inconclusive"),
        ("better by the margin", "pass"),
    ]
    shown = [_percent(by_truth.get(truth), name) for truth, name in columns]
    return f"| {rows:,} | " + " | ".join(shown) + " |"


def _percent(cell: Cell | None, name: str) -> str:
    return "" if cell is None else f"{100 * cell[name]:.1f}"
