"""What a vacuum keeps and frees, what it refuses, and what is said to whoever comes too late."""

import os
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from mlplatform.errors import CorruptionError, FreedError, LakeError, MissingArtifactError
from mlplatform.lake import Lake, Table, journal
from mlplatform.lake.compaction import optimize
from mlplatform.lake.storage import Stored
from mlplatform.lake.vacuum import Held, Plan, carry_out, plan
from mlplatform_tests.lake.conftest import BY, rows

NONE, WEEK = timedelta(0), timedelta(days=7)
ORDERS = "shop/orders"


def now() -> datetime:
    return datetime.now(UTC)


def holding(
    lake: Lake,
    versions: Mapping[int, Sequence[str]] | None = None,
    artifacts: Mapping[str, Sequence[str]] | None = None,
    grace: timedelta = NONE,
) -> Held:
    """These versions of the orders are held, and these artifacts."""
    return Held(
        versions={ORDERS: dict(versions or {})},
        names=lambda _: artifacts or {},
        grace=dict.fromkeys(lake.tables(), grace),
    )


def vacuumed(lake: Lake, **held: object) -> Plan:
    planned = plan(lake, holding(lake, **held), now=now())  # type: ignore[arg-type]  # As given.
    carry_out(lake, planned, "ann")
    return planned


def overwritten(lake: Lake, count: int) -> Table:
    table = lake.table(ORDERS)
    for n in range(count):
        table.overwrite(rows(n, 2), BY)
    return table


def parts(table: Table) -> set[str]:
    return {path.name for path in Path(table.uri).glob("*.parquet")}


def test_held_versions_and_the_newest_stay_and_the_others_go(lake: Lake) -> None:
    table = overwritten(lake, 5)
    before = {n: table.read(n) for n in range(5)}
    planned = vacuumed(lake, versions={1: ["model 3", "report 4"]})
    (told,) = planned.tables
    assert {k.version.number: list(k.because) for k in told.kept} == {
        1: ["model 3", "report 4"],
        4: ["newest"],
    }
    assert (told.freed, len(told.files), told.missing) == ((0, 2, 3), 3, ())
    assert planned.bytes == sum(told.files.values()) > 0
    for seen in (table, Lake(lake.root).table(ORDERS)):
        assert [seen.read(n) for n in (1, 4)] == [before[1], before[4]]
        for freed in (0, 2, 3):
            with pytest.raises(FreedError, match=rf"version {freed} of .* no lease held it"):
                seen.read(freed)
    assert len(table.history()) == 5


def test_a_plan_alone_writes_and_removes_nothing(lake: Lake) -> None:
    overwritten(lake, 3)
    before = sorted(str(path) for path in Path(lake.root).rglob("*"))
    assert not plan(lake, holding(lake), now=now()).empty
    assert sorted(str(path) for path in Path(lake.root).rglob("*")) == before


def test_it_keeps_what_deltas_own_vacuum_would_keep_for_these_versions(lake: Lake) -> None:
    """Delta's keeps by the log alone; ours agrees where nothing was compacted."""
    table = overwritten(lake, 6)
    table.append(rows(9, 1), BY, token="a")
    opened = DeltaTable(table.uri)
    theirs = opened.vacuum(0, dry_run=True, enforce_retention_duration=False, keep_versions=[1, 3])
    planned = plan(lake, holding(lake, {1: ["x"], 3: ["x"]}), now=now())
    assert set(planned.tables[0].files) == set(theirs)


def test_a_version_of_appends_holds_the_files_below_it(lake: Lake) -> None:
    table = lake.table(ORDERS)
    for n in range(8):
        table.append(rows(n, 1), BY, token=str(n))
    optimize(table, "ann", least_files=2)
    (told,) = vacuumed(lake, versions={4: ["model"]}).tables
    assert (told.freed, len(told.files)) == ((5, 6), 3)
    assert [table.read(n).num_rows for n in (*range(5), 7)] == [1, 2, 3, 4, 5, 8]
    table.append(rows(8, 1), BY, token="8")
    assert Lake(lake.root).table(ORDERS).read()["number"].to_pylist() == list(range(9))
    with pytest.raises(FreedError):
        table.read(6)


def compacted(lake: Lake, count: int) -> Table:
    """Appends of two rows each, compacted; their own files were freed."""
    table = lake.table(ORDERS)
    for n in range(count):
        table.append(rows(2 * n, 2), BY, token=str(n))
    optimize(table, "ann", least_files=2)
    vacuumed(lake)
    return table


def test_what_a_compaction_holds_is_looked_into_like_the_table(lake: Lake) -> None:
    """Without opening the table: each append by itself, and the version that stays as a whole."""
    table = compacted(lake, 4)
    table.append(rows(8, 2), BY, token="4")
    look = Lake(lake.root).peek(ORDERS)
    assert [look.added(n, ["number"])["number"].to_pylist() for n in (0, 2, 3, 5)] == [
        [0, 1], [4, 5], [6, 7], [8, 9],
    ]  # fmt: skip
    for number in (3, 4, 5):
        assert look.rows(number).equals(table.read(number))
    with pytest.raises(FreedError, match="of shop/orders was freed"):
        look.rows(2)


def test_the_rows_of_one_commit_are_found_in_a_compaction_of_a_compaction(lake: Lake) -> None:
    table = compacted(lake, 3)
    for n in range(3, 6):
        table.append(rows(2 * n, 2), BY, token=str(n))
    optimize(table, "ann", least_files=2)
    vacuumed(lake)
    look = Lake(lake.root).peek(ORDERS)
    assert [look.added(n, ["number"])["number"].to_pylist() for n in (1, 5)] == [[2, 3], [8, 9]]
    table.overwrite(rows(50, 2), BY)
    vacuumed(lake)
    with pytest.raises(FreedError):
        Lake(lake.root).peek(ORDERS).added(1)


@pytest.mark.parametrize("damage", [b"{}", None])
def test_a_lost_compaction_is_no_freed_version(lake: Lake, damage: bytes | None) -> None:
    """It can be restored, and then the version reads again."""
    table = compacted(lake, 4)
    table.append(rows(8, 2), BY, token="4")
    entry = Path(table.uri, "_delta_log", f"{4:020d}.json")
    if damage is None:
        entry.unlink()
    else:
        entry.write_bytes(damage)
    fresh = Lake(lake.root)
    with pytest.raises(CorruptionError, match=r"log entry .*4\.json"):
        fresh.table(ORDERS).read(3)
    for look in (fresh.peek(ORDERS).rows, fresh.peek(ORDERS).added) if damage else ():
        with pytest.raises(CorruptionError, match=r"log entry .*4\.json"):
            look(3)


def test_a_version_that_has_its_own_files_reads_though_its_compaction_is_damaged(
    lake: Lake,
) -> None:
    table = lake.table(ORDERS)
    for n in range(3):
        table.append(rows(2 * n, 2), BY, token=str(n))
    before = table.read()
    optimize(table, "ann", least_files=2)
    Path(table.uri, "_delta_log", f"{3:020d}.json").write_bytes(b"{}")
    fresh = Lake(lake.root)
    assert fresh.table(ORDERS).read(2) == before == fresh.peek(ORDERS).rows(2)


def test_the_files_before_a_compaction_stay_while_readers_may_be_at_them(lake: Lake) -> None:
    table = lake.table(ORDERS)
    for n in range(4):
        table.append(rows(n, 1), BY, token=str(n))
    optimize(table, "ann", least_files=2)
    files = parts(table)
    assert plan(lake, holding(lake, grace=timedelta(hours=1)), now=now()).empty
    vacuumed(lake)
    assert len(files) == 5
    assert parts(table) == {Path(table.files()[0]).name}
    assert table.read().num_rows == 4


def test_what_was_the_newest_within_the_grace_stays_however_old_it_is(lake: Lake) -> None:
    overwritten(lake, 3)
    later = now() + timedelta(days=6)
    (told,) = plan(lake, holding(lake, grace=WEEK), now=later).tables
    assert [k.version.number for k in told.kept] == [0, 1, 2]
    assert told.kept[0].because[0].startswith("newest until 20")
    (told,) = plan(lake, holding(lake, grace=WEEK), now=later + timedelta(days=2)).tables
    assert told.freed == (0, 1)


def test_a_file_without_a_commit_goes_once_its_writer_must_be_dead(lake: Lake) -> None:
    table = overwritten(lake, 1)
    orphan = Path(table.uri, f"part-{'ab' * 16}.parquet")
    orphan.write_bytes(b"half a file")
    assert plan(lake, holding(lake, grace=WEEK), now=now()).empty
    long_ago = (now() - timedelta(days=8)).timestamp()
    os.utime(orphan, (long_ago, long_ago))
    planned = plan(lake, holding(lake, grace=WEEK), now=now())
    assert (planned.tables[0].uncommitted, list(planned.tables[0].files)) == (1, [orphan.name])
    carry_out(lake, planned, "ann")
    assert not orphan.exists()


def test_files_of_others_and_links_are_let_be(lake: Lake) -> None:
    table = overwritten(lake, 2)
    for name in ("notes.txt", "part-1.parquet"):
        Path(table.uri, name).write_bytes(b"mine")
    Path(table.uri, f"part-{'cd' * 16}.parquet").symlink_to("/etc/passwd")
    (told,) = vacuumed(lake).tables
    assert len(told.files) == 1
    assert Path(table.uri, "notes.txt").exists()
    assert Path(table.uri, "part-1.parquet").exists()
    assert Path(table.uri, f"part-{'cd' * 16}.parquet").is_symlink()


def test_the_log_stays_whole_and_a_removed_entry_would_hide_what_is_kept(lake: Lake) -> None:
    table = overwritten(lake, 12)
    log = Path(table.uri, "_delta_log")
    entries = {path.name: path.read_bytes() for path in log.glob("*.json")}
    vacuumed(lake, versions={2: ["model"]})
    assert {path.name: path.read_bytes() for path in log.glob("*.json")} == entries
    assert table.read(2)["number"].to_pylist() == [2, 3]
    (log / f"{2:020d}.json").unlink()
    with pytest.raises(CorruptionError, match="is missing"):
        Lake(lake.root).table(ORDERS).read(2)
    with pytest.raises(CorruptionError, match="is missing"):
        plan(Lake(lake.root), holding(lake), now=now())


def test_artifacts_that_nothing_names_go_with_their_signatures(lake: Lake) -> None:
    overwritten(lake, 1)
    kept, loose = lake.artifacts.put({"a.txt": b"kept"}), lake.artifacts.put({"a.txt": b"loose"})
    for digest in (kept, loose):
        lake._storage.create(f"_signatures/{digest}/key.sig", b"signed")
    planned = vacuumed(lake, artifacts={kept: ["model 1"]})
    assert list(planned.artifacts) == [loose]
    assert planned.kept_artifacts == {kept: ["model 1"]}
    assert lake.artifacts.open(kept).read("a.txt") == b"kept"
    with pytest.raises(MissingArtifactError, match="freed by the vacuum of ann on 20"):
        lake.artifacts.open(loose)
    assert [p.name for p in Path(lake.root, "_signatures").iterdir()] == [kept]
    assert lake.artifacts.put({"a.txt": b"loose"}) == loose
    assert lake.artifacts.open(loose).read("a.txt") == b"loose"


def test_an_artifact_that_is_stored_again_is_young_again(lake: Lake) -> None:
    """Its commit may be under way: putting it writes nothing, and yet it must not go."""
    overwritten(lake, 1)
    digest = lake.artifacts.put({"a.txt": b"again"})
    folder = Path(lake.artifacts.open(digest).uri)
    long_ago = (now() - timedelta(days=8)).timestamp()
    for file in folder.iterdir():
        os.utime(file, (long_ago, long_ago))
    planned = plan(lake, holding(lake, grace=WEEK), now=now())
    assert list(planned.artifacts) == [digest]
    assert lake.artifacts.put({"a.txt": b"again"}) == digest
    assert not plan(lake, holding(lake, grace=WEEK), now=now()).artifacts
    carry_out(lake, planned, "ann")  # Even one planned before.
    assert lake.artifacts.open(digest).read("a.txt") == b"again"


def test_an_artifact_that_is_stored_between_the_last_look_and_the_removal_stays(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwritten(lake, 1)
    digest = lake.artifacts.put({"a.txt": b"again"})
    planned = plan(lake, holding(lake), now=now())
    listing = lake._storage.listing

    def seen(folder: str) -> dict[str, Stored]:
        found = listing(folder)
        if folder == f"_artifacts/{digest}":
            monkeypatch.setattr(lake._storage, "listing", listing)
            lake.artifacts.put({"a.txt": b"again"})
        return found

    monkeypatch.setattr(lake._storage, "listing", seen)
    carry_out(lake, planned, "ann")
    assert lake.artifacts.open(digest).read("a.txt") == b"again"
    assert lake._storage.folders("_artifacts") == [digest]


def test_a_table_without_a_commit_is_none_and_what_was_left_in_it_goes(lake: Lake) -> None:
    """A killed first writer leaves a file, and perhaps an empty log."""
    table = overwritten(lake, 2)
    left = [Path(lake.root, "shop", name, f"part-{'ab' * 16}.parquet") for name in ("new", "none")]
    for file in left:
        file.parent.mkdir()
        file.write_bytes(b"half a file")
    Path(lake.root, "shop", "new", "_delta_log").mkdir()
    Path(lake.root, "shop", "empty", "_delta_log").mkdir(parents=True)
    fresh = Lake(lake.root)
    assert fresh.tables() == [ORDERS]
    holds = Held(
        versions={}, names=lambda _: {}, grace={"shop/new": NONE, "shop/none": WEEK, ORDERS: WEEK}
    )
    planned = plan(fresh, holds, now=now())
    assert {t.table: (t.versions, t.uncommitted) for t in planned.tables} == {
        ORDERS: (2, 0), "shop/new": (0, 1),
    }  # fmt: skip
    carry_out(fresh, planned, "ann")
    assert [file.exists() for file in left] == [False, True]
    fresh.table("shop/new").overwrite(rows(0, 1), BY)
    assert fresh.tables() == ["shop/new", ORDERS]
    assert table.read(0).num_rows == 2


def test_what_a_vacuum_freed_is_neither_kept_by_a_longer_grace_nor_missing(lake: Lake) -> None:
    table = lake.table(ORDERS)
    for n in range(4):
        table.append(rows(n, 1), BY, token=str(n))
    optimize(table, "ann", least_files=2)
    table.overwrite(rows(9, 1), BY)
    table.overwrite(rows(10, 1), BY)
    vacuumed(lake, versions={3: ["model"]})
    (told,) = plan(lake, holding(lake, {3: ["model"]}, grace=WEEK), now=now()).tables
    assert [kept.version.number for kept in told.kept] == [3, 6]
    assert (told.missing, dict(told.files)) == ((), {})
    Path(table.files(6)[0]).unlink()
    (told,) = plan(lake, holding(lake, grace=WEEK), now=now()).tables
    assert len(told.missing) == 1


def test_what_killed_writers_of_artifacts_left_goes_after_the_grace(lake: Lake) -> None:
    overwritten(lake, 1)
    remains = Path(lake.root, "_artifacts", f".{'ab' * 32}.{'cd' * 16}.tmp")
    remains.mkdir(parents=True)
    (remains / "a.txt").write_bytes(b"half")
    assert plan(lake, holding(lake, grace=WEEK), now=now()).empty
    vacuumed(lake)
    assert not remains.exists()


def test_tables_that_are_named_are_vacuumed_alone(lake: Lake) -> None:
    table, other = overwritten(lake, 2), lake.table("shop/other")
    for n in range(2):
        other.overwrite(rows(n, 1), BY)
    lake.artifacts.put({"a.txt": b"loose"})
    planned = plan(lake, holding(lake), now=now(), tables=[ORDERS])
    carry_out(lake, planned, "ann")
    assert (len(parts(table)), len(parts(other))) == (1, 2)
    assert not planned.artifacts


def test_a_table_of_nobody_is_kept_whole(lake: Lake) -> None:
    table = overwritten(lake, 3)
    held = Held(versions={}, names=lambda _: {}, whole={ORDERS: "nobody knows it"})
    planned = plan(lake, held, now=now() + timedelta(days=99))
    assert planned.empty
    assert [list(k.because) for k in planned.tables[0].kept] == [["nobody knows it"]] * 3
    assert table.read(0).num_rows == 2


def test_a_clock_ahead_of_the_storage_frees_nothing(lake: Lake) -> None:
    """By a clock thirty days ahead everything is old."""
    table = overwritten(lake, 3)
    planned = plan(lake, holding(lake, grace=WEEK), now=now() + timedelta(days=30))
    assert planned.tables[0].freed == (0, 1)
    with pytest.raises(LakeError, match=r"the clock jumped.*nothing was removed"):
        carry_out(lake, planned, "ann")
    assert [table.read(n).num_rows for n in range(3)] == [2, 2, 2]
    assert list(journal.history(lake._storage)) == []


def test_a_clock_behind_a_commit_or_the_last_vacuum_frees_nothing(lake: Lake) -> None:
    overwritten(lake, 3)
    with pytest.raises(LakeError, match=r"version 2 of shop/orders is of .*set the clock"):
        plan(lake, holding(lake), now=now() - timedelta(hours=1))
    at = now() + timedelta(hours=2)
    journal.write(lake._storage, journal.Freed(at=at, by="b", grace_days=7, bytes=0))
    with pytest.raises(LakeError, match=r"the last vacuum is of .*set the clock"):
        plan(lake, holding(lake), now=now())


def test_a_commit_by_a_clock_that_was_behind_is_as_young_as_its_file(lake: Lake) -> None:
    """Of a commit's own time and the storage's the later counts, and no commit is older than the one below."""
    table = overwritten(lake, 2)
    log = Path(table.uri, "_delta_log")
    long_ago = (now() - timedelta(days=400)).timestamp()
    for file in (*log.iterdir(), *Path(table.uri).glob("*.parquet")):
        os.utime(file, (long_ago, long_ago))
    assert plan(lake, holding(lake, grace=WEEK), now=now()).empty


def test_a_copied_lake_is_young_and_keeps_everything(lake: Lake, tmp_path: Path) -> None:
    overwritten(lake, 3)
    shutil.copytree(lake.root, tmp_path / "copy", copy_function=shutil.copyfile)
    copy = Lake(tmp_path / "copy")
    later = now() + timedelta(days=6)
    assert plan(copy, holding(copy, grace=WEEK), now=later).empty


def test_a_file_that_was_lost_is_no_freed_one(lake: Lake) -> None:
    table = overwritten(lake, 4)
    vacuumed(lake, versions={1: ["model"]})
    Path(table.files(1)[0]).unlink()
    with pytest.raises(CorruptionError, match="is missing; restore it"):
        Lake(lake.root).table(ORDERS).read(1)
    (told,) = plan(lake, holding(lake, {1: ["model"]}), now=now()).tables
    assert len(told.missing) == 1


def test_a_second_vacuum_finds_nothing_and_a_lease_that_comes_too_late_is_told(lake: Lake) -> None:
    overwritten(lake, 3)
    vacuumed(lake)
    again = plan(lake, holding(lake, {0: ["late"]}), now=now())
    assert again.empty
    assert again.tables[0].freed == ()
    assert len(again.tables[0].missing) == 1


def test_a_damaged_record_of_a_vacuum_is_named(lake: Lake) -> None:
    overwritten(lake, 3)
    vacuumed(lake)
    (record,) = Path(lake.root, "_vacuum").iterdir()
    record.write_text("{")
    with pytest.raises(CorruptionError, match=r"vacuum record .* is damaged"):
        plan(lake, holding(lake), now=now())
