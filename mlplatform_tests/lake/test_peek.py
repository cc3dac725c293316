"""A look into a table says what the table itself says, and refuses what it refuses."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import Lake, Lineage
from mlplatform.lake.compaction import optimize
from mlplatform.lake.peek import listed

WHO = Lineage(asset="a/b", run_id="test", code_version="test")


def appended(lake: Lake, times: int) -> None:
    for number in range(times):
        who = Lineage(
            asset="a/b", run_id="test", code_version="test", facts={"colour": f"k{number}"}
        )
        lake.table("a/b").append(pa.table({"n": [number, number]}), who, token=f"{number}")


def test_a_table_that_is_not_there_has_no_newest(lake):
    assert lake.peek("a/b").newest() == -1
    with pytest.raises(LakeError, match="has no version 0"):
        lake.peek("a/b").commit(0)


def test_what_is_seen_is_what_the_table_has(lake):
    appended(lake, 12)
    table, look = lake.table("a/b"), lake.peek("a/b")
    assert look.newest() == 11
    assert [look.commit(n).version for n in range(12)] == list(reversed(table.history()))
    assert look.added(5).to_pylist() == [{"n": 5}, {"n": 5}]
    assert look.rows(11).equals(table.read())


def test_a_hint_that_is_ahead_of_the_log_is_not_believed(lake):
    appended(lake, 3)
    (Path(lake.table("a/b").uri) / "_delta_log" / "_last_checkpoint").write_text('{"version": 70}')
    assert lake.peek("a/b").newest() == 2


def test_commits_are_found_by_how_a_fact_begins(lake):
    appended(lake, 12)
    assert list(lake.peek("a/b").naming(["colour"], "k1")) == [1, 10, 11]
    assert list(lake.peek("a/b").naming(["colour", "other"], "k7")) == [7]


def test_commits_that_lack_the_fact_are_looked_at(lake):
    appended(lake, 2)
    lake.table("a/b").append(pa.table({"n": [9]}), WHO, token="without")
    assert list(lake.peek("a/b").naming(["colour"], "k0")) == [0, 2]


@pytest.mark.parametrize("damage", [Path.unlink, lambda entry: entry.write_bytes(b"{}")])
@pytest.mark.parametrize("number", [0, 4, 11])
def test_an_entry_that_cannot_be_read_hides_no_other(lake, damage, number):
    appended(lake, 12)
    entry = Path(lake.table("a/b").uri) / "_delta_log" / f"{number:020d}.json"
    damage(entry)
    look = lake.peek("a/b")
    found = list(look.naming(["colour"], "k7"))
    assert 7 in found
    assert set(found) <= {7, number}
    with pytest.raises(LakeError, match=r"is missing; restore|was not written by|has no version"):
        look.listed(number)


def test_a_compaction_may_hold_any_row(lake):
    appended(lake, 4)
    optimize(lake.table("a/b"), "test", least_files=2)
    look = lake.peek("a/b")
    assert list(look.naming(["colour"], "k0")) == [4]
    assert look.rows(look.newest()).equals(lake.table("a/b").read())
    appended(lake, 6)
    assert list(lake.peek("a/b").naming(["colour"], "k5")) == [4, 6]


def test_a_damaged_file_is_refused(lake):
    appended(lake, 1)
    Path(lake.table("a/b").files()[0]).write_bytes(b"other bytes")
    with pytest.raises(CorruptionError, match="is damaged: expected sha256"):
        lake.peek("a/b").added(0)


def test_a_missing_file_is_refused(lake):
    appended(lake, 1)
    Path(lake.table("a/b").files()[0]).unlink()
    with pytest.raises(CorruptionError, match="is missing"):
        lake.peek("a/b").added(0)


def test_a_damaged_log_entry_is_refused(lake):
    appended(lake, 2)
    entry = Path(lake.table("a/b").uri) / "_delta_log" / f"{1:020d}.json"
    entry.write_text(entry.read_text().replace('"rows":4', '"rows":5'))
    with pytest.raises(CorruptionError, match="does not match its own sha256"):
        lake.peek("a/b").commit(1)


def test_rows_are_listed_as_pyarrow_lists_them():
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    times = pa.array([at, None, datetime(1901, 1, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    table = pa.table({"at": times, "n": [1, None, 3], "s": ["x", None, "z"]})
    assert listed(table) == table.to_pylist()
    assert listed(table.slice(1)) == table.slice(1).to_pylist()
    assert listed(table.slice(0, 0)) == []


def test_a_look_into_a_table_on_s3_sees_what_the_table_has(s3_options):
    lake = Lake("s3://lake/peek", s3_options)
    appended(lake, 3)
    table, look = lake.table("a/b"), lake.peek("a/b")
    assert look.newest() == 2
    assert list(look.naming(["colour"], "k1")) == [1]
    assert look.rows(2).equals(table.read())
    assert list(lake.peek("a/none").naming(["colour"], "k1")) == []
