"""Parts of a story in words: what the page and the terminal both show. Every text in them is `clean`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlplatform.provenance.words import NOT_RECORDED, clean

RED, AMBER = "red", "amber"


@dataclass(frozen=True)
class Fact:
    """One line: what, and its value; `tone` is RED or AMBER where a reader has to notice it."""

    what: str
    value: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part: facts, a table, or text as it is.

    Attributes:
        title: Above it.
        at: Its name in the list of contents.
        facts: Lines.
        columns: Of the table; a name that begins with # holds numbers.
        rows: Of the table.
        tones: Of the rows, by their place.
        note: What has to be known to read it.
        text: Shown as it is, a diff say.
    """

    title: str
    at: str
    facts: Sequence[Fact] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    tones: Mapping[int, str] | None = None
    note: str = ""
    text: str = ""


def instant(at: datetime | None) -> str:
    """Return a time to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else NOT_RECORDED


def said(value: object) -> str:
    """Return a recorded value as text; `not recorded` of none."""
    if value is None or value == "":
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return clean(", ".join(str(each) for each in value) or "none")
    return clean(value)
