"""One self-contained page of sections: a story, or what differs between two. It fetches nothing and runs no script."""

from collections.abc import Sequence

from mlplatform.evaluate.html import Html, document, el
from mlplatform.evaluate.report_style import CSS
from mlplatform.evaluate.report_tables import table
from mlplatform.provenance.difference import Difference
from mlplatform.provenance.difference_sections import sections as difference_sections
from mlplatform.provenance.picture import picture
from mlplatform.provenance.section import AMBER, RED, Section, instant
from mlplatform.provenance.sections import sections
from mlplatform.provenance.story import Story
from mlplatform.provenance.words import clean

TONES = {RED: "fail", AMBER: "inconclusive"}
ALARMS = ("overridden", "problems")  # Sections that stand in a box, seen first.
MORE = """
pre { overflow-x: auto; font: .85em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  border: 1px solid var(--line); border-radius: 4px; padding: .7rem .9rem; white-space: pre; }
.lineage { max-width: 30rem; break-inside: avoid; }
.lineage svg { max-height: 62rem; }
dd.fail, dd.inconclusive { font-weight: 600; }
@media print { pre { white-space: pre-wrap; } .lineage svg { max-height: 230mm; width: auto; max-width: 100%; } }
"""


def story_page(story: Story) -> str:
    """Return the page of one model's story."""
    title = f"{clean(story.pipeline)} version {story.version}"
    live = f"It is the {story.role}." if story.role else "It is not live."
    header = el(
        "header",
        el("h1", clean(story.pipeline), " ", el("span", f"version {story.version}", class_="soft")),
        el("p", clean(story.judged.description)) if story.judged.description else None,
        el("p", f"{live} Registered {instant(story.registered_at)}. Artifact ",
           el("code", story.digest[:16]), class_="soft"),
    )  # fmt: skip
    drawn = el(
        "section",
        el("h2", "Lineage"),
        el("figure", picture(story), class_="lineage"),
        id="lineage",
    )
    return page(title, header, sections(story), [("lineage", "Lineage", drawn)])


def difference_page(told: Difference) -> str:
    """Return the page of what changed from one model to another."""
    title = f"{clean(told.before)} to {clean(told.after)}"
    header = el("header", el("h1", "From ", clean(told.before), " to ", clean(told.after)))
    return page(title, header, difference_sections(told))


def page(
    title: str,
    header: Html,
    parts: Sequence[Section],
    first: Sequence[tuple[str, str, Html]] = (),
) -> str:
    """Return a page; sections that raise an alarm stand above what comes `first`, the others below it."""
    alarms = [part for part in parts if part.at in ALARMS]
    others = [part for part in parts if part.at not in ALARMS]
    contents = [*((at, name) for at, name, _ in first), *((p.at, p.title) for p in others)]
    nav = el("nav", [el("a", name, href=f"#{at}") for at, name in contents], aria_label="Contents")
    body = el(
        "main",
        header,
        [_alarm(part) for part in alarms],
        nav,
        [drawn for _, _, drawn in first],
        [_section(part) for part in others],
    )
    return document(title, CSS + MORE, body)


def _alarm(part: Section) -> Html:
    title = el("p", part.title, class_="flag")
    return el("div", title, _facts(part), class_="override", id=part.at)


def _section(part: Section) -> Html:
    return el(
        "section",
        el("h2", part.title),
        el("p", part.note, class_="soft") if part.note else None,
        _facts(part) if part.facts else None,
        _table(part) if part.rows else None,
        el("pre", part.text) if part.text else None,
        id=part.at,
    )


def _facts(part: Section) -> Html:
    pairs = [
        (el("dt", fact.what), el("dd", fact.value, class_=TONES.get(fact.tone)))
        for fact in part.facts
    ]
    return el("dl", pairs, class_="facts")


def _table(part: Section) -> Html:
    tones = part.tones or {}
    last = part.columns[-1] if part.columns[-1] in {"Evidence", "Why"} else ""
    rows = [
        [el("span", cell, class_=TONES.get(tones.get(at, ""))) if cell else "" for cell in row]
        for at, row in enumerate(part.rows)
    ]
    return table(part.columns, rows, because=last, class_="wide")
