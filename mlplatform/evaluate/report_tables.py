"""The report page's tables: of anything, by group, and of classes against answers."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_words import NONE, measure, name, number

SHARES = frozenset({"accuracy", "selection_rate", "true_positive_rate", "coverage"})
CLASSES = 12  # Shown of a confusion, the most frequent: more do not fit a page.


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Html]],
    because: str = "",
    class_: str | None = None,
) -> Html:
    """Return a table; a column whose name begins with # holds numbers.

    Each cell names its column too: a narrow screen shows that in place of a `wide` table's head.
    """
    kinds = {c: "number" if c[0] == "#" else "because" if c == because else None for c in columns}
    kinds[columns[0]] = "head"
    names = {c: c.lstrip("#") for c in columns}
    head = el("tr", [el("th", names[c], class_=kinds[c], scope="col") for c in columns])
    body = [
        el(
            "tr",
            [
                el("td", cell, class_=kinds[c], data_label=names[c])
                for c, cell in zip(columns, row, strict=True)
            ],
        )
        for row in rows
    ]
    return el("table", el("thead", head), el("tbody", body), class_=class_)


def by_group(rows: Sequence[Mapping[str, Any]]) -> list[Html]:
    """Return a table for each group column in rows of `slices.by_group`."""
    columns = list(dict.fromkeys(row["group"] for row in rows if row["group"]))
    shown = [_slices(column, [r for r in rows if r["group"] == column]) for column in columns]
    return [el("h2", "By group"), *(part for pair in shown for part in pair)] if shown else []


def _slices(column: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Html, Html]:
    by_value: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_value.setdefault(row["value"], {})[row["metric"]] = row
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    positives = ["#Positives"] if "true_positive_rate" in metrics else []
    body = [
        (
            value,
            number(next(iter(seen.values()))["rows"]),
            *(number(seen["true_positive_rate"]["rows"]) for _ in positives),
            *(_cell(metric, seen[metric]["observed"]) for metric in metrics),
        )
        for value, seen in by_value.items()
    ]
    head = ("Group", "#Rows", *positives, *(f"#{name(metric)}" for metric in metrics))
    return el("h3", column), table(head, body, class_="wide")


def _cell(metric: str, value: float | None) -> str | Html:
    return _bar(value) if metric in SHARES else measure(metric, value)


def _bar(share: float | None) -> Html:
    width = f"width:{100 * share:.1f}%" if share is not None else "width:0"
    said = f"{share:.3f}" if share is not None else NONE
    return el("span", said, el("span", el("i", style=width), class_="bar"))


def confusion(cells: Sequence[Sequence[int]], classes: Sequence[str]) -> list[Html]:
    """Return rows by label and answer as a table, the share that is right of each label last."""
    if not cells:
        return []
    most = sorted(range(len(cells)), key=lambda at: -sum(cells[at]))[:CLASSES]
    kept = sorted(most)
    head = ("Label", *(f"#{classes[at]}" for at in kept), "#Right")
    rows = []
    for at in kept:
        right = cells[at][at] / sum(cells[at]) if sum(cells[at]) else None
        rows.append((classes[at], *(number(cells[at][other]) for other in kept), _bar(right)))
    left = len(cells) - len(kept)
    more = [el("p", f"{left} rarer classes are not shown.", class_="soft")] if left else []
    return [el("h2", "Labels and answers"), table(head, rows), *more]
