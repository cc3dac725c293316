"""What refuses a delimited file as a whole: header, delimiter. One line of error each."""

from collections.abc import Sequence
from itertools import zip_longest

from mlplatform.errors import SourceError
from mlplatform.ingest.csv_exact import Record, shown
from mlplatform.spec.source import CsvSource

DELIMITERS = (",", ";", "\t", "|")  # The ones met in practice; only for a hint.
SHOWN_CHARACTERS = 60  # Of a name in a header, so that a message stays one line.


def check_first(first: Record, where: str, source: CsvSource, columns: Sequence[str]) -> None:
    """Refuse a header that is not the declared one, or is there without being declared.

    Raises:
        SourceError: Naming the first column that differs.
    """
    names, at = list(first.fields), f"{where}:{first.line}"
    if names == list(columns):
        if not source.header:
            raise SourceError(f"{at}: the file has a header; set source.header to true")
    elif source.header:
        raise SourceError(_wrong_header(first, where, source, columns))


def wrong_delimiter(what: str, record: Record, where: str, source: CsvSource, width: int) -> str:
    """Say that `what` was not split, and which delimiter would have split it rightly."""
    line = shown(record.raw)
    better = next((sign for sign in DELIMITERS if line.count(sign) == width - 1), None)
    cure = f"{better!r} would give {width}" if better else "is it the right file?"
    return (
        f"{where}: {what} has 1 field with source.delimiter {source.delimiter!r}, "
        f"expected {width}; {cure}"
    )


def _wrong_header(header: Record, where: str, source: CsvSource, columns: Sequence[str]) -> str:
    names, at = header.fields, f"{where}:{header.line}"
    if not names:
        return f"{at}: the header cannot be read: {header.reason}"
    if len(names) == 1:
        return wrong_delimiter("the header", header, where, source, len(columns))
    pairs = zip_longest(names, columns, fillvalue="nothing")
    got, expected = next((got, expected) for got, expected in pairs if got != expected)
    return (
        f"{at}: the header names {got[:SHOWN_CHARACTERS]!r} where `columns` declares "
        f"{expected!r}; declare the file's columns in their order, or set source.header to false"
    )
