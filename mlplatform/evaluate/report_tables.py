"""The report page's tables: of anything, and of labels against answers."""

from collections.abc import Mapping, Sequence

from mlplatform.evaluate.html import Html, el
from mlplatform.evaluate.report_words import NONE, number, said
from mlplatform.verdict import Outcome

CLASSES = 12  # Shown of a confusion, the most frequent: more do not fit a page.
SMALL = 3  # Classes whose confusion has room beside a curve.
Cell = str | Html


def section(title: str, *content: Html | Sequence[Html] | None, at: str = "") -> Html:
    """Return a part of the page; `at` is its name in the list of contents."""
    return el("section", el("h2", title), *content, id=at or None)


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    because: str = "",
    class_: str | None = None,
    heads: Mapping[str, Html] | None = None,
) -> Html:
    """Return a table; a column whose name begins with # holds numbers, one with ~ pictures.

    Each cell names its column too: a narrow screen shows that in place of a `wide` table's head.
    `heads` replaces what stands above a column.
    """
    marks = {"#": "number", "~": "picture"}
    kinds = {c: marks.get(c[0]) or ("because" if c == because else None) for c in columns}
    kinds[columns[0]] = "head"
    names = {c: c.lstrip("#~") for c in columns}
    above = heads or {}
    head = [el("th", above.get(names[c], names[c]), class_=kinds[c], scope="col") for c in columns]
    body = [
        el("tr", [el("td", cell, class_=kinds[c], data_label=names[c]) for c, cell in zip(columns, row, strict=True)])
        for row in rows
    ]  # fmt: skip
    return el("table", el("thead", el("tr", head)), el("tbody", body), class_=class_)


def badge(outcome: Outcome, more: str = "") -> Html:
    """Return an outcome as its sign and its word, in its colour."""
    return el("span", said(outcome) + more, class_=f"outcome {outcome}")


def above_below(value: str, below: str) -> Cell:
    """Return a value with something softer below it."""
    return el("span", value, el("small", below)) if below else value


def optional(value: float | None) -> Cell:
    """Return a number, or a dot that a phone leaves out: what there need not be is not missing."""
    return number(value) if value is not None else el("span", "·", class_="absent")


def whole(words: str, longest: int = 18) -> Html:
    """Return words whose column is wide enough for so many characters of them: none is broken that is shorter."""
    return el("span", words, class_="whole", style=f"min-width:{min(len(words), longest) + 1}ch")


def note(words: str) -> Html:
    """Return what a reader has to know of the table or picture that follows."""
    return el("p", words, class_="soft")


def confusion(cells: Sequence[Sequence[int]], classes: Sequence[str]) -> Html | None:
    """Return rows by label and answer as a picture made of text, the share that is right of each label last."""
    if not cells:
        return None
    kept = sorted(sorted(range(len(cells)), key=lambda at: -sum(cells[at]))[:CLASSES])
    head = ("Label", *(f"#says {classes[at]}" for at in kept), "#Right")
    rows = []
    for at in kept:
        total = sum(cells[at])
        shares = [cells[at][other] / total if total else 0.0 for other in kept]
        inner = [_cell(cells[at][o], s, right=o == at) for o, s in zip(kept, shares, strict=True)]
        rows.append((classes[at], *inner, f"{cells[at][at] / total:.1%}" if total else NONE))
    left = len(cells) - len(kept)
    more = note(f"{left} rarer classes are not shown.") if left else None
    says = note(
        "Rows by label, across by answer; the darker, the larger a share of the label's. ▪ is right."
    )
    drawn = el("div", table(head, rows, class_="confusion"), class_="scroll")
    wide = "all" if len(kept) > SMALL else "span"
    return el("figure", el("figcaption", "Labels and answers"), says, drawn, more, class_=wide)


def _cell(count: int, share: float, *, right: bool) -> Html:
    """Return a count on a ground as dark as its share."""
    strength = f"background:rgba(0,114,178,{0.45 * share:.2f})"
    return el(
        "span",
        "▪ " if right else "",
        number(count),
        el("small", f"{share:.1%}"),
        style=strength,
        class_="heat",
    )
