"""Landing files: every file once and whole, or nothing and one line that says why."""

import gzip
from dataclasses import replace

import pyarrow as pa
import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import files_of, identities_of, land, land_file, withdraw_file
from mlplatform.lake import Table
from mlplatform_tests.ingest.conftest import COLUMNS, LINEAGE
from mlplatform_tests.ingest.landings import names

A = "ann,41,1.68,yes\nbob,?,1.80,no\n"
B = "cy,7,1.20,no\n"
D = "di,1,1.5,no\n"


def test_files_land_in_the_order_declared_as_typed_rows_with_their_lines(
    make_pipeline, lake, table
):
    pipeline = make_pipeline({"a.csv": A, "b.csv.gz": gzip.compress(B.encode())}, missing=["?"])
    version = land(pipeline, lake, LINEAGE)
    landed = table.read(version)
    assert landed.schema.names == [*COLUMNS, "source_file", "source_line"]
    assert [str(t) for t in landed.schema.types] == [
        "string", "int64", "double", "string", "string", "int64",
    ]  # fmt: skip
    assert landed["age"].to_pylist() == [41, None, 7]
    assert landed["source_file"].to_pylist() == ["a.csv", "a.csv", "b.csv.gz"]
    assert landed["source_line"].to_pylist() == [1, 2, 1]
    assert (version.rows, version.number) == (3, 1)


def test_json_lines_land_too(make_pipeline, lake, tmp_path):
    line = '{"name": "ann", "age": 41, "height": 1.68, "member": "yes"}\n'
    (tmp_path / "a.jsonl").write_text(line)
    pipeline = make_pipeline({}, source={"kind": "jsonl", "files": ["a.jsonl"]})
    land(pipeline, lake, LINEAGE)
    assert names(lake) == ["ann"]


def test_landing_again_adds_no_version_and_a_file_added_to_the_spec_is_appended(
    make_pipeline, lake
):
    first = land(make_pipeline({"a.csv": A}, missing=["?"]), lake, LINEAGE)
    later = replace(LINEAGE, run_id="run-2")
    assert land(make_pipeline({"a.csv": A}, missing=["?"]), lake, later) == first
    both = make_pipeline({"a.csv": A, "b.csv": B}, missing=["?"])
    second = land(both, lake, later)
    assert (second.number, second.rows) == (first.number + 1, 3)
    assert names(lake) == ["ann", "bob", "cy"]


def test_a_changed_file_replaces_what_it_was_in_one_version_and_can_change_back(
    make_pipeline, lake
):
    original = land(make_pipeline({"a.csv": B, "b.csv": B}), lake, LINEAGE)
    changed = land(make_pipeline({"a.csv": D, "b.csv": B}), lake, LINEAGE)
    assert changed.number == original.number + 1
    assert names(lake) == ["di", "cy"]
    land(make_pipeline({"a.csv": B, "b.csv": B}), lake, LINEAGE)
    assert names(lake) == ["cy", "cy"]


def test_a_change_ends_in_the_rows_of_a_landing_from_nothing(make_pipeline, lake, tmp_path):
    """Rows of unchanged files come from the table; they are the same rows in the same order."""
    from mlplatform.lake import Lake

    files = {"a.csv": A, "b.csv": B, "c.csv": D}
    land(make_pipeline(files, missing=["?"]), lake, LINEAGE)
    changed = make_pipeline(files | {"b.csv": "ed,2,1.6,yes\nfay,3,1.6,no\n"}, missing=["?"])
    land(changed, lake, LINEAGE)
    fresh = Lake(tmp_path / "fresh")
    land(changed, fresh, LINEAGE)
    assert lake.table("people/source").read() == fresh.table("people/source").read()


def test_files_that_landed_in_another_order_than_declared_are_kept_in_one_pass(
    make_pipeline, lake, table, monkeypatch
):
    """As late files do: a replacement keeps their places and reads the table once."""
    files = {"c.csv": A, "b.csv": B, "a.csv": D}
    land(make_pipeline(files, missing=["?"]), lake, LINEAGE)
    opened, real = [], Table.batches
    monkeypatch.setattr(Table, "batches", lambda *of: opened.append(of) or real(*of))
    late = {"0.csv": "fay,3,1.6,no\n", "a.csv": D, "b.csv": "ed,2,1.6,yes\n", "c.csv": A}
    land(make_pipeline(late, missing=["?"]), lake, LINEAGE)
    assert names(lake) == ["ann", "bob", "ed", "di", "fay"]
    assert len(opened) == 1


def test_a_file_taken_out_of_the_spec_and_put_back_lands_again(make_pipeline, lake):
    """Its append token is in the log already, from before the table was replaced."""
    for files in ({"a.csv": B}, {"a.csv": B, "b.csv": D}, {"a.csv": B}):
        land(make_pipeline(files), lake, LINEAGE)
    assert names(lake) == ["cy"]
    land(make_pipeline({"a.csv": B, "b.csv": D}), lake, LINEAGE)
    assert names(lake) == ["cy", "di"]


def test_another_missing_marker_is_read_into_the_table_though_no_byte_changed(
    make_pipeline, lake, table
):
    columns = dict.fromkeys(COLUMNS, "string")
    land(make_pipeline({"a.csv": A}, columns=columns), lake, LINEAGE)
    assert table.read()["age"].to_pylist() == ["41", "?"]
    land(make_pipeline({"a.csv": A}, columns=columns, missing=["?"]), lake, LINEAGE)
    assert table.read()["age"].to_pylist() == ["41", None]


def test_another_declared_type_is_read_into_the_table_though_no_byte_changed(
    make_pipeline, lake, table
):
    land(make_pipeline({"a.csv": B}), lake, LINEAGE)
    land(make_pipeline({"a.csv": B}, columns=COLUMNS | {"age": "float64"}), lake, LINEAGE)
    assert table.read().schema.field("age").type == pa.float64()


def test_a_batch_lands_once_and_stays_when_the_source_lands_again(make_pipeline, lake, tmp_path):
    pipeline = make_pipeline({"a.csv": B})
    land(pipeline, lake, LINEAGE)
    batch = tmp_path / "batch.csv"
    batch.write_text(D)
    version = land_file(pipeline, batch, lake, LINEAGE)
    assert land_file(pipeline, batch, lake, LINEAGE) == version
    assert land(pipeline, lake, LINEAGE) == version
    assert names(lake) == ["cy", "di"]


def test_a_batch_named_like_a_landed_file_is_refused_because_rows_are_known_by_file(
    make_pipeline, lake, table, tmp_path
):
    pipeline = make_pipeline({"a.csv": B})
    version = land(pipeline, lake, LINEAGE)
    (tmp_path / "elsewhere").mkdir()
    batch = tmp_path / "elsewhere" / "a.csv"
    batch.write_text(D)
    with pytest.raises(SourceError, match=r"another a\.csv has landed in people/source"):
        land_file(pipeline, batch, lake, LINEAGE)
    assert table.latest() == version


def test_a_changed_file_leaves_the_rows_of_batches_behind_it(make_pipeline, lake, tmp_path):
    pipeline = make_pipeline({"a.csv": B})
    land(pipeline, lake, LINEAGE)
    (tmp_path / "batch.csv").write_text(D)
    land_file(pipeline, tmp_path / "batch.csv", lake, LINEAGE)
    land(make_pipeline({"a.csv": "cy,8,1.20,no\ned,2,1.6,yes\n"}), lake, LINEAGE)
    assert names(lake) == ["cy", "ed", "di"]


def test_a_batch_that_would_have_to_be_read_otherwise_is_never_dropped(
    make_pipeline, lake, table, tmp_path
):
    land(make_pipeline({"a.csv": B}), lake, LINEAGE)
    (tmp_path / "batch.csv").write_text(D)
    version = land_file(make_pipeline({"a.csv": B}), tmp_path / "batch.csv", lake, LINEAGE)
    with pytest.raises(SourceError, match=r"batch\.csv cannot be read again; add it to source\.f"):
        land(make_pipeline({"a.csv": B}, missing=["?"]), lake, LINEAGE)
    assert table.latest() == version
    land(make_pipeline({"a.csv": B, "batch.csv": D}, missing=["?"]), lake, LINEAGE)
    assert names(lake) == ["cy", "di"]


def test_a_batch_waits_until_the_source_has_landed_as_the_spec_says_now(
    make_pipeline, lake, tmp_path
):
    land(make_pipeline({"a.csv": B}), lake, LINEAGE)
    (tmp_path / "batch.csv").write_text(D)
    with pytest.raises(SourceError, match="materialise that first"):
        land_file(make_pipeline({"a.csv": B}, missing=["?"]), tmp_path / "batch.csv", lake, LINEAGE)


BAD_SECOND_FILES = {
    "another delimiter": (b"cy;7;1.2;no\n", r"b\.csv: every line has 1 field"),
    "truncated": (gzip.compress(b"cy,7,1.2,no\n")[:-9], r"b\.csv: truncated or damaged gzip"),
    "empty": (b"", r"b\.csv: "),
}


@pytest.mark.parametrize("case", BAD_SECOND_FILES)
def test_one_bad_file_keeps_every_file_out_of_the_tables(make_pipeline, lake, case):
    """The first file's rejected record stays out of quarantine, too."""
    raw, message = BAD_SECOND_FILES[case]
    files = {"a.csv": B + "di,eight,1.2,no\n", "b.csv": raw, "c.csv": D}
    with pytest.raises(SourceError, match=message) as error:
        land(make_pipeline(files), lake, LINEAGE)
    assert "\n" not in str(error.value)
    assert lake.tables() == []


def test_a_bad_change_of_a_file_leaves_the_last_good_version(make_pipeline, lake, table):
    version = land(make_pipeline({"a.csv": B}), lake, LINEAGE)
    with pytest.raises(SourceError, match="1 field"):
        land(make_pipeline({"a.csv": "cy;7;1.20;no\n"}), lake, LINEAGE)
    assert table.latest() == version


def test_a_missing_file_keeps_the_others_out(make_pipeline, lake, table, tmp_path):
    pipeline = make_pipeline({"a.csv": A, "b.csv": B})
    (tmp_path / "b.csv").unlink()
    with pytest.raises(SourceError, match=r"b\.csv: no such file; put it there or correct"):
        land(pipeline, lake, LINEAGE)
    assert not table.exists()


def test_two_declared_files_of_one_name_are_refused(make_pipeline, lake, tmp_path):
    for year in ("1993", "1994"):
        (tmp_path / year).mkdir()
    with pytest.raises(SourceError, match=r"2 files named a\.csv.*rename all but one"):
        land(make_pipeline({"1993/a.csv": B, "1994/a.csv": B}), lake, LINEAGE)


def test_a_withdrawn_batch_is_gone_and_can_land_again(make_pipeline, lake, table, tmp_path):
    pipeline = make_pipeline({"a.csv": A}, missing=["?"])
    land(pipeline, lake, LINEAGE)
    for name, text in (("bad.csv", B), ("good.csv", D)):
        (tmp_path / name).write_text(text)
        land_file(pipeline, tmp_path / name, lake, LINEAGE)
    withdraw_file(pipeline, "bad.csv", lake, LINEAGE)
    assert names(lake) == ["ann", "bob", "di"]
    before = table.latest()
    assert land(pipeline, lake, LINEAGE) == before
    assert land_file(pipeline, tmp_path / "good.csv", lake, LINEAGE) == before
    land_file(pipeline, tmp_path / "bad.csv", lake, LINEAGE)
    assert names(lake) == ["ann", "bob", "di", "cy"]
    assert files_of(table, before) == {"a.csv", "good.csv"}


def test_only_a_landed_batch_can_be_withdrawn(make_pipeline, lake, table):
    pipeline = make_pipeline({"a.csv": A}, missing=["?"])
    land(pipeline, lake, LINEAGE)
    with pytest.raises(SourceError, match=r"no batch 'never\.csv' has landed; the last ones: none"):
        withdraw_file(pipeline, "never.csv", lake, LINEAGE)
    with pytest.raises(SourceError, match=r"'a\.csv' is declared; take it out of source\.files"):
        withdraw_file(pipeline, "a.csv", lake, LINEAGE)


def test_a_file_keeps_its_identity_until_its_bytes_or_its_reading_change(
    make_pipeline, lake, table
):
    first = identities_of(table, land(make_pipeline({"a.csv": B, "b.csv": D}), lake, LINEAGE))
    edited = make_pipeline({"a.csv": "cy,8,1.20,no\n", "b.csv": D})
    second = identities_of(table, land(edited, lake, LINEAGE))
    assert (second["b.csv"], list(second)) == (first["b.csv"], ["a.csv", "b.csv"])
    assert second["a.csv"] != first["a.csv"]
    again = make_pipeline({"a.csv": "cy,8,1.20,no\n", "b.csv": D}, missing=["?"])
    third = identities_of(table, land(again, lake, LINEAGE))
    assert all(third[name] != second[name] for name in second)
