"""Markdown whose text from outside stays text: for pull requests, the Dagster UI and the model card."""

import re
from collections.abc import Iterable, Sequence

CALLS = re.compile(r"@(?=\w)")  # Resolved in what is shown, so no entity or backslash helps.
ESCAPED = "\\`*[]<>|!#~"  # A backslash before each of these keeps its meaning away.


def escaped(text: object) -> str:
    """Return text on one line, none of it markup, and nobody called by an @ in it."""
    line = CALLS.sub("@\u200b", " ".join(str(text).split()))
    kept = "".join(f"\\{char}" if char in ESCAPED else char for char in line)
    return kept.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("://", ":&#47;&#47;")


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a column whose name begins with # is of numbers."""
    names = [name.lstrip("#") for name in head]
    kinds = ["---:" if name.startswith("#") else "---" for name in head]
    lines = [names, kinds, *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(items: Iterable[object]) -> str:
    """Return a list."""
    return "\n".join(f"- {escaped(item)}" for item in items)
