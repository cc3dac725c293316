"""From delimited text to a table of strings that knows the true line of every row.

Python's `csv` reads every dialect a spec can declare (blanks after delimiters, comments, quoted
line breaks) at about 0.1 million rows of 15 columns a second; pyarrow's reader knows neither
leading blanks nor line numbers.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.spec.source import CsvSource

CHUNK_ROWS = 65_536  # Python strings alive at once; Arrow's take a fifth of their room.
DELIMITERS = (",", ";", "\t", "|")  # The ones met in practice; only for a hint.

Record = tuple[int, list[str]]  # The 1-based line where it begins, its fields.


def parse(text: str, path: Path, source: CsvSource, columns: Sequence[str]) -> pa.Table:
    """Return one row per record: each of `columns` as string, `source_file`, `source_line`.

    Missing markers are null. `source_line` is the 1-based line of the file where the record begins.

    Raises:
        SourceError: If there is no row, a record has another number of fields, the header names
            other columns, or quotes do not match.
    """
    records = _records(text, path, source)
    if source.header:
        _check_header(next(records, None), path, source, columns)
    batches = []
    while chunk := list(islice(records, CHUNK_ROWS)):
        _check_widths(chunk, path, source, columns)
        batches.append(_batch(chunk, path, source, columns))
    if not batches:
        below = " below the header" if source.header and text.strip() else ""
        raise SourceError(f"{path}: no rows{below}; expected {len(columns)} columns of data")
    return pa.Table.from_batches(batches)


class _Lines:
    """The file's lines as `csv.reader` asks for them; knows where the record began."""

    def __init__(self, text: str, source: CsvSource) -> None:
        self._lines = io.StringIO(text, newline="")
        self._comment = source.comment
        self._blank = "\r\n\t ".replace(source.delimiter, "")
        self._read = 0
        self.began: int | None = None

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        for line in self._lines:
            self._read += 1
            if self.began is None:
                if self._is_no_record(line):
                    continue
                self.began = self._read
            return line
        raise StopIteration

    def _is_no_record(self, line: str) -> bool:
        is_comment = bool(self._comment) and line.startswith(self._comment or "")
        return is_comment or not line.strip(self._blank)


def _records(text: str, path: Path, source: CsvSource) -> Iterator[Record]:
    lines = _Lines(text, source)
    reader = csv.reader(
        lines, delimiter=source.delimiter, skipinitialspace=source.skip_initial_space, strict=True
    )
    try:
        for fields in reader:
            yield lines.began or 0, fields
            lines.began = None
    except csv.Error as wrong:
        message = f"{path}:{lines.began}: {wrong}; a quote opened here may not be closed"
        raise SourceError(message) from None


def _check_header(
    header: Record | None, path: Path, source: CsvSource, columns: Sequence[str]
) -> None:
    if header is None:
        raise SourceError(f"{path}: empty; expected a header with {', '.join(columns)}")
    line, names = header
    if len(names) == 1:
        raise SourceError(_wrong_delimiter("the header", names[0], path, source, len(columns)))
    if names == list(columns):
        return
    for position, expected in enumerate(columns):
        got = names[position] if position < len(names) else "nothing"
        if got != expected:
            break
    else:
        expected, got = "nothing", names[len(columns)]
    raise SourceError(
        f"{path}:{line}: the header names {got!r} where `columns` declares {expected!r}; "
        "declare the file's columns in their order, or set source.header to false"
    )


def _check_widths(
    chunk: list[Record], path: Path, source: CsvSource, columns: Sequence[str]
) -> None:
    width = len(columns)
    ragged = next((record for record in chunk if len(record[1]) != width), None)
    if ragged is None:
        return
    if all(len(fields) == 1 for _, fields in chunk):
        raise SourceError(_wrong_delimiter("every line", ragged[1][0], path, source, width))
    line, fields = ragged
    raise SourceError(
        f"{path}:{line}: {len(fields)} fields, expected {width} ({columns[0]} … {columns[-1]}); "
        "repair the line or fetch the file again"
    )


def _wrong_delimiter(what: str, line: str, path: Path, source: CsvSource, width: int) -> str:
    better = next((d for d in DELIMITERS if line.count(d) == width - 1), None)
    cure = f"{better!r} would give {width}" if better else "is it the right file?"
    return (
        f"{path}: {what} has 1 field with source.delimiter {source.delimiter!r}, "
        f"expected {width}; {cure}"
    )


def _batch(
    chunk: list[Record], path: Path, source: CsvSource, columns: Sequence[str]
) -> pa.RecordBatch:
    lines, rows = zip(*chunk, strict=True)
    markers = pa.array(source.missing, pa.string())
    arrays = {
        name: _strings(values, markers)
        for name, values in zip(columns, zip(*rows, strict=True), strict=True)
    }
    arrays["source_file"] = pa.repeat(path.name, len(chunk)).cast(pa.string())
    arrays["source_line"] = pa.array(lines, pa.int64())
    return pa.RecordBatch.from_pydict(arrays)


def _strings(values: Sequence[str], markers: pa.Array) -> pa.Array:
    strings = pa.array(values, pa.string())
    return pc.if_else(pc.is_in(strings, markers), pa.scalar(None, pa.string()), strings)
