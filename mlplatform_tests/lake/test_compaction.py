"""The newest version in fewer files: what readers, writers and other Delta readers see of it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.lake import Lake, Lineage, Table, faults
from mlplatform.lake.compaction import optimize
from mlplatform.lake.foreign import ForeignTable
from mlplatform_tests.lake.conftest import BY, rows


def appended(lake: Lake, count: int, name: str = "shop/orders") -> Table:
    """A table of `count` appends of two rows each."""
    table = lake.table(name)
    for n in range(count):
        table.append(rows(2 * n, 2), BY, token=str(n))
    return table


def log(table: Table) -> list[str]:
    return sorted(p.name for p in Path(table.uri, "_delta_log").glob("*.json"))


def test_a_compacted_table_is_the_same_version_in_one_file(lake: Lake) -> None:
    table = appended(lake, 20)
    before, content, history = table.latest(), table.read(), table.history()
    done = optimize(table, "ann")
    assert (done.files, done.compaction, done.because) == ((20, 1), 20, "")
    assert done.bytes[1] < done.bytes[0]
    for seen in (table, Lake(lake.root).table("shop/orders")):
        assert seen.latest() == before
        assert seen.history() == history
        assert seen.read() == seen.read(before) == seen.read(19) == content
        assert len(seen.files()) == 1
        assert seen.version(20) == before
        assert seen.rows_added_since(0) == 38


def test_every_older_version_keeps_its_own_files(lake: Lake) -> None:
    table = appended(lake, 16)
    before = [table.read(n) for n in range(16)]
    optimize(table, "ann")
    assert [table.read(n) for n in range(16)] == before
    assert len(table.files(14)) == 15


def test_what_comes_after_goes_behind_it_and_tells_no_difference(lake: Lake) -> None:
    """The same appends with and without a compaction between give the same digests, tokens and pins."""
    table, plain = appended(lake, 4), appended(lake, 4, "shop/plain")
    pinned = lake.pins("run").get(table.name)
    optimize(table, "ann", least_files=2)
    assert lake.pins("run").get(table.name) == pinned == table.latest()
    then = table.append(rows(8, 1), BY, token="next", expected=3)
    same = plain.append(rows(8, 1), BY, token="next", expected=3)
    assert (then.number, same.number) == (5, 4)
    assert (then.digest, then.rows) == (same.digest, same.rows)
    assert table.read() == plain.read()
    assert table.landed(["0", "next"]) == {"0": table.version(0), "next": then}
    assert table.append(rows(8, 1), BY, token="next") == then
    assert [v.number for v in table.history()] == [5, 3, 2, 1, 0]


def test_a_writer_who_expects_the_compaction_or_an_older_version_is_refused(lake: Lake) -> None:
    table = appended(lake, 4)
    optimize(table, "ann", least_files=2)
    for stale in (2, 4):
        with pytest.raises(ConcurrentWriteError):
            table.append(rows(9, 1), BY, token=f"stale {stale}", expected=stale)


def test_other_delta_readers_see_files_that_moved_and_no_rows_that_changed(lake: Lake) -> None:
    table = appended(lake, 12)
    at = ForeignTable(table.uri).version
    optimize(table, "ann", least_files=2)
    table.append(rows(24, 3), BY, token="more")
    opened = DeltaTable(table.uri)
    assert opened.version() == 13
    assert sorted(opened.file_uris()) == sorted(table.files())
    assert opened.count() == 27
    grown = ForeignTable(table.uri).since(at)
    assert not grown.removed
    assert [file.path for file in grown.files] == [Path(table.files()[-1]).name]
    table.overwrite(rows(0, 1), BY)
    assert DeltaTable(table.uri).file_uris() == table.files()


def test_few_files_and_a_table_just_compacted_are_left_as_they_are(lake: Lake) -> None:
    table = appended(lake, 3)
    assert "3 small files, fewer than 16" in optimize(table, "ann").because
    assert optimize(table, "ann", least_files=2).compaction == 3
    assert "nothing was written since" in optimize(table, "ann", least_files=2).because
    assert len(log(table)) == 4


def test_full_files_are_not_written_again_for_small_ones(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = appended(lake, 5)
    optimize(table, "ann", least_files=2)
    full = table.files()
    monkeypatch.setattr("mlplatform.lake.compaction.FULL_BYTES", Path(full[0]).stat().st_size)
    for n in range(3):
        table.append(rows(100 + n, 1), BY, token=f"late {n}")
    content = table.read()
    assert optimize(table, "ann", least_files=2).files == (4, 2)
    assert table.files()[0] == full[0]
    assert Lake(lake.root).table(table.name).read() == content


def test_what_is_appended_meanwhile_stays_behind_the_compacted_rows(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, other = appended(lake, 5), Lake(lake.root).table("shop/orders")

    def race(point: str) -> None:
        if point == "compacted":
            other.append(rows(50, 2), BY, token="meanwhile")

    monkeypatch.setattr(faults, "hook", race)
    assert optimize(table, "ann", least_files=2).files == (5, 2)
    assert table.latest() == other.latest() == table.version(5)
    assert table.read()["number"].to_pylist() == [*range(10), 50, 51]
    assert DeltaTable(table.uri).count() == 12


def test_a_replacement_meanwhile_wins_and_leaves_no_file_behind(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, other = appended(lake, 5), Lake(lake.root).table("shop/orders")

    def race(point: str) -> None:
        if point == "compacted":
            other.overwrite(rows(50, 2), BY)

    monkeypatch.setattr(faults, "hook", race)
    done = optimize(table, "ann", least_files=2)
    assert done.compaction is None
    assert "replaced or compacted meanwhile" in done.because
    assert len(list(Path(table.uri).glob("*.parquet"))) == 6
    assert table.read()["number"].to_pylist() == [50, 51]


def test_groups_of_rows_stay_together_where_a_training_goes_by_them(lake: Lake) -> None:
    table = appended(lake, 6)
    optimize(table, "ann", least_files=2, same_groups=True)
    stored = pq.ParquetFile(table.files()[0])
    assert [stored.metadata.row_group(n).num_rows for n in range(6)] == [2] * 6
    other = appended(lake, 6, "shop/other")
    optimize(other, "ann", least_files=2)
    assert pq.ParquetFile(other.files()[0]).num_row_groups == 1
    assert table.read() == other.read()


def test_a_damaged_file_is_not_compacted(lake: Lake) -> None:
    table = appended(lake, 4)
    Path(table.files()[1]).write_bytes(b"garbage")
    with pytest.raises(CorruptionError, match=r"version 1 of shop/orders\) is damaged"):
        optimize(table, "ann", least_files=2)
    assert len(log(table)) == 4


def test_a_compaction_that_would_read_otherwise_is_not_committed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlplatform.lake import parquet

    table = appended(lake, 4)
    monkeypatch.setattr(parquet, "digest", lambda *_: "other")
    with pytest.raises(CorruptionError, match="nothing was committed"):
        optimize(table, "ann", least_files=2)
    assert len(log(table)) == 4
    assert len(list(Path(table.uri).glob("*.parquet"))) == 4


def test_the_commit_says_who_and_what_beside_the_facts_of_the_version(lake: Lake) -> None:
    table = lake.table("shop/orders")
    by = Lineage(asset="shop/orders", run_id="r", code_version="c", facts={"model": "cd"})
    for n in range(3):
        table.append(rows(n, 1), by, token=str(n))
    optimize(table, "ann", least_files=2)
    facts = table._log.commit(3).version.lineage.facts
    assert facts["model"] == "cd"
    assert facts["compaction"] == f'{{"by": "ann", "files": 3, "of": "{table.latest().reference}"}}'
    assert table.latest().lineage == by


def test_checkpoints_are_written_and_every_log_entry_stays(lake: Lake) -> None:
    table = appended(lake, 12)
    assert optimize(table, "ann", least_files=99).checkpoint == 11
    assert optimize(table, "ann", least_files=99).checkpoint is None
    optimize(table, "ann", least_files=2)
    assert len(log(table)) == 13
    assert Path(table.uri, "_delta_log", f"{12:020d}.checkpoint.parquet").exists()
    assert DeltaTable(table.uri).metadata().configuration == {
        "delta.enableExpiredLogCleanup": "false"
    }


def test_without_its_log_entry_a_kept_file_could_not_be_read(lake: Lake) -> None:
    """Why the log is never cleaned up: the file is there, and nothing tells what it is."""
    table = appended(lake, 12)
    optimize(table, "ann", least_files=2)
    entry = Path(table.uri, "_delta_log", f"{3:020d}.json")
    assert Path(table.files(3)[-1]).exists()
    entry.unlink()
    with pytest.raises(CorruptionError, match="is missing"):
        Lake(lake.root).table(table.name).read(3)


def test_a_garbled_checkpoint_hint_is_written_anew(lake: Lake) -> None:
    table = appended(lake, 3)
    Path(table.uri, "_delta_log", "_last_checkpoint").write_text("garbage")
    assert optimize(table, "ann", least_files=2).checkpoint == 3


def test_a_table_that_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(LakeError, match="there is no table shop/orders"):
        optimize(lake.table("shop/orders"), "ann")
