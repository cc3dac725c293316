"""Landing: every file once and whole, or nothing and one line that says why."""

import gzip
import signal
import subprocess
import sys
from dataclasses import replace
from textwrap import dedent

import pyarrow as pa
import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import land, land_file, withdraw_file
from mlplatform_tests.ingest.conftest import COLUMNS, LINEAGE, ROOT

A = "ann,41,1.68,yes\nbob,?,1.80,no\n"
B = "cy,7,1.20,no\n"


def names(table):
    return table.read()["name"].to_pylist()


def test_files_land_in_the_order_declared_as_text_with_their_lines(make_pipeline, table):
    pipeline = make_pipeline({"a.csv": A, "b.csv.gz": gzip.compress(B.encode())}, missing=["?"])
    version = land(pipeline, table, LINEAGE)
    landed = table.read(version)
    assert landed.schema.names == [*COLUMNS, "source_file", "source_line"]
    assert landed.schema.types == [pa.string()] * 5 + [pa.int64()]
    assert landed["age"].to_pylist() == ["41", None, "7"]
    assert landed["source_file"].to_pylist() == ["a.csv", "a.csv", "b.csv.gz"]
    assert landed["source_line"].to_pylist() == [1, 2, 1]
    assert version.rows == 3


def test_landing_again_adds_no_version_and_a_file_added_to_the_spec_is_appended(
    make_pipeline, table
):
    first = land(make_pipeline({"a.csv": A}, missing=["?"]), table, LINEAGE)
    later = replace(LINEAGE, run_id="run-2")
    assert land(make_pipeline({"a.csv": A}, missing=["?"]), table, later) == first
    both = make_pipeline({"a.csv": A, "b.csv": B}, missing=["?"])
    second = land(both, table, later)
    assert (second.number, second.rows) == (first.number + 1, 3)
    assert names(table) == ["ann", "bob", "cy"]


def test_a_changed_file_replaces_what_it_was_in_one_version_and_can_change_back(
    make_pipeline, table
):
    lineage = iter(replace(LINEAGE, run_id=f"run-{number}") for number in range(9))
    original = land(make_pipeline({"a.csv": B, "b.csv": B}), table, next(lineage))
    changed = land(make_pipeline({"a.csv": "di,1,1.5,no\n", "b.csv": B}), table, next(lineage))
    assert changed.number == original.number + 1
    assert names(table) == ["di", "cy"]
    land(make_pipeline({"a.csv": B, "b.csv": B}), table, next(lineage))
    assert names(table) == ["cy", "cy"]


def test_a_file_taken_out_of_the_spec_and_put_back_lands_again(make_pipeline, table):
    """Its append token is in the log already, from before the table was replaced."""
    other = "di,1,1.5,no\n"
    for number, files in enumerate(({"a.csv": B}, {"a.csv": B, "b.csv": other}, {"a.csv": B})):
        land(make_pipeline(files), table, replace(LINEAGE, run_id=f"run-{number}"))
    assert names(table) == ["cy"]
    land(make_pipeline({"a.csv": B, "b.csv": other}), table, replace(LINEAGE, run_id="run-9"))
    assert names(table) == ["cy", "di"]


def test_another_missing_marker_is_read_into_the_table_though_no_byte_changed(make_pipeline, table):
    columns = dict.fromkeys(COLUMNS, "string")
    land(make_pipeline({"a.csv": A}, columns=columns), table, LINEAGE)
    assert table.read()["age"].to_pylist() == ["41", "?"]
    land(make_pipeline({"a.csv": A}, columns=columns, missing=["?"]), table, LINEAGE)
    assert table.read()["age"].to_pylist() == ["41", None]


def test_a_batch_lands_once_and_stays_when_the_source_lands_again(make_pipeline, table, tmp_path):
    pipeline = make_pipeline({"a.csv": B})
    land(pipeline, table, LINEAGE)
    batch = tmp_path / "batch.csv"
    batch.write_text("di,1,1.5,no\n")
    version = land_file(pipeline, batch, table, LINEAGE)
    assert land_file(pipeline, batch, table, LINEAGE) == version
    assert land(pipeline, table, LINEAGE) == version
    assert names(table) == ["cy", "di"]


def test_a_batch_named_like_a_landed_file_is_refused_because_rows_are_known_by_file(
    make_pipeline, table, tmp_path
):
    pipeline = make_pipeline({"a.csv": B})
    version = land(pipeline, table, LINEAGE)
    (tmp_path / "elsewhere").mkdir()
    batch = tmp_path / "elsewhere" / "a.csv"
    batch.write_text("di,1,1.5,no\n")
    with pytest.raises(SourceError, match=r"another a\.csv has landed in people/source"):
        land_file(pipeline, batch, table, LINEAGE)
    assert table.latest() == version


def test_a_changed_source_never_drops_a_batch_that_the_spec_does_not_declare(
    make_pipeline, table, tmp_path
):
    land(make_pipeline({"a.csv": B}), table, LINEAGE)
    batch = tmp_path / "batch.csv"
    batch.write_text("di,1,1.5,no\n")
    land_file(make_pipeline({"a.csv": B}), batch, table, LINEAGE)
    changed = "cy,8,1.20,no\n"
    with pytest.raises(SourceError, match=r"lose the batch batch\.csv; add it to source\.files"):
        land(make_pipeline({"a.csv": changed}), table, LINEAGE)
    assert names(table) == ["cy", "di"]
    land(make_pipeline({"a.csv": changed, "batch.csv": "di,1,1.5,no\n"}), table, LINEAGE)
    assert table.read()["age"].to_pylist() == ["8", "1"]


BAD_SECOND_FILES = {
    "ragged": (b"cy,7,1.2,no\ndi,8\n", r"b\.csv:2: 2 fields, expected 4"),
    "another type": (b"cy,7,1.2,no\ndi,eight,1.2,no\n", r"^b\.csv:2: age: 'eight' is no int64"),
    "not finite": (b"cy,7,1e999,no\n", r"^b\.csv:1: height: '1e999' is no float64"),
    "mis-encoded": (b"Zo\xeb,7,1.2,no\n", r"b\.csv:1: byte 0xeb is not utf-8"),
    "another delimiter": (b"cy;7;1.2;no\n", r"b\.csv: every line has 1 field"),
    "truncated": (gzip.compress(b"cy,7,1.2,no\n")[:-9], r"b\.csv: truncated or damaged gzip"),
    "empty": (b"", r"b\.csv: no rows"),
}


@pytest.mark.parametrize("case", BAD_SECOND_FILES)
def test_one_bad_file_keeps_every_file_out_of_the_table(make_pipeline, table, case):
    raw, message = BAD_SECOND_FILES[case]
    with pytest.raises(SourceError, match=message) as error:
        land(make_pipeline({"a.csv": B, "b.csv": raw}), table, LINEAGE)
    assert "\n" not in str(error.value)
    assert not table.exists()


def test_a_bad_change_of_a_file_leaves_the_last_good_version(make_pipeline, table):
    version = land(make_pipeline({"a.csv": B}), table, LINEAGE)
    with pytest.raises(SourceError, match="'x' is no int64"):
        land(make_pipeline({"a.csv": "cy,x,1.2,no\n"}), table, LINEAGE)
    assert table.latest() == version


def test_a_missing_file_keeps_the_others_out(make_pipeline, table, tmp_path):
    pipeline = make_pipeline({"a.csv": A, "b.csv": B})
    (tmp_path / "b.csv").unlink()
    with pytest.raises(SourceError, match=r"b\.csv: no such file; put it there or correct"):
        land(pipeline, table, LINEAGE)
    assert not table.exists()


def test_two_declared_files_of_one_name_are_refused(make_pipeline, table, tmp_path):
    for year in ("1993", "1994"):
        (tmp_path / year).mkdir()
    with pytest.raises(SourceError, match=r"2 files named a\.csv.*rename all but one"):
        land(make_pipeline({"1993/a.csv": B, "1994/a.csv": B}), table, LINEAGE)


def test_a_withdrawn_batch_is_gone_and_can_land_again(make_pipeline, table, tmp_path):
    pipeline = make_pipeline({"a.csv": A}, missing=["?"])
    land(pipeline, table, LINEAGE)
    for name, text in (("bad.csv", B), ("good.csv", B.replace("cy", "di"))):
        (tmp_path / name).write_text(text)
        land_file(pipeline, tmp_path / name, table, LINEAGE)
    withdraw_file("bad.csv", table, LINEAGE)
    assert names(table) == ["ann", "bob", "di"]
    before = table.latest()
    assert land(pipeline, table, LINEAGE) == before
    assert land_file(pipeline, tmp_path / "good.csv", table, LINEAGE) == before
    land_file(pipeline, tmp_path / "bad.csv", table, LINEAGE)
    assert names(table) == ["ann", "bob", "di", "cy"]


def test_only_a_landed_batch_can_be_withdrawn(make_pipeline, table):
    pipeline = make_pipeline({"a.csv": A}, missing=["?"])
    land(pipeline, table, LINEAGE)
    for name in ("a.csv", "never.csv"):
        with pytest.raises(SourceError, match=f"no batch '{name}' has landed; batches: none"):
            withdraw_file(name, table, LINEAGE)


KILLED = """
import os, signal
from pathlib import Path
from mlplatform.ingest.source import land
from mlplatform.lake import Lake, Table
from mlplatform.spec import Pipeline, validate
from mlplatform_tests.ingest.conftest import COLUMNS, LINEAGE

append = Table.append

def append_then_die(self, *args, **kwargs):
    append(self, *args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)

Table.append = append_then_die
folder = Path({folder!r})
spec = validate(
    {{
        "name": "people",
        "source": {{"files": ["a.csv", "b.csv", "c.csv"], "header": False}},
        "columns": COLUMNS,
        "label": {{"column": "member", "positive": "yes"}},
    }},
    folder,
)
land(Pipeline(spec=spec, folder=folder), Lake(folder / "lake").table("people/source"), LINEAGE)
"""


def test_a_landing_that_is_killed_after_each_file_ends_in_the_same_rows(
    make_pipeline, table, tmp_path
):
    """Three files need three lives; the fourth run finds nothing to do."""
    files = {"a.csv": B, "b.csv": "di,1,1.5,no\n", "c.csv": "ed,2,1.6,yes\n"}
    pipeline = make_pipeline(files)
    program = dedent(KILLED.format(folder=str(tmp_path)))
    for _ in files:
        died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False)
        assert died.returncode == -signal.SIGKILL
    last = table.latest()
    assert land(pipeline, table, LINEAGE) == last
    assert names(table) == ["cy", "di", "ed"]
