"""An alert as text and as Markdown. What comes from data stays on its line and formats, links and calls nobody."""

import re
import unicodedata

from mlplatform.alerts.alert import Alert
from mlplatform.registry.backend import CREDENTIALS

LONGEST = (
    600  # Characters of one line: Slack and pagers cut what is longer, in the middle of a link.
)
CALLS = re.compile(r"(?<!\w)@(?=\w)")  # @everyone calls a whole channel.
TAG = re.compile(r"<(?=\S)")  # Of HTML, and of Slack's <!channel>.


def text(alert: Alert) -> str:
    """Return the alert for a plain channel: the reason, a line for each piece of evidence, and where to look."""
    lines = [one_line(alert.body), *_apart([one_line(line) for line in alert.evidence])]
    return "\n".join([*lines, *_apart([f"Look: {one_line(alert.link)}"] if alert.link else [])])


def markdown(alert: Alert) -> str:
    """Return the same as Markdown, for Slack, e-mail and whatever else shows it."""
    lines = [quoted(alert.body), *_apart([_item(line) for line in alert.evidence])]
    return "\n".join([*lines, *_apart([_look(alert.link)] if alert.link else [])])


def one_line(given: str, longest: int = LONGEST) -> str:
    """Return a text without line breaks, control and direction characters, cut where it is too long."""
    seen = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in given)
    flat = CREDENTIALS.sub("://***@", " ".join(seen.split()))
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def quoted(given: str) -> str:
    """Return a text that Markdown and Slack show as it is, or nearly: `<b` is no tag."""
    flat = TAG.sub("\u2039", one_line(given)).replace("](", "] (").replace("`", "'")
    return CALLS.sub("@\u200b", flat)


def _item(line: str) -> str:
    name, colon, value = line.partition(": ")
    return f"- **{quoted(name)}**: {quoted(value)}" if colon else f"- {quoted(line)}"


def _look(link: str) -> str:
    if re.fullmatch(r"https?://[^\s<>()|]+", link):
        return f"[Open it in the Dagster UI]({link})"
    return f"Where to look: {quoted(link)}"


def _apart(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []
