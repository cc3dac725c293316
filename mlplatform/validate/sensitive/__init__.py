"""Does a column hold personal data? Judged by a fair sample of its distinct values, and its name.

A kind is only reported on evidence that plain ids, codes, dates and prices do not give: a format
that is hard to meet by chance, check digits that hold far more often than chance, or a telling name
of the column beside values of that shape. No value leaves this room: examples are masked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlplatform.measures import SensitiveSeen
from mlplatform.validate.scan import ColumnView
from mlplatform.validate.sensitive import formats, ids, words

MASKED = 3  # Examples of each finding.
MASKED_CHARACTERS = 60
EXACT_INTEGERS = 2.0**53  # A double holds every integer up to here.
Kinds = Mapping[str, tuple[float, list[str]]]  # Kind: share of the values, and those values.


def sensitive(views: Sequence[Mapping[str, ColumnView]]) -> list[SensitiveSeen]:
    """Return what looks like personal data by column and kind, at worst over these views."""
    found: dict[tuple[str, str], SensitiveSeen] = {}
    for columns in views:
        for name, column in columns.items():
            for seen in looked_at(name, column):
                known = found.get((seen.column, seen.kind))
                if known is None or seen.share > known.share:
                    found[seen.column, seen.kind] = seen
    return list(found.values())


def looked_at(name: str, column: ColumnView) -> list[SensitiveSeen]:
    """Return the kinds of personal data that one column seems to hold."""
    if column.type == "timestamp":
        births: Kinds = {"dates of birth": (1.0, [])}
        return _seen(name, len(column.sample), births if words.is_birth(name) else {})
    return in_values(name, as_texts(column.sample), whole=column.type == "int64")


def in_values(name: str, values: Sequence[str], *, whole: bool = False) -> list[SensitiveSeen]:
    """Return the kinds of personal data among distinct values of a column of this name.

    `whole` says that they are integers, whose shape says less.
    """
    if not values:
        return []
    kinds = {**ids.found(name, values), **formats.found(name, values, whole=whole)}
    if not whole:
        kinds |= words.found(name, values)
    return _seen(name, len(values), kinds)


def as_texts(sample: Iterable[object]) -> list[str]:
    """Return values as people write them: whole numbers without a point, other floats not at all."""
    texts = []
    for value in sample:
        if isinstance(value, float):
            if value.is_integer() and abs(value) < EXACT_INTEGERS:
                texts.append(str(int(value)))
        elif not isinstance(value, bool):
            texts.append(str(value).strip())
    return texts


def personal(value: object) -> bool:
    """Whether one value alone looks like personal data, whatever column it stands in."""
    return any(
        formats.is_personal(text) or ids.is_personal(text) or words.is_personal(text)
        for text in as_texts([value])
    )


def shown(value: Any) -> Any:
    """Return a value as it may be shown: masked where it looks like personal data, and short.

    Vectors are not told apart.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list):
        return f"{len(value)} numbers"
    if personal(value):
        return mask(str(value))
    if isinstance(value, str) and len(value) > MASKED_CHARACTERS:
        return f"{value[:MASKED_CHARACTERS]}…"
    return value


def scrubbed(text: str) -> str:
    """Return a text in which every part that looks like personal data is masked."""
    for pattern in (*formats.PATTERNS, *ids.PATTERNS, words.PAIR):
        text = pattern.sub(lambda match: str(shown(match.group())), text)
    return text


def mask(value: str) -> str:
    """Return the shape of a value alone: digits become 9, letters x or X."""
    shape = re.sub(r"\d", "9", value[:MASKED_CHARACTERS])
    return "".join("X" if c.isupper() else "x" if c.isalpha() else c for c in shape)


def _seen(name: str, looked_at: int, kinds: Kinds) -> list[SensitiveSeen]:
    return [
        SensitiveSeen(
            column=name,
            kind=kind,
            share=share,
            looked_at=looked_at,
            masked=tuple(mask(value) for value in values[:MASKED]),
        )
        for kind, (share, values) in kinds.items()
        if looked_at
    ]
