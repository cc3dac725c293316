"""Many delimited records at once, by Arrow, where it provably reads what the exact path reads.

A line is *plain* if it is one whole record of the declared width: valid UTF-8 without NUL, no
comment, not blank, and either free of quotes or made of well-formed quoted fields only. Every
other line is left to `csv_exact`.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.lines import RETURN, Block
from mlplatform.spec.source import CsvSource

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # Arrow drops it wherever its input begins.
ASCII = 128
MOST_COUNTED = 100  # Fields that a pattern counts.


def plain_lines(block: Block, source: CsvSource, width: int) -> np.ndarray:
    """Return bool[lines]: which are one record of `width` fields that `fields` may read."""
    if not _knows(source):
        return np.zeros(len(block), bool)
    text = np.frombuffer(block.data, np.uint8)
    plain = np.diff(block.offsets) <= source.max_record_bytes
    plain &= _has_width(block, text, source, width)
    plain[_odd_beginnings(block, text, source)] = False
    plain[_damaged(block, text)] = False
    plain[_lone_returns(block, text)] = False
    if b"\0" in block.data:
        plain[_lines_where(block, text == 0)] = False
    return plain


def fields(block: Block, plain: np.ndarray, source: CsvSource, width: int) -> list[pa.Array] | None:
    """Return the fields of the `plain` lines as `width` string arrays, missing markers null.

    None where Arrow reads another number of records, which then are for the exact path.
    """
    from pyarrow import csv

    if not plain.any():
        return [pa.array([], pa.string()) for _ in range(width)]
    names = [str(position) for position in range(width)]
    content = _content(block, plain)
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(use_threads=False, block_size=content.size + 1, column_names=names),
            csv.ParseOptions(
                delimiter=source.delimiter,
                quote_char=source.quote if source.quote.encode() in block.data else False,
                ignore_empty_lines=False,
            ),
            csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.string()),
                null_values=source.missing,
                strings_can_be_null=not source.skip_initial_space,
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != int(plain.sum()):
        return None
    columns = [column.combine_chunks() for column in table.columns]
    if source.skip_initial_space:
        return [without(pc.utf8_ltrim(texts, characters=" "), source.missing) for texts in columns]
    return columns


def without(texts: pa.Array, missing: Sequence[str]) -> pa.Array:
    """Return `texts` (string) with null for every text that is one of `missing`."""
    markers = pa.array(missing, pa.string())
    return pc.if_else(pc.is_in(texts, markers), pa.scalar(None, pa.string()), texts)


def _knows(source: CsvSource) -> bool:
    """Arrow takes ASCII signs; a blank cannot both be a delimiter and be skipped."""
    blank = source.skip_initial_space and source.delimiter == " "
    return source.delimiter.isascii() and source.quote.isascii() and not blank


def _has_width(block: Block, text: np.ndarray, source: CsvSource, width: int) -> np.ndarray:
    delimiters = np.flatnonzero(text == ord(source.delimiter))
    fits: np.ndarray = np.diff(np.searchsorted(delimiters, block.offsets)) == width - 1
    if source.quote.encode() in block.data:
        quoted = _lines_where(block, text == ord(source.quote))
        fits[quoted] = False
        if not source.skip_initial_space:  # Else blanks inside quotes, which stay, would go too.
            fits[quoted] = _well_formed(block, quoted, source, width)
    return fits


def _well_formed(block: Block, lines: np.ndarray, source: CsvSource, width: int) -> np.ndarray:
    q, d = (rf"\x{ord(sign):02x}" for sign in (source.quote, source.delimiter))
    field = rf"([^{q}{d}\r\n]*|{q}[^{q}\r\n]*({q}{q}[^{q}\r\n]*)*{q})"
    # Arrow refuses a line of another width anyway; a longer pattern would outgrow its engine.
    times = f"{{{width - 1}}}" if width <= MOST_COUNTED else "*"
    pattern = rf"^{field}({d}{field}){times}\r?\n?$"
    return np.asarray(pc.match_substring_regex(_lines(block).take(pa.array(lines)), pattern))


def _odd_beginnings(block: Block, text: np.ndarray, source: CsvSource) -> list[int]:
    """Lines that may be blank or a comment, or begin with a byte order mark."""
    marks: tuple[bytes, ...] = (source.comment.encode(),) if source.comment else ()
    signs = b"\r\n\t \xef" + b"".join(mark[:1] for mark in marks)
    begins = text[block.offsets[:-1]]
    suspects = np.flatnonzero(np.isin(begins, np.frombuffer(signs, np.uint8))).tolist()
    marks += (BYTE_ORDER_MARK,)
    blank = "\r\n\t ".replace(source.delimiter, "").encode()
    lines = ((at, block.line(at)) for at in suspects)
    return [at for at, line in lines if line.startswith(marks) or not line.strip(blank)]


def _damaged(block: Block, text: np.ndarray) -> list[int]:
    """Lines that are not UTF-8."""
    if _is_utf8(block.data):
        return []
    suspects = _lines_where(block, text >= ASCII).tolist()
    return [at for at in suspects if not _is_utf8(block.line(at))]


def _is_utf8(raw: bytes) -> bool:
    if raw.isascii():
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lone_returns(block: Block, text: np.ndarray) -> np.ndarray:
    """Lines that end in a carriage return alone."""
    if not block.has_lone_returns:
        return np.zeros(0, np.int64)
    return np.flatnonzero(text[block.offsets[1:] - 1] == RETURN)


def _lines_where(block: Block, found: np.ndarray) -> np.ndarray:
    """The lines that have a byte where `found` (bool[bytes]) is true."""
    before = np.searchsorted(np.flatnonzero(found), block.offsets)
    return np.flatnonzero(np.diff(before))


def _lines(block: Block) -> pa.Array:
    """The block's lines as Arrow binaries, without a copy."""
    buffers = [None, pa.py_buffer(block.offsets), pa.py_buffer(block.data)]
    return pa.Array.from_buffers(pa.large_binary(), len(block), buffers)


def _content(block: Block, plain: np.ndarray) -> pa.Buffer:
    """The bytes of the `plain` lines, one after another."""
    if plain.all():
        return pa.py_buffer(block.data)
    chosen = _lines(block).filter(pa.array(plain))
    return chosen.buffers()[2].slice(0, int(np.diff(block.offsets)[plain].sum()))
