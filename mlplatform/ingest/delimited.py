"""Read delimited text: every record becomes a typed row or a rejected one, in constant memory.

Lines that Arrow provably reads as Python's `csv` does go through Arrow, all others one by one.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from mlplatform.errors import SourceError
from mlplatform.ingest import csv_fast
from mlplatform.ingest.chunk import Chunk, Reject, chunk_of
from mlplatform.ingest.csv_exact import Record, Records, Splitter, shown
from mlplatform.ingest.csv_whole import check_first, wrong_delimiter
from mlplatform.ingest.lines import Block, blocks, with_last
from mlplatform.ingest.text import PIECE_BYTES, utf8
from mlplatform.ingest.values import typed_columns
from mlplatform.spec import PipelineSpec
from mlplatform.spec.source import CsvSource


def read_csv(
    stream: BinaryIO,
    name: str,
    where: str,
    source: CsvSource,
    spec: PipelineSpec,
    *,
    exact: bool = False,
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[Chunk]:
    """Yield the records of one delimited text, as rows and rejected ones, in the file's order.

    `name` is the file's, for `source_file`; `where` its path or address, for messages. With
    `exact` every line goes one by one: the reference, slower and the same. Memory is a few times
    `piece_bytes` plus `source.max_record_bytes`, whatever the file's size.

    Raises:
        SourceError: While reading, if the file as a whole is not what the spec declares: damaged
            gzip, another header, another delimiter, no records. Nothing of it should be kept then.
    """
    file = _File(name, where, source, spec, exact=exact)
    pieces = utf8(stream, name, where, source.encoding, piece_bytes)
    rest: Block | None = None
    for block, final in with_last(blocks(pieces, source.max_record_bytes)):
        chunk, rest = file.read(rest.followed_by(block) if rest else block, final=final)
        if chunk.rows.num_rows or chunk.rejected.num_rows:
            yield chunk
    file.check_whole()


class _File:
    """One file being read, and what was learnt from its blocks so far."""

    def __init__(
        self, name: str, where: str, source: CsvSource, spec: PipelineSpec, *, exact: bool
    ) -> None:
        self._name, self._where, self._source, self._spec = name, where, source, spec
        self._exact = exact
        self._splitter = Splitter(source)
        self._columns = list(spec.columns)
        self._began = False  # Whether the first record was seen, which may be the header.
        self._records = 0
        self._one_field: Record | None = None  # The first record with one field.
        self._several_fields = False  # Whether any record has more.

    def read(self, block: Block, *, final: bool) -> tuple[Chunk, Block | None]:
        """Return the block's records, and the lines at its end that need the next block."""
        records = Records(block, self._columns, self._splitter, final=final)
        begin = 0 if self._began else self._past_first(records, len(block))
        plain = self._plain(block)
        plain[:begin] = False
        singles, end = _one_by_one(records, plain, begin)
        fields = csv_fast.fields(block, plain, self._source, len(self._columns))
        if fields is None:  # Arrow does not find the records that we counted, so it reads none.
            plain[:] = False
            singles, end = _one_by_one(records, plain, begin)
            fields = csv_fast.fields(block, plain, self._source, len(self._columns)) or []
        self._learn(singles, int(plain.sum()))
        chunk = self._chunk(block, plain, fields, singles)
        return chunk, (block.rest(end) if end < len(block) else None)

    def check_whole(self) -> None:
        """Refuse a file without records, or whose every record has one field.

        Raises:
            SourceError: Saying which, and what to do.
        """
        columns, width = self._columns, len(self._columns)
        if self._source.header and not self._began:
            raise SourceError(f"{self._where}: empty; expected a header with {', '.join(columns)}")
        if not self._records:
            below = " below the header" if self._source.header else ""
            raise SourceError(f"{self._where}: no rows{below}; expected {width} columns of data")
        if self._one_field and not self._several_fields:
            raise SourceError(
                wrong_delimiter("every line", self._one_field, self._where, self._source, width)
            )

    def _past_first(self, records: Records, lines: int) -> int:
        """Look at the file's first record, and return the line where data begins."""
        at: int | None = 0
        while at is not None and at < lines:
            record, at = records.at(at)
            if record is not None:
                self._began = True
                check_first(record, self._where, self._source, self._columns)
                return (at or 0) if self._source.header else 0
        return 0

    def _plain(self, block: Block) -> np.ndarray:
        if self._exact:
            return np.zeros(len(block), bool)
        return csv_fast.plain_lines(block, self._source, len(self._columns))

    def _learn(self, singles: list[Record], plain: int) -> None:
        self._records += len(singles) + plain
        self._several_fields |= plain > 0 or any(len(record.fields) != 1 for record in singles)
        if self._one_field is None:
            self._one_field = next((one for one in singles if len(one.fields) == 1), None)

    def _chunk(
        self, block: Block, plain: np.ndarray, fields: list[pa.Array], singles: list[Record]
    ) -> Chunk:
        """Put the plain lines and the records read one by one together again, typed."""
        good = [record for record in singles if not record.reason]
        raws = {record.line: record.raw for record in good}
        lines = np.concatenate(
            [np.flatnonzero(plain) + block.first, np.array(list(raws), np.int64)]
        )
        if good:
            fields = self._merged(fields, good, np.argsort(lines))
            lines.sort()
        typed = typed_columns(fields, self._spec)
        rejects = [
            record.reject(record.reason, record.column) for record in singles if record.reason
        ]
        for row, (column, reason) in typed.blamed.items():
            line = int(lines[row])
            raw = raws[line] if line in raws else block.line(line - block.first)
            rejects.append(Reject(line, reason, shown(raw), column))
        return chunk_of(typed.columns, lines, list(typed.blamed), rejects, self._name, self._spec)

    def _merged(
        self, fields: list[pa.Array], good: list[Record], order: np.ndarray
    ) -> list[pa.Array]:
        texts = zip(*(record.fields for record in good), strict=True)
        singly = (
            csv_fast.without(pa.array(column, pa.string()), self._source.missing)
            for column in texts
        )
        places = pa.array(order)
        return [pa.concat_arrays(both).take(places) for both in zip(fields, singly, strict=True)]


def _one_by_one(records: Records, plain: np.ndarray, begin: int) -> tuple[list[Record], int]:
    """Read the lines from `begin` on that are not `plain`, and unmark plain ones they swallow.

    Return the records, and the line from which on the next block is needed.
    """
    found: list[Record] = []
    following = begin
    for index in np.flatnonzero(~plain[begin:]) + begin:
        if index < following:
            continue
        record, end = records.at(int(index))
        if end is None:
            plain[index:] = False
            return found, int(index)
        plain[index:end] = False
        following = end
        if record is not None:
            found.append(record)
    return found, len(plain)
