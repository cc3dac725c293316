"""Delimited text becomes rows of strings that know their true line."""

import csv
import gzip
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.records import parse
from mlplatform.ingest.text import decode, read_bytes
from mlplatform.spec.source import CsvSource

PATH = Path("data/people.csv")
COLUMNS = ["name", "age", "member"]
LINE_BREAK = re.compile("\r\n|\r|\n")

fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
rows = st.lists(st.lists(fields, min_size=3, max_size=3), min_size=1, max_size=8)
between = st.lists(st.sampled_from(["", "  ", "# a comment, with commas", "#"]), max_size=2)


def source(**changes: object) -> CsvSource:
    return CsvSource.model_validate({"files": ["people.csv"], "header": False, **changes})


@given(
    rows,
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.data(),
)
def test_every_field_survives_and_every_row_knows_the_line_it_began_on(
    written, delimiter, line_end, header, data
):
    """Whatever stands in the fields, and however many comments and blank lines lie between."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    expected = []
    for record in [COLUMNS] * header + written:
        for line in data.draw(between):
            text.write(("" if delimiter == " " else line) + line_end)
        expected.append((record, len(LINE_BREAK.findall(text.getvalue())) + 1))
        writer.writerow(record)

    how = source(delimiter=delimiter, comment="#", header=header, missing=["?"])
    table = parse(text.getvalue(), PATH, how, COLUMNS)

    expected = expected[1:] if header else expected
    assert table["source_line"].to_pylist() == [line for _, line in expected]
    for position, name in enumerate(COLUMNS):
        values = [record[position] for record, _ in expected]
        assert table[name].to_pylist() == [None if v == "?" else v for v in values]
    assert set(table["source_file"].to_pylist()) == {"people.csv"}


def test_blanks_after_delimiters_are_dropped_only_where_the_spec_says_so():
    kept = parse("ann, 41, yes\n", PATH, source(), COLUMNS)
    dropped = parse("ann, 41, yes\n", PATH, source(skip_initial_space=True), COLUMNS)
    assert kept["age"].to_pylist() == [" 41"]
    assert dropped["age"].to_pylist() == ["41"]


def test_an_empty_field_is_a_value_where_another_marker_means_missing():
    table = parse("ann,,?\n", PATH, source(missing=["?"]), COLUMNS)
    assert table["age"].to_pylist() == [""]
    assert table["member"].to_pylist() == [None]


def test_a_line_of_tabs_is_a_row_of_empty_fields_and_not_a_blank_line():
    table = parse("\t\t\n", PATH, source(delimiter="\t", missing=["?"]), COLUMNS)
    assert table["name"].to_pylist() == [""]


def test_a_comment_sign_inside_a_quoted_line_break_is_content():
    table = parse('"ann\n#x",1,2\n#gone\nbob,3,4\n', PATH, source(comment="#"), COLUMNS)
    assert table["name"].to_pylist() == ["ann\n#x", "bob"]
    assert table["source_line"].to_pylist() == [1, 4]


def test_gzip_is_known_by_its_first_bytes_and_a_byte_order_mark_is_no_content(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(gzip.compress("\ufeffann,1,yes\n".encode()))
    table = parse(decode(read_bytes(path), path, "utf-8"), path, source(), COLUMNS)
    assert table["name"].to_pylist() == ["ann"]


MALFORMED = {
    "too few fields": (
        "a,1,y\n\nb,2\n",
        {},
        r"people\.csv:3: 2 fields, expected 3 \(name … member",
    ),
    "too many fields": ("a,1,y\nb,2,y,z\n", {}, r"people\.csv:2: 4 fields, expected 3"),
    "another delimiter": (
        "a;1;y\nb;2;y\n",
        {},
        r"people\.csv: every line has 1 field with source\.delimiter ',', expected 3; ';' would give 3",
    ),
    "another delimiter below a header": (
        "name;age;member\nb;2;y\n",
        {"header": True},
        r"people\.csv: the header has 1 field with source\.delimiter ','.*';' would give 3",
    ),
    "no table at all": ("hello\nworld\n", {}, r"every line has 1 field.*is it the right file\?"),
    "one short line first": ("a\nb,2,y\n", {}, r"people\.csv:1: 1 fields, expected 3"),
    "an open quote": (
        'a,1,y\n"b,2,y\nc,3,y\n',
        {},
        r"people\.csv:2: unexpected end of data; a quote",
    ),
    "text behind a quote": ('a,1,y\n"b"x,2,y\n', {}, r"people\.csv:2: ',' expected after '\"'"),
    "nothing": ("", {}, r"people\.csv: no rows; expected 3 columns"),
    "only comments": ("#a\n\n", {"comment": "#"}, r"people\.csv: no rows; expected 3 columns"),
    "nothing with a header": (
        "",
        {"header": True},
        r"people\.csv: empty; expected a header with name",
    ),
    "only a header": (
        "name,age,member\n",
        {"header": True},
        r"people\.csv: no rows below the header",
    ),
    "another header": (
        "name,years,member\na,1,y\n",
        {"header": True},
        r"people\.csv:1: the header names 'years' where `columns` declares 'age'; declare",
    ),
    "a shorter header": (
        "name,age\na,1\n",
        {"header": True},
        r"the header names 'nothing' where `columns` declares 'member'",
    ),
    "a longer header": (
        "name,age,member,x\na,1,y,2\n",
        {"header": True},
        r"the header names 'x' where `columns` declares 'nothing'",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_text_is_one_error_naming_file_and_line_and_what_to_do(case):
    text, changes, message = MALFORMED[case]
    with pytest.raises(SourceError, match=message) as error:
        parse(text, PATH, source(**changes), COLUMNS)
    assert "\n" not in str(error.value)


def test_a_missing_file_says_which_setting_names_it(tmp_path):
    with pytest.raises(SourceError, match=r"gone\.csv: no such file; .*source\.files"):
        read_bytes(tmp_path / "gone.csv")


def test_a_folder_is_no_source_file(tmp_path):
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)


WHOLE = gzip.compress(b"ann,1,yes\n" * 1000)
DAMAGED = {
    "truncated": (
        WHOLE[: len(WHOLE) // 2],
        "utf-8",
        r"p\.gz: truncated or damaged gzip .*fetch it again",
    ),
    "without its checksum": (WHOLE[:-4], "utf-8", "truncated or damaged gzip"),
    "flipped": (WHOLE[:-6] + b"\xff" + WHOLE[-5:], "utf-8", "truncated or damaged gzip"),
    "not gzip": (b"ann,1,yes\n", "utf-8", r"p\.gz: ends in \.gz but is not gzip"),
    "mis-encoded": (
        gzip.compress(b"a,1,y\nb,2,y\nZo\xeb,3,y\n"),
        "utf-8",
        r"p\.gz:3: byte 0xeb is not utf-8; repair the file or set source\.encoding \(latin-1\?\)",
    ),
    "utf-16": (gzip.compress("a,1,y\n".encode("utf-16")), "utf-8", r"byte 0xff.*\(utf-16\?\)"),
    "NUL": (gzip.compress(b"a,1,y\nb,\0,y\n"), "utf-8", r"p\.gz:2: a NUL character"),
    "no encoding": (
        gzip.compress(b"a,1,y\n"),
        "utf9",
        "source.encoding 'utf9' is no text encoding",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_bytes_are_one_error_naming_the_file(case):
    raw, encoding, message = DAMAGED[case]
    with pytest.raises(SourceError, match=message):
        decode(raw, Path("p.gz"), encoding)
