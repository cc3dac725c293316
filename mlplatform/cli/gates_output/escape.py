"""Data in a GitHub comment: shown as it is, formatting nothing, linking nowhere and calling nobody."""

import json
import re
from typing import Any

from mlplatform.alerts.message import one_line
from mlplatform.cli.gates_output.machine import plain

FORMATS = "&<>|`*_[]~$\\!"  # GitHub's Markdown, tables, HTML and formulas.
ENTITIES = {ord(c): f"&#{ord(c)};" for c in FORMATS}
REFERENCES = re.compile(
    r"([@#])(?=\w)|\b(GH-)(?=\d)"
)  # Resolved in what is shown, so no entity helps.
LINKS = re.compile(r"(:)(//)|\b(www)(\.)", re.IGNORECASE)
LONGEST = 400  # Characters of a sentence in a table.


def cell(value: object, longest: int = LONGEST) -> str:
    """Return a value for a table or a sentence, on one line."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    flat = LINKS.sub(lambda m: f"{m[1] or m[3]}\u200b{m[2] or m[4]}", one_line(str(value), longest))
    return REFERENCES.sub("\\g<0>\u200b", flat).translate(ENTITIES)


def table(heads: list[str], rows: list[list[object]], most: int) -> str:
    """Return a table of at most `most` rows, and says how many are left out."""
    lines = [heads, ["---"] * len(heads), *[[cell(v) for v in row] for row in rows[:most]]]
    drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{drawn}\n\n… and {len(rows) - most} more" if len(rows) > most else drawn


def block(value: Any, longest: int) -> str:
    """Return a value as JSON in a fence that nothing in it closes."""
    text = json.dumps(plain(value), indent=1)  # ASCII: what is invisible or turns text is escaped.
    text = text.replace("@", "\\u0040")  # The same to whoever reads JSON, and nobody is called.
    text = text if len(text) <= longest else f"{text[:longest]}\n… cut"
    longest_run = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest_run + 1)
    return f"{fence}json\n{text}\n{fence}"
