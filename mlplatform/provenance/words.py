"""What strangers wrote, fit for a page or picture: one line, no control characters, nothing that turns text around."""

import json
from collections.abc import Mapping
from typing import Any

MOST = 2_000  # Characters of one text; a longer one is cut and says so.
NOT_RECORDED = "not recorded"


def clean(text: object, most: int = MOST) -> str:
    """Return `text` with escapes for everything that is not printable, cut to `most` characters."""
    shown = str(text)
    cut = shown[:most] + ("…" if len(shown) > most else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def cleaned(value: Any) -> Any:
    """Return JSON-able data with every text in it `clean`."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(name): cleaned(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(each) for each in value]
    return value


def short(digest: str | None) -> str:
    """Return the first 12 digits of a digest; `not recorded` of none."""
    return digest[:12] if digest else NOT_RECORDED


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of nested JSON by their dotted paths; an empty object or list is a leaf.

    A name that could be taken for a path stands in quotes, so that no two leaves have the same.
    """
    if isinstance(value, Mapping) and value:
        names = {_part(str(name)): each for name, each in value.items()}
        pairs = [(f"{path}.{name}" if path else name, each) for name, each in names.items()]
    elif isinstance(value, list | tuple) and any(isinstance(v, Mapping | list) for v in value):
        pairs = [(f"{path}[{at}]", each) for at, each in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for name, each in pairs:
        found |= flat(each, name)
    return found


def _part(name: str) -> str:
    return name if name and not set(name) & set('.["') else json.dumps(name, ensure_ascii=False)
