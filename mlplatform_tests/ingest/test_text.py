"""Streams of bytes become text in constant memory, whatever the file, its encoding and its lines."""

import gzip
import io
import tracemalloc

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.delimited import read_csv
from mlplatform.ingest.jsonl import read_jsonl
from mlplatform.ingest.lines import Block, blocks
from mlplatform.ingest.text import bad_byte, utf8
from mlplatform_tests.ingest.texts import csv_source, from_csv, jsonl_source, spec_of

MEGABYTE = 1 << 20
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "gb18030", "cp1252"]


class Trickle(io.RawIOBase):
    """A stream of parts that comes a few bytes a read, as from a network, and cannot seek."""

    def __init__(self, parts, most=MEGABYTE):
        self._parts, self._rest, self._most = iter(parts), b"", most

    def read(self, size=-1):
        """Return what the network brought, at most `size` bytes."""
        self._rest = self._rest or next(self._parts, b"")
        most = self._most if size < 0 else min(size, self._most)
        part, self._rest = self._rest[:most], self._rest[most:]
        return part


@given(
    st.text(st.characters(codec="cp1252", exclude_characters="\0"), min_size=1, max_size=30),
    st.sampled_from(ENCODINGS),
    st.booleans(),
    st.integers(1, 7),
)
def test_text_comes_out_as_it_went_in_whatever_the_encoding_and_the_reads(
    text, encoding, zipped, most
):
    raw = text.encode(encoding)
    content = gzip.compress(raw[:3]) + gzip.compress(raw[3:]) if zipped else raw
    stream = Trickle([content], most)
    read = b"".join(utf8(stream, "people.csv", "people.csv", encoding, piece_bytes=16))
    assert read.decode() == text.removeprefix("\ufeff")
    assert bad_byte(read, encoding) is None


@given(
    st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r", b"\r\n", b"\0"]), max_size=20),
    st.integers(1, 5),
    st.integers(1, 9),
)
def test_blocks_hold_every_line_once_with_its_number_long_ones_cut(pieces, size, limit):
    text = b"".join(pieces)
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    found = [
        (block.first + index, block.line(index))
        for block in blocks(iter(cut), limit)
        for index in range(len(block))
    ]
    expected = list(enumerate(text.splitlines(keepends=True), 1))
    assert [number for number, _ in found] == [number for number, _ in expected]
    for (_, line), (_, whole) in zip(found, expected, strict=True):
        assert line == whole or (len(whole) > limit < len(line) and whole[:limit] == line[:limit])


def test_the_lines_of_a_block_are_counted_from_its_first():
    block = Block(7, b"a\r\nb\rc")
    assert [block.line(at) for at in range(len(block))] == [b"a\r\n", b"b\r", b"c"]
    assert block.rest(2) == Block(9, b"c")
    assert block.span(0, 2) == b"a\r\nb\r"
    assert len(Block(1, b"")) == 0


def peak_of(read):
    """Megabytes that reading adds at most, Python's and Arrow's together; and its records."""
    from_csv("ann,1,x\n", exact=False)  # What is imported only now is not reading's.
    pool = pa.default_memory_pool()
    before, arrow, rows, rejected = pool.bytes_allocated(), 0, 0, []
    tracemalloc.start()
    for chunk in read:
        arrow = max(arrow, pool.bytes_allocated() - before)
        rows += chunk.rows.num_rows
        rejected += chunk.rejected["reason"].to_pylist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak + arrow) / MEGABYTE, rows, rejected


LONG = ["longer than 1,048,576 bytes"]


@pytest.mark.parametrize("end", [b"\n", b""])
def test_one_line_of_64_megabytes_is_rejected_in_constant_memory(end):
    parts = [b"ann,1,1.5\n", *([b"x" * MEGABYTE] * 64), end, b"bob,2,2\n" if end else b""]
    read = read_csv(Trickle(parts), "people.csv", "people.csv", csv_source(), spec_of())
    megabytes, rows, rejected = peak_of(read)
    assert megabytes < 12
    assert (rows, rejected) == (1 + bool(end), LONG)


def test_one_quoted_record_of_64_megabytes_is_rejected_in_constant_memory():
    """Its lines are records of their own then, and all are rejected: each has one field."""
    parts = [b'ann,1,1.5\n"', *([b"x" * (MEGABYTE // 2) + b"\n"] * 128), b'",1,1\n']
    read = read_csv(Trickle(parts), "people.csv", "people.csv", csv_source(), spec_of())
    megabytes, rows, rejected = peak_of(read)
    assert megabytes < 20
    assert (rows, len(rejected)) == (1, 129)


def test_one_json_line_of_64_megabytes_is_rejected_in_constant_memory():
    parts = [b'{"age": 1}\n{"name": "', *([b"x" * MEGABYTE] * 64), b'"}\n{"age": 1}\n']
    read = read_jsonl(Trickle(parts), "people", "people", jsonl_source(), spec_of())
    megabytes, rows, rejected = peak_of(read)
    assert megabytes < 12
    assert (rows, rejected) == (2, LONG)


def test_a_gzip_that_unpacks_to_64_megabytes_is_read_in_constant_memory():
    bomb = gzip.compress(b"ann,1,1.5\n" + b"x" * (64 * MEGABYTE), compresslevel=1)
    read = read_csv(io.BytesIO(bomb), "people.gz", "people.gz", csv_source(), spec_of())
    megabytes, rows, rejected = peak_of(read)
    assert megabytes < 12
    assert (rows, rejected) == (1, LONG)


def test_many_rows_take_no_more_memory_than_fewer():
    peaks = []
    for times in (4, 16):
        parts = [b"ann,1,1.5\nbob,2,2\n" * (MEGABYTE // 18)] * times
        read = read_csv(Trickle(parts), "people.csv", "people.csv", csv_source(), spec_of())
        megabytes, rows, rejected = peak_of(read)
        assert (rows, rejected) == (2 * times * (MEGABYTE // 18), [])
        peaks.append(megabytes)
    assert peaks[1] < peaks[0] * 1.2 < 60


def test_a_truncated_gzip_yields_what_it_holds_and_then_the_error():
    """Whoever reads must keep nothing until the end is reached."""
    rows = (f"ann,{number * number},1.5\n" for number in range(200_000))
    whole = gzip.compress("".join(rows).encode(), compresslevel=1)
    read = read_csv(
        io.BytesIO(whole[:-2000]), "people.gz", "data/people.gz", csv_source(), spec_of()
    )
    assert next(read).rows.num_rows > 0
    with pytest.raises(SourceError, match=r"^data/people\.gz: truncated or damaged gzip"):
        list(read)


def test_a_stream_that_breaks_is_one_line_of_error():
    def parts():
        yield b"ann,1,1.5\n"
        raise OSError(5, "Input/output error")

    with pytest.raises(SourceError, match=r"^people\.csv: cannot be read: Input/output error$"):
        list(read_csv(Trickle(parts()), "people.csv", "people.csv", csv_source(), spec_of()))


@pytest.mark.parametrize("encoding", ["undefined", "idna", "punycode", "unicode\0", ""])
def test_encodings_that_are_not_for_files_are_refused_in_one_line(encoding):
    stream = io.BytesIO(b"ann,1,1.5\n")
    with pytest.raises(SourceError, match=r"people\.csv: .*") as error:
        list(utf8(stream, "people.csv", "people.csv", encoding))
    assert "\n" not in str(error.value)
