"""The catalogue for people and machines: rows of a table, and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mlplatform.features.catalogue import AT_PREDICTION, Entry, Source
from mlplatform.features.catalogue_lake import Seen, Use

Uses = Mapping[str, Sequence[Use]]


def rows(entries: Sequence[Entry], uses: Uses | None = None) -> list[dict[str, str]]:
    """Return the cells of each feature's line; models where `uses` says some."""
    used = uses or {}
    return [
        {
            "feature": entry.name,
            "kind": entry.kind,
            "type": entry.type,
            "from": ", ".join(_sources(entry)),
            "owner": entry.owner,
            "models": _models(used.get(entry.name, ())),
            "description": entry.description,
        }
        for entry in entries
    ]


def details(entry: Entry, seen: Seen | None, uses: Sequence[Use]) -> list[tuple[str, str]]:
    """Return everything that is known of one feature, as title and text."""
    told = [
        ("feature", entry.name),
        ("description", entry.description),
        ("owner", entry.owner),
        ("kind", f"{entry.kind}{f' ({entry.how})' if entry.how else ''}"),
        ("type", entry.type),
        *(("column", _told(source)) for source in entry.sources),
        *(("aggregate", f"{name}: {words}") for name, words in entry.aggregates.items()),
        ("file", entry.file),
    ]
    if seen is not None:
        told += [(f"features v{seen.version}", figure) for figure in seen.figures]
    told += [("model", str(use)) for use in uses]
    return [(title, text) for title, text in told if text]


def as_json(entry: Entry, seen: Seen | None, uses: Sequence[Use]) -> dict[str, Any]:
    """Return the same for machines."""
    return {
        **asdict(entry),
        "statistics": asdict(seen) if seen else None,
        "models": [asdict(use) for use in uses],
    }


def _sources(entry: Entry) -> list[str]:
    """Return aggregates in words where there are some, and the columns that are no part of them."""
    if not entry.aggregates:
        return [source.column for source in entry.sources]
    return list(entry.aggregates.values())


def _told(source: Source) -> str:
    when = "" if source.available == AT_PREDICTION else "known "
    return f"{source.column} {source.type}, {when}{source.available}"


def _models(uses: Sequence[Use]) -> str:
    """Return the live ones by name, and how many more there are."""
    shown = [str(use) for use in uses if use.live]
    shown = shown or [str(use) for use in uses[:1]]
    more = len(uses) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
