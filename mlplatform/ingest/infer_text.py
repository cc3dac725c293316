"""Guesses the dialect of delimited text and the types of texts, from the beginning of a file.

- The delimiter is the one of `DELIMITERS` that parts most records into equally many fields, more than
  one; without any, a record is one field.
- The first record is a header unless a field of it is a number, a time, a bool or very long, or every
  field of it stands in its column again.
- A column is of numbers, times or bools only if every value is: `007`, `+1`, `1e999`, integers beyond
  64 bits, dates that are not ISO 8601, and numbers of more digits than a float holds stay text. 0 and
  1 are numbers.
- Besides the empty field, a marker of `MARKERS` means "no value" where a column is of numbers, times
  or bools but for it; then it does so in the whole file, as `source.missing` of a spec.
"""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mlplatform.ingest.storage import SourceFile
from mlplatform.ingest.text import utf8
from mlplatform.spec.section import ColumnType

UTF_8 = "utf-8"
PREFIX_BYTES = 1 << 20  # About 8,000 rows of 15 columns, which Python reads in a tenth of a second.
SHAPE_RECORDS = 200  # Enough to tell delimiters apart.
DELIMITERS = (",", ";", "\t", "|")  # The ones met in practice.
NAME_CHARACTERS = 256  # Longer is no name of a column.
SAME_SHAPE = 0.9  # Share of records of one width that makes a delimiter credible.
MARKERS = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "-", "#N/A")
TYPES: tuple[ColumnType, ...] = ("int64", "float64", "timestamp", "bool")  # Tried in this order.
NUMBERS = ("int64", "float64")
ISO_DATE = r"^\d{4}-\d{2}-\d{2}"
LEADING_ZERO = r"^-?0[0-9]"  # A code, not a number.
LONG_WHOLE = r"^-?[0-9]{16,}$"  # More digits than a float64 holds.


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How text is delimited, and what its columns hold.

    Attributes:
        delimiter: One character.
        spaced: Whether a blank follows every delimiter.
        header: The first record, if it names the columns.
        header_line: The 1-based line where that record begins.
        markers: Texts that mean "no value", besides none.
        types: One a column.
    """

    delimiter: str
    spaced: bool
    header: list[str] | None
    header_line: int
    markers: list[str]
    types: list[ColumnType]


def prefix(file: SourceFile, encoding: str) -> str:
    """Return the whole lines within about the first `PREFIX_BYTES` of the text, unzipped.

    Raises:
        SourceError: If it is no text, or cannot be read.
    """
    pieces, size = list[bytes](), 0
    with file.open() as stream:
        for piece in utf8(stream, file.name, file.where, encoding):
            pieces.append(piece)
            size += len(piece)
            if size >= PREFIX_BYTES:
                break
    text = b"".join(pieces).decode(UTF_8, "replace")
    cut = text.rfind("\n") + 1
    return text[:cut] if size >= PREFIX_BYTES and cut else text


def dialect(text: str) -> Dialect:
    """Return how `text`, which is not blank, is delimited."""
    delimiter = max(DELIMITERS, key=lambda sign: _credible(text, sign))
    spaced = _has_blanks(_records(text, delimiter, limit=SHAPE_RECORDS))
    records = _records(text, delimiter, spaced=spaced)
    width = _usual([len(record) for record in records])
    rows = [record for record in records if len(record) == width]
    header = rows[0] if rows[0] is records[0] and _is_header(rows) else None
    columns = [list(column) for column in zip(*rows[header is not None :], strict=True)]
    markers, types = _typed(columns or [[]] * width)
    blank = text[: len(text) - len(text.lstrip())]
    return Dialect(
        delimiter=delimiter,
        spaced=spaced,
        header=header,
        header_line=len((blank + ".").splitlines()),
        markers=markers,
        types=types,
    )


def type_of(values: Sequence[str]) -> ColumnType:
    """Return the type that every value is of; text where there is no other, or no value."""
    return next((kind for kind in TYPES if is_all(values, kind)), "string")


def is_all(values: Sequence[str], kind: ColumnType) -> bool:
    """Whether there are values, and each can be nothing but a `kind`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from mlplatform.ingest.values import parsed

    texts = pa.array(values, pa.string())
    matching = {p: pc.match_substring_regex(texts, p) for p in (ISO_DATE, LEADING_ZERO, LONG_WHOLE)}
    refused = (
        kind == "timestamp" and not pc.all(matching[ISO_DATE]).as_py(),
        kind in NUMBERS and pc.any(matching[LEADING_ZERO]).as_py(),
        kind == "float64" and pc.any(matching[LONG_WHOLE]).as_py(),
    )
    return bool(values) and not any(refused) and not parsed(texts, kind).null_count


def _records(
    text: str, delimiter: str, *, limit: int | None = None, spaced: bool = False
) -> list[list[str]]:
    """The records that are not blank, as far as quotes match; one field if there is none."""
    found: list[list[str]] = []
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=spaced)
    try:
        for record in lines:
            if any(part.strip() for part in record):
                found.append(record)
            if limit is not None and len(found) >= limit:
                break
    except csv.Error:
        pass  # The reader of the whole file rejects it, with its line.
    return found or [[text[: NAME_CHARACTERS + 1]]]  # Longer than a name: no header.


def _credible(text: str, delimiter: str) -> tuple[bool, bool, int]:
    """Whether the delimiter parts records alike into several fields, or the first line; how many.

    An open quote near the top leaves too few records to be alike; the first line then decides.
    """
    widths = [len(record) for record in _records(text, delimiter, limit=SHAPE_RECORDS)]
    usual = _usual(widths)
    alike = widths.count(usual) >= SAME_SHAPE * len(widths)
    first_line = text.lstrip().partition("\n")[0]
    return alike and usual > 1, delimiter in first_line, usual if alike else 0


def _usual(widths: Sequence[int]) -> int:
    return max(set(widths), key=lambda width: (widths.count(width), width))


def _has_blanks(records: Sequence[Sequence[str]]) -> bool:
    later = [part for record in records for part in record[1:] if part]
    return bool(later) and all(part.startswith(" ") for part in later)


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    first, rest = rows[0], rows[1:]
    if any(type_of([part]) != "string" or len(part) > NAME_CHARACTERS for part in first):
        return False
    return not rest or not all(part in {row[at] for row in rest} for at, part in enumerate(first))


def _typed(columns: Sequence[Collection[str]]) -> tuple[list[str], list[ColumnType]]:
    """The markers in use, and each column's type."""
    found: set[str] = set()
    for column in columns:
        markers = set(column) & set(MARKERS)
        if markers and type_of(sorted(set(column) - {"", *markers})) != "string":
            found |= markers
    types = [type_of(sorted(set(column) - {"", *found})) for column in columns]
    return sorted(found), types
