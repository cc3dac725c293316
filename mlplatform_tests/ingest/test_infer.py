"""A bare file is read as what it can be shown to be, and as text where that is not sure."""

import gzip
import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.infer import guess, spec_of, usable_names
from mlplatform.ingest.infer_text import PREFIX_BYTES, dialect, type_of
from mlplatform.ingest.storage import LocalFile, local_file
from mlplatform.spec.model import RESERVED, Label
from mlplatform.spec.source import CsvSource

COLUMN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")


def found(tmp_path: Path, content: str | bytes, name: str = "file.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return guess(local_file(path))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "0"], "int64"),
        (["0", "1"], "int64"),
        (["9223372036854775807"], "int64"),
        (["9223372036854775808"], "string"),
        (["1", "2.5"], "float64"),
        (["1e3", ".5", "-2."], "float64"),
        (["1.5", "1234567890123456789"], "string"),
        (["007", "12"], "string"),
        (["-01"], "string"),
        (["00.5"], "string"),
        (["0.5", "0"], "float64"),
        (["+1"], "string"),
        (["0x1A"], "string"),
        (["1e999"], "string"),
        (["nan", "1"], "string"),
        ([" 1"], "string"),
        (["1,000"], "string"),
        (["true", "False"], "bool"),
        (["true", "1"], "bool"),
        (["yes", "no"], "string"),
        (["2024-02-29", "2024-01-01T10:00:00Z"], "timestamp"),
        (["2023-02-29"], "string"),
        (["20240229"], "int64"),
        (["29/02/2024"], "string"),
        (["2024"], "int64"),
        ([], "string"),
    ],
)
def test_a_column_has_a_type_only_if_every_value_can_be_nothing_else(values: list[str], kind: str):
    assert type_of(values) == kind


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_delimiter_is_the_one_that_parts_records_alike(delimiter: str):
    lines = [["name", "age", "note"], ["a b", "1", "x,y;z|w"], ["c", "2", "p"], ["d", "3", '"q"']]
    quoted = [
        [f'"{part}"' if re.search(r"[,;|]", part) else part for part in line] for line in lines
    ]
    seen = dialect("\n".join(map(delimiter.join, quoted)) + "\n")
    assert (seen.delimiter, seen.header) == (delimiter, ["name", "age", "note"])
    assert seen.types == ["string", "int64", "string"]


def test_without_any_delimiter_a_record_is_one_field():
    seen = dialect("word\nalpha\nbeta\n")
    assert (seen.header, seen.types, seen.spaced) == (["word"], ["string"], False)


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("1,2\n3,4\n", None),
        ("a,2019\nx,1\n", None),
        ("red,big\nblue,big\nred,small\n", None),
        ("colour,size\nblue,big\nred,small\n", ["colour", "size"]),
        ("a,b\n", ["a", "b"]),
        ("\n\n a,b\n1,2\n", [" a", "b"]),
        (f"{'x' * 300},b\ny,c\n", None),
        ("x" * 200_000, None),
    ],
)
def test_the_first_record_is_a_header_unless_it_looks_like_the_others(text: str, header):
    assert dialect(text).header == header


def test_blanks_behind_every_delimiter_are_part_of_the_dialect():
    assert dialect("a, b\n1, x\n2, y\n").spaced
    assert not dialect("a, b\n1,x\n2, y\n").spaced


def test_a_marker_means_no_value_where_a_column_is_numbers_but_for_it():
    seen = dialect("n,t,country\n1,2024-01-01,NA\nNA,NA,DE\n3,2024-01-02,?\n")
    assert seen.markers == ["NA"]
    assert seen.types == ["int64", "timestamp", "string"]
    assert dialect("country,city\nNA,?\nDE,-\n").markers == []


def test_a_column_without_values_is_text():
    assert dialect("a,b\n1,\n2,\n").types == ["int64", "string"]


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False, width=32).filter(
                lambda x: abs(x) < 1e15
            ),
            st.sampled_from(["red", "green", "blue"]),
        ),
        min_size=1,
    ),
    st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_was_written_as_numbers_and_words_is_found_as_such(rows, delimiter):
    """The types of a file that any program wrote do not depend on its values."""
    lines = [["whole", "real", "word"], *([str(i), f"{x:f}", w] for i, x, w in rows)]
    seen = dialect("\n".join(map(delimiter.join, lines)))
    assert (seen.delimiter, seen.header) == (delimiter, lines[0])
    assert seen.types == ["int64", "float64", "string"]


@given(st.lists(st.text(max_size=80)))
def test_usable_names_are_names_a_spec_can_have_and_none_twice(names: list[str]):
    made = usable_names(names)
    assert len(made) == len(names)
    assert all(COLUMN_NAME.fullmatch(name) for name in made)
    assert len({name.lower() for name in made} | set(RESERVED)) == len(made) + len(RESERVED)


def test_usable_names_stay_as_they_are_and_others_stay_recognisable():
    names = ["age", "hours-per-week", "Größe (cm)", "", "a\nb", "\x1b[2J", "age", "AGE", "part"]
    assert usable_names(names) == [
        "age",
        "hours-per-week",
        "Groe_cm",
        "column_4",
        "a_b",
        "column_6",
        "age_2",
        "AGE_3",
        "part_2",
    ]


def test_a_header_with_unusable_names_is_left_out_by_its_line(tmp_path: Path):
    seen = found(tmp_path, '\n"a\nb",n,n\nx,1,2\ny,3,4\n')
    assert dict(seen.columns) == {"a_b": "string", "n": "int64", "n_2": "int64"}
    assert dict(seen.names) == {"a_b": "a\nb", "n_2": "n"}
    assert isinstance(seen.source, CsvSource)
    assert (seen.source.header, seen.skip_line) == (False, 2)


def test_gzip_and_marks_of_encodings_are_seen_through(tmp_path: Path):
    text = "city,n\nKöln,1\nBonn,2\n"
    for content in (gzip.compress(text.encode()), text.encode("utf-8-sig"), text.encode("utf-16")):
        seen = found(tmp_path, content)
        assert dict(seen.columns) == {"city": "string", "n": "int64"}


def test_json_lines_are_known_by_their_first_brace(tmp_path: Path):
    rows = [
        {"n": 1, "x": 1, "ok": True, "at": "2024-01-01T00:00:00Z", "s": "a", "nested": {"y": 1}},
        {"n": None, "x": 2.5, "ok": None, "at": "2024-01-02", "s": 3, "late": 1, "big": 2**70},
    ]
    seen = found(tmp_path, "\n".join(map(json.dumps, rows)) + "\nnot json\n")
    assert dict(seen.columns) == {
        "n": "int64",
        "x": "float64",
        "ok": "bool",
        "at": "timestamp",
        "s": "string",
        "late": "int64",
        "big": "float64",
    }
    assert dict(seen.left_out) == {"nested": "nested"}


def test_parquet_is_known_by_its_magic_and_says_its_types(tmp_path: Path):
    table = pa.table(
        {
            "i": pa.array([1], pa.uint16()),
            "f": pa.array([1], pa.float32()),
            "d": pa.array([1], pa.date32()),
            "c": pa.array(["x"]).dictionary_encode(),
            "l": [[1]],
            "b": [True],
            "a b": ["x"],
        }
    )
    pq.write_table(table, tmp_path / "named.csv")
    seen = guess(local_file(tmp_path / "named.csv"))
    assert dict(seen.columns) == {
        "i": "int64",
        "f": "float64",
        "d": "timestamp",
        "c": "string",
        "b": "bool",
        "a_b": "string",
    }
    assert dict(seen.left_out) == {"l": "list<element: int64>"}
    assert dict(seen.names) == {"a_b": "a b"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"empty; there is nothing to look at"),
        (b" \n\n", r"empty; there is nothing to look at"),
        (b"PAR1 and no more", r"no readable Parquet"),
        (gzip.compress(b"a,b\n1,2\n" * 999)[:40], r"gzip"),
        (b"PK\x03\x04zip", r"zip"),
        (b"[1, 2]\n", r"has no column"),
    ],
)
def test_what_nothing_can_be_made_of_is_one_line(tmp_path: Path, content: bytes, said: str):
    with pytest.raises(SourceError, match=said) as refused:
        found(tmp_path, content)
    assert "\n" not in str(refused.value)


@dataclass(frozen=True)
class Counted(LocalFile):
    """A file that knows how many bytes were asked of it."""

    read: list[int] = field(default_factory=list)

    def open(self) -> BinaryIO:
        """Count what is read."""
        stream, counter = super().open(), self.read

        class Raw(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer) -> int:
                count = stream.readinto(buffer)
                counter.append(count)
                return count

        return io.BufferedReader(Raw(), 1 << 16)


@pytest.mark.parametrize("line", [b"1,two\n", b"x" * (1 << 16)])
def test_only_the_beginning_of_a_large_file_is_read_even_of_one_line(tmp_path: Path, line: bytes):
    path = tmp_path / "large.csv"
    path.write_bytes(line * (6 * PREFIX_BYTES // len(line)))
    seen = local_file(path)
    counted = Counted(seen.path, seen.size, seen.modified_ns, seen.inode)
    assert guess(counted).columns
    assert sum(counted.read) < 4 * PREFIX_BYTES


def test_a_spec_without_a_pipeline_refuses_names_that_are_no_column():
    source = CsvSource(kind="csv", files=["f"])
    columns = {"a": "int64", "t": "timestamp"}
    assert spec_of(columns, source, event_time="t", key=["a"]).label.column == ""
    with pytest.raises(SourceError, match="no column 'b'; columns: a, t"):
        spec_of(columns, source, label=Label(column="b", positive="1"))
    with pytest.raises(SourceError, match="'a' is int64; an event time is a timestamp"):
        spec_of(columns, source, event_time="a")
