"""Delimited records one at a time, by Python's `csv`: what every dialect means, and what is wrong.

A record begins on a line and ends on the same, or on the one that closes its last quote. Where it
cannot be read it is rejected, and reading resumes on the line after its first.
"""

import csv
import re
from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from mlplatform.ingest.chunk import SHOWN_CHARACTERS, Reject
from mlplatform.ingest.lines import Block
from mlplatform.ingest.text import bad_byte
from mlplatform.spec.source import CsvSource

DAMAGE = re.compile("[\0\ud800-\udfff]")  # NUL, and what stands for bytes that are no text.
UNCLOSED = "a quote opened here is not closed"
MOST_BYTES_A_CHARACTER = 4  # In UTF-8.


class Record(NamedTuple):
    """One record: the 1-based line it begins on, its bytes and fields; with a reason it is no row."""

    line: int
    raw: bytes
    fields: Sequence[str] = ()
    reason: str = ""
    column: str | None = None

    def reject(self, reason: str, column: str | None = None) -> Reject:
        """Return this record as a rejected one."""
        return Reject(self.line, reason, shown(self.raw), column)


class Closing(Enum):
    """What a line does to the record it stands in."""

    CLOSED = auto()
    OPEN = auto()  # Its end is inside quotes.
    BROKEN = auto()  # Text stands behind a closing quote.


class Records:
    """The records of a block of lines; `final` says that no line follows it."""

    def __init__(
        self, block: Block, columns: Sequence[str], splitter: "Splitter", *, final: bool
    ) -> None:
        self._block = block
        self._columns = columns
        self._splitter = splitter
        self._source = source = splitter.source
        self._final = final
        self._comment = source.comment.encode() if source.comment else None
        self._blank = "\r\n\t ".replace(source.delimiter, "").encode()
        # The line looked at last for how it ends if it begins inside quotes, and that; those
        # before it, down to where a quote was opened, end inside quotes.
        self._inside, self._closing = 0, Closing.OPEN

    def at(self, index: int) -> tuple[Record | None, int | None]:
        """Return the record that begins on line `index` of the block, and the line after it.

        There is no record where the line is blank or a comment; there is no line after it where
        the record goes on beyond the block.
        """
        line = self._block.line(index)
        if self._comment is not None and line.startswith(self._comment):
            return None, index + 1
        if len(line) > self._source.max_record_bytes:
            return self._too_long(index, line), index + 1
        if not line.strip(self._blank):
            return None, index + 1
        text = line.decode("utf-8", "surrogateescape")
        closing, fields = self._splitter.record([text])
        if closing is Closing.OPEN:
            return self._over_lines(index, line)
        if closing is Closing.BROKEN:
            return self._rejected(index, line, "text behind a closing quote"), index + 1
        return self._record(index, line, fields), index + 1

    def _over_lines(self, index: int, first: bytes) -> tuple[Record | None, int | None]:
        end, closing = self._closing_line(index)
        if closing is Closing.OPEN and end == len(self._block) and not self._final:
            return None, None
        if closing is not Closing.CLOSED:
            return self._rejected(index, first, UNCLOSED), index + 1
        lines = [self._block.line(at) for at in range(index, end + 1)]
        texts = [line.decode("utf-8", "surrogateescape") for line in lines]
        return self._record(index, b"".join(lines), self._splitter.record(texts)[1]), end + 1

    def _closing_line(self, index: int) -> tuple[int, Closing]:
        """Where and how the quote open at the end of line `index` ends: OPEN if not within limits.

        Whatever was opened before, a line that begins inside quotes ends the same way, so no line
        is looked at twice for that, and the time is linear in the lines.
        """
        begin, limit = self._block.bounds[index], self._source.max_record_bytes
        for at in range(max(index + 1, self._inside), len(self._block)):
            if self._block.bounds[at + 1] - begin > limit:
                return at, Closing.OPEN
            if at != self._inside:
                self._inside, self._closing = at, self._splitter.inside(self._block.line(at))
            if self._closing is not Closing.OPEN:
                return at, self._closing
        self._inside = len(self._block)
        return len(self._block), Closing.OPEN

    def _too_long(self, index: int, line: bytes) -> Record:
        limit = self._source.max_record_bytes
        # Behind the limit a line may be cut or not, depending on where its block ends.
        return self._rejected(index, line[: limit + 1], f"longer than {limit:,} bytes")

    def _record(self, index: int, raw: bytes, fields: Sequence[str]) -> Record:
        line, width = self._block.first + index, len(self._columns)
        wrong = bad_byte(raw, self._source.encoding) or ("a NUL character" if 0 in raw else None)
        if wrong:
            return Record(line, raw, fields, wrong, self._damaged_column(fields))
        if len(fields) != width:
            return Record(line, raw, fields, f"{_counted(len(fields))}, expected {width}")
        return Record(line, raw, fields)

    def _rejected(self, index: int, raw: bytes, reason: str) -> Record:
        return Record(self._block.first + index, raw, (), reason)

    def _damaged_column(self, fields: Sequence[str]) -> str | None:
        if len(fields) != len(self._columns):
            return None
        named = zip(self._columns, fields, strict=True)
        return next((name for name, text in named if DAMAGE.search(text)), None)


class Splitter:
    """Splits records into fields: one `csv.reader` for a file, given one record's lines at a time."""

    def __init__(self, source: CsvSource) -> None:
        # The limit of a field is the process's; a record has a limit of its own, so raise it.
        csv.field_size_limit(max(csv.field_size_limit(), source.max_record_bytes))
        self.source = source
        self._quote = source.quote.encode()
        self._lines: list[str] = []
        self._asked_beyond = False
        self._reader = csv.reader(
            self,
            delimiter=source.delimiter,
            quotechar=source.quote,
            skipinitialspace=source.skip_initial_space,
            strict=True,
        )

    def __iter__(self) -> "Splitter":
        return self

    def __next__(self) -> str:
        if self._lines:
            return self._lines.pop()
        self._asked_beyond = True
        raise StopIteration

    def record(self, lines: list[str]) -> tuple[Closing, list[str]]:
        """Return the fields of the record that `lines` begin."""
        self._lines, self._asked_beyond = lines[::-1], False
        try:
            return Closing.CLOSED, next(self._reader)
        except csv.Error:
            return (Closing.OPEN if self._asked_beyond else Closing.BROKEN), []

    def inside(self, line: bytes) -> Closing:
        """Return what `line` does where it begins inside quotes."""
        if self._quote not in line:
            return Closing.OPEN
        return self.record([self.source.quote + line.decode("utf-8", "surrogateescape")])[0]


def shown(raw: bytes) -> str:
    """Return the beginning of a record for a person to read, without its line end."""
    text = raw[: SHOWN_CHARACTERS * MOST_BYTES_A_CHARACTER].decode("utf-8", "replace")
    return text.rstrip("\r\n")[:SHOWN_CHARACTERS]


def _counted(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"
