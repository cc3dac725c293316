"""Delimited text as it is written comes back whole, every row knowing its line."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest import csv_fast
from mlplatform.ingest.csv_exact import Records, Splitter
from mlplatform.ingest.lines import Block
from mlplatform_tests.ingest.texts import COLUMNS, csv_source, from_csv, spec_of

LINE_BREAK = re.compile("\r\n|\r|\n")
STRINGS = dict.fromkeys(COLUMNS, "string")
fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
between = st.lists(st.sampled_from(["", "  ", "# a comment, with commas", "#"]), max_size=2)
malformed = st.sampled_from([["a"], ["a", "1"], ["a", "1", "2", "3"], ["a", "b\0", "c"]])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(fields, min_size=3, max_size=3) | malformed, min_size=2, max_size=8),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_every_record_comes_back_once_at_the_line_it_began_on(
    written, delimiter, line_end, header, exact, data
):
    """Rows and rejects are the records written, whatever they hold and what lies between them."""
    text, records = "", []
    for record in [list(COLUMNS)] * header + [["ann", "1", "2"], *written]:
        for line in data.draw(between):
            text += ("" if delimiter == " " else line) + line_end
        records.append((len(LINE_BREAK.findall(text)) + 1, record))
        text += delimiter.join(map(_quoted, record)) + line_end
    how = csv_source(delimiter=delimiter, comment="#", header=header, missing=["?"])

    read = from_csv(text, how, spec_of(STRINGS), exact=exact, piece_bytes=20)

    expected = records[header:]
    good = [(at, one) for at, one in expected if len(one) == 3 and "\0" not in "".join(one)]
    rows = [(at, tuple(None if field == "?" else field for field in one)) for at, one in good]
    assert read.rows == rows
    assert [at for at, _, _ in read.rejected] == [
        at for at, one in expected if (at, one) not in good
    ]


def _quoted(field):
    """As writers do that quote where they need to."""
    return field if field.isalnum() else '"' + field.replace('"', '""') + '"'


def test_blanks_after_delimiters_are_dropped_only_where_the_spec_says_so():
    spec = spec_of(STRINGS)
    assert from_csv("ann, 41, yes\n", None, spec).rows == [(1, ("ann", " 41", " yes"))]
    dropped = csv_source(skip_initial_space=True, missing=["?"])
    assert from_csv("ann, 41,  ?\n", dropped, spec).rows == [(1, ("ann", "41", None))]


def test_an_empty_field_is_a_value_where_another_marker_means_missing():
    read = from_csv('ann,,?\nbob,"",??\n', csv_source(missing=["?"]), spec_of(STRINGS))
    assert read.rows == [(1, ("ann", "", None)), (2, ("bob", "", "??"))]


def test_a_line_of_tabs_is_a_row_of_empty_fields_and_not_a_blank_line():
    read = from_csv("\t\t\n", csv_source(delimiter="\t", missing=["?"]), spec_of(STRINGS))
    assert read.rows == [(1, ("", "", ""))]


def test_the_labels_ending_is_dropped_and_no_other_columns():
    read = from_csv("ann..,2.,3\n,2.,3\n", None, spec_of(STRINGS, strip="."))
    assert read.rows == [(1, ("ann", "2.", "3")), (2, (None, "2.", "3"))]


def test_what_is_rejected_shows_its_beginning_without_its_line_end():
    long = "b" * 5000
    read = from_csv(f'ann,1,1.5\nx,y,z\r\n"a\nb",1\n{long},1\n"{long}\nc,\n', None)
    assert read.texts == ["x,y,z", '"a\nb",1', long[:1000], f'"{long}'[:1000], "c,"]


def test_an_error_behind_the_first_block_names_the_line_in_the_file():
    """Numbers go on from block to block, over comments, blank lines and quoted line breaks."""
    text = '#\n"a\nn",1,1\n\n' + "ann,1,1.5\n" * 500 + "bob,x,2\n"
    read = from_csv(text, csv_source(comment="#"), piece_bytes=64)
    assert read.rejected == [(505, "age", "'x' is no int64")]
    assert read.records == 502


def test_a_bad_file_is_refused_only_when_it_was_read_so_nothing_of_it_may_be_kept():
    """A delimiter is wrong only if it is wrong in every line; the first good one decides."""
    text = "ann;1;1.5\n" * 200
    with pytest.raises(SourceError, match="every line has 1 field"):
        from_csv(text, piece_bytes=64)
    read = from_csv(text + "bob,1,2\n", piece_bytes=64)
    assert (len(read.rejected), read.rows) == (200, [(201, ("bob", 1, 2.0))])


PLAIN = [
    b"ann,1,1.5\n",
    b"ann,1,1.5\r\n",
    b"ann,1,1.5",
    b",,\n",
    b'"ann",1,"1.5"\n',
    b'"a""n,n",1,""\r\n',
    "Zoë,1,1\n".encode(),
    b" ann , 1,\t\n",
    b"=1+1,@,#\n",
]
NOT_PLAIN = [
    b"ann,1\n",
    b"ann,1,2,3\n",
    b"\n",
    b" \t\n",
    b"#ann,1,1\n",
    b"ann,1,\0\n",
    b"ann,1,\xff\n",
    b"\xef\xbb\xbfann,1,1\n",
    b'"ann,1,1\n',
    b'"an"n,1,1\n',
    b'an"n,1,1\n',
    b'"a"",1,1\n',
    b'"a,b",1\n',
    b"ann,1,1\r",
    b"ann,1," + b"1" * 1024 + b"\n",
]


@pytest.mark.parametrize("lines", [PLAIN[:2] + PLAIN[3:] + PLAIN[2:3], [PLAIN[0]] * 9])
def test_well_formed_lines_all_take_the_fast_path_and_are_read_there(lines):
    block, source = Block(1, b"".join(lines)), csv_source(comment="#")
    plain = csv_fast.plain_lines(block, source, 3)
    assert plain.tolist() == [True] * 9
    names = csv_fast.fields(block, plain, source, 3)[0].to_pylist()
    records = Records(block, list(COLUMNS), Splitter(source), final=True)
    expected = [records.at(line)[0].fields[0] or None for line in range(9)]
    assert names == expected


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_whatever_else_a_line_is_it_is_looked_at_by_itself(line):
    block = Block(1, b"".join([PLAIN[0], line, *PLAIN[:2]]))
    source = csv_source(comment="#", limit=1024)
    assert csv_fast.plain_lines(block, source, 3).tolist() == [True, False, True, True]


def test_where_blanks_are_skipped_the_exact_path_keeps_those_inside_quotes():
    text, how = ' ann, 1,1\n "  bob", "1",1\n"  cy",1,1\n', csv_source(skip_initial_space=True)
    plain = csv_fast.plain_lines(Block(1, text.encode()), how, 3)
    assert plain.tolist() == [True, False, False]
    assert [values[0] for _, values in from_csv(text, how).rows] == ["ann", "  bob", "  cy"]


def test_a_field_longer_than_pythons_limit_is_a_field_like_others():
    name = 'a "' * 60_000
    text = '"' + name.replace('"', '""') + '",1,1.5\n'
    assert from_csv(text, exact=True).rows == [(1, (name, 1, 1.5))] == from_csv(text).rows


def test_wide_rows_with_quotes_are_read_by_both_paths_alike():
    spec = spec_of({f"c{at}": "string" for at in range(1200)})
    good = ",".join(f'"{at}"' if at % 7 else str(at) for at in range(1200))
    text = f"{good}\n{good},x\n{good}\n"
    read = from_csv(text, None, spec)
    assert [line for line, _ in read.rows] == [1, 3]
    assert read.rejected == [(2, None, "1201 fields, expected 1200")]
    assert read == from_csv(text, None, spec, exact=True)


def test_where_arrow_finds_other_records_it_reads_none(monkeypatch):
    """The last line of defence: the counts differ, and the block is read one by one."""
    text = "ann,1,1.5\nbob,2\ncy,3,3.5\n"
    expected = from_csv(text)
    everything = lambda block, source, width: np.ones(len(block), bool)  # noqa: E731
    monkeypatch.setattr(csv_fast, "plain_lines", everything)
    assert from_csv(text) == expected


@pytest.mark.parametrize("limit", [1024, 1 << 20])
@pytest.mark.parametrize("last", [b"", b'a"b\n'], ids=["never closed", "badly closed"])
def test_a_file_made_to_be_slow_is_not(limit, last):
    """Every line opens a quote that never closes: one look at each, not at all behind each."""
    looks = 0
    lines = b'a","\n' * 3000 + last
    splitter = Splitter(csv_source(limit=limit))
    records = Records(Block(1, lines), list(COLUMNS), splitter, final=True)
    count = splitter.record

    def counted(given):
        nonlocal looks
        looks += len(given)
        return count(given)

    splitter.record = counted
    reasons = {records.at(line)[0].reason for line in range(3000)}
    assert reasons == {"a quote opened here is not closed"}
    assert looks <= 3 * 3000
