"""The fast path and the exact one have one meaning, whatever is in the file and however it is cut."""

import csv
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform_tests.ingest.texts import csv_source, from_csv, spec_of

PIECES = [
    *[",", '"', '""', "\n", "\r\n", "\r", " ", "\t", "#", ";", "?", "a", "1", "-2.5", "0x1", "é"],
    *[
        "\ufeff",
        "\0",
        "€",
        '","',
        '\n"',
        '"\n',
        "a,1,2\n",
        "b,2,3.5\n",
        '"l\na,1,2\n",1,2\n',
        '"c",3,4\n',
        "d,x,1\n",
    ],
    *[
        '"e\nf",5,6\n',
        "\n\n",
        "#,1,2\n",
        "g,7\n",
        "h,8,9,9\n",
        '"  k",1,2\n',
        '"h"i,1,1\n',
        "?,?,?\n",
    ],
]
BYTES = [piece.encode() for piece in PIECES] + [b"\xff", b"\xc3", b"j,\xe9,1\n", b"\xed\xa0\x80"]
texts = st.lists(st.sampled_from(BYTES), max_size=40).map(b"".join)
sources = st.builds(
    csv_source,
    limit=st.sampled_from([5, 12, 1024]),
    delimiter=st.sampled_from([",", ";", "\t", " ", "€"]),
    quote=st.sampled_from(['"', "'", "é"]),
    comment=st.sampled_from([None, "#", "é", "a,"]),
    skip_initial_space=st.booleans(),
    missing=st.sampled_from([[""], ["?"], ["?", ""], []]),
)
wide = settings(max_examples=150, deadline=None)


def outcome(text, source, **options):
    """What came of it: the rows and rejects, or the error."""
    spec = spec_of({"name": "string", "age": "int64", "height": "float64"})
    try:
        read = from_csv(text, source, spec, **options)
    except SourceError as wrong:
        return str(wrong)
    return read.rows, read.rejected, read.texts


@wide
@given(texts, sources, st.sampled_from([16, 50, 1 << 20]))
@example(b'a,1,2\n"b\nc",1,2\nd,1,2\n', csv_source(), 16)
@example(b"\xef\xbb\xbf\xef\xbb\xbfa,1,2\n", csv_source(), 16)
@example(b"a,1,2\n\xef\xbb\xbfb,1,2\n", csv_source(), 16)
@example(b'"a",1,2\n"b,1,2\n', csv_source(), 16)
def test_the_fast_path_reads_what_the_exact_one_reads(text, source, piece_bytes):
    """Rows, line numbers, rejects, their reasons and texts, and the error of a whole file."""
    fast = outcome(text, source, piece_bytes=piece_bytes)
    assert fast == outcome(text, source, piece_bytes=piece_bytes, exact=True)


@wide
@given(texts, sources, st.integers(16, 60))
def test_where_the_file_is_cut_into_blocks_changes_nothing(text, source, piece_bytes):
    assert outcome(text, source, piece_bytes=piece_bytes) == outcome(text, source)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from([",", ";"]), st.booleans())
def test_what_python_reads_as_a_whole_is_read_record_for_record(text, delimiter, skip):
    """Against `csv` over the whole text: as many records, of as many fields, beginning where it says."""
    try:
        whole = text.decode()
        expected = list(_records(whole.removeprefix("\ufeff"), delimiter, skip))
    except (UnicodeDecodeError, csv.Error):
        return
    how = csv_source(delimiter=delimiter, skip_initial_space=skip, missing=[])
    columns = {"name": "string", "age": "string", "height": "string"}
    if not any(len(fields) > 1 for _, fields in expected) or expected[0][1] == list(columns):
        return
    read = from_csv(text, how, spec_of(columns), piece_bytes=16)
    good = [(at, tuple(one)) for at, one in expected if len(one) == 3 and "\0" not in "".join(one)]
    assert read.rows == good
    assert [line for line, _, _ in read.rejected] == [
        at for at, one in expected if (at, tuple(one)) not in good
    ]


def _records(text, delimiter, skip):
    """Each record of `text` and its first line, blank lines left out, by csv alone."""
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip, strict=True)
    end = 0
    for fields in reader:
        first, end = end + 1, reader.line_num
        blank = not "".join(fields).strip("\t ") and len(fields) < 2
        raw = "".join(io.StringIO(text, newline="").readlines()[first - 1 : end])
        if fields and not (blank and '"' not in raw):
            yield first, fields
