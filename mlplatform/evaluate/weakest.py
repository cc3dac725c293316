"""The slices where a model is surely worst, as a Markdown table."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlplatform.features.predicts import Predicts

SHOWN = 10


def weakest(rows: Sequence[Mapping[str, Any]], predicts: Predicts) -> str:
    """Return the ten slices in rows of `slices.table_of` that are worst, by the bound that flatters them.

    By accuracy of classes, by `mae` or `pinball` of numbers: a slice of few rows is not among them by
    luck. All rows come first, for comparison.
    """
    metric = "accuracy" if predicts.task != "regression" else "mae"
    metric = "pinball" if predicts.quantiles else metric
    known = [r for r in rows if r["metric"] == metric and r["lower"] is not None]
    overall = [r for r in known if r["kind"] == "all"]
    parts = [r for r in known if r["kind"] != "all"]
    worst = sorted(parts, key=lambda r: r["upper"] if metric == "accuracy" else -r["lower"])
    head = f"| slice | kind | rows | {metric} | 95 % interval |\n|---|---|---:|---:|---|"
    return "\n".join([head, *map(_line, [*overall, *worst[:SHOWN]])])


def _line(row: Mapping[str, Any]) -> str:
    name = str(row["slice"]).replace("|", "\\|")
    bounds = f"{row['lower']:.4g} to {row['upper']:.4g}"
    return f"| {name} | {row['kind']} | {row['rows']:,} | {row['observed']:.4g} | {bounds} |"
