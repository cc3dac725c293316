"""What differs between two mappings, leaf by leaf."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlplatform.provenance.words import flat


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs; `None` on the side that does not have it."""

    what: str
    before: Any
    after: Any


def changes(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[Change] | None:
    """Return what differs between two pieces of JSON by dotted path, sorted; `None` where one is not on record."""
    if before is None or after is None:
        return None
    return _changed(*({k: v for k, v in flat(each).items() if k} for each in (before, after)))


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Change]:
    return [
        Change(what=name, before=one.get(name), after=other.get(name))
        for name in sorted(one.keys() | other.keys())
        if _differ(one.get(name), other.get(name)) or (name in one) != (name in other)
    ]


def _differ(one: Any, other: Any) -> bool:
    """Whether two leaves differ; 1, 1.0 and true do, as they do in JSON, also in lists."""
    return json.dumps(one, default=str) != json.dumps(other, default=str)


def library_changes(before: Sequence[str], after: Sequence[str]) -> list[Change]:
    """Return the libraries that came, went or changed, of lines `name==version`."""
    one, other = (
        dict(line.split("==", 1) for line in lines if "==" in line) for lines in (before, after)
    )
    return _changed(one, other)
