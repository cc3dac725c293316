"""Nothing damaged is ever used: not a file, not the log, whatever byte it hits."""

import json
import random
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import Lake, Table
from mlplatform.lake.storage import log_file
from mlplatform_tests.lake.conftest import BY, rows


@pytest.fixture
def table(lake: Lake) -> Table:
    """Three versions: an overwrite and two appends."""
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 50), BY)
    table.append(rows(50, 50), BY, token="1")
    table.append(rows(100, 50), BY, token="2")
    return table


def entry(table: Table, number: int) -> Path:
    return Path(table.uri, "_delta_log", log_file(number))


def fresh(lake: Lake) -> Table:
    return Lake(lake.root).table("shop/orders")


def test_a_flipped_bit_in_a_file_is_refused_by_file_version_and_digests(
    lake: Lake, table: Table
) -> None:
    path = Path(table.files(1)[1])
    good = path.read_bytes()
    path.write_bytes(good[:60] + bytes([good[60] ^ 1]) + good[61:])
    with pytest.raises(CorruptionError, match=r"expected sha256 [0-9a-f]{64}, got") as caught:
        table.read()
    assert path.name in str(caught.value)
    assert "version 1 of shop/orders" in str(caught.value)
    assert table.read(0).num_rows == 50
    path.write_bytes(good)
    assert table.read().num_rows == 150


def test_a_file_damaged_after_it_was_read_is_refused_in_the_same_process(table: Table) -> None:
    assert table.read().num_rows == 150
    path = Path(table.files()[0])
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(CorruptionError, match="is damaged"):
        table.read()
    with pytest.raises(CorruptionError, match="is damaged"):
        next(table.batches())


def test_a_missing_or_truncated_file_is_refused(table: Table) -> None:
    path = Path(table.files()[2])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorruptionError, match="is damaged"):
        table.read()
    path.unlink()
    with pytest.raises(CorruptionError, match=r"version 2 of shop/orders\) is missing"):
        table.read()


DAMAGE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: b"", "is empty"),
    (lambda data: b"\n", "is empty"),
    (lambda data: data[: len(data) // 2], "is not a Delta commit"),
    (lambda data: b"\x00" * len(data), "is not a Delta commit"),
    (lambda data: b"[1]", "is not a Delta commit"),
    (lambda data: b'{"add": {"path": "x"}}', "was not written by the lake"),
    (lambda data: data.replace(b'"rows":100', b'"rows":900'), "does not match its own sha256"),
    (lambda data: data.replace(b'"add":{"path":"part', b'"add":{"path":"trap'), "adds other files"),
    (lambda data: data[: data.index(b'{"add"')], "adds other files"),
]


@pytest.mark.parametrize(("damage", "why"), DAMAGE, ids=range(len(DAMAGE)))
def test_a_damaged_log_entry_is_refused_with_the_last_good_version(
    lake: Lake, table: Table, damage: Callable[[bytes], bytes], why: str
) -> None:
    path = entry(table, 1)
    damaged = damage(path.read_bytes())
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(CorruptionError, match=why) as caught:
        fresh(lake).read()
    assert path.name in str(caught.value)
    assert "the last good version is 0" in str(caught.value)
    assert fresh(lake).read(0).num_rows == 50


def test_a_damaged_newest_entry_is_not_taken_for_the_version_before(
    lake: Lake, table: Table
) -> None:
    entry(table, 2).write_bytes(b"")
    for use in (
        fresh(lake).latest,
        fresh(lake).read,
        partial(fresh(lake).append, rows(0, 1), BY, token="3"),
        partial(fresh(lake).overwrite, rows(0, 1), BY),
        partial(fresh(lake).rows_added_since, 0),
    ):
        with pytest.raises(CorruptionError, match="is empty; the last good version is 1"):
            use()


def test_a_gap_in_the_log_is_refused(lake: Lake, table: Table) -> None:
    entry(table, 1).unlink()
    with pytest.raises(CorruptionError, match="is missing; the last good version is 0"):
        fresh(lake).read()
    with pytest.raises(CorruptionError, match="is missing"):
        fresh(lake).landed(["1"])


def test_an_entry_of_another_place_or_table_is_refused(lake: Lake, table: Table) -> None:
    other = lake.table("shop/other")
    other.overwrite(rows(0, 50), BY)
    other.append(rows(0, 9), BY, token="1")
    kept = entry(table, 1).read_bytes()
    shutil.copy(entry(table, 2), entry(table, 1))
    with pytest.raises(CorruptionError, match="belongs to version 2 of shop/orders"):
        fresh(lake).read()
    shutil.copy(entry(other, 1), entry(table, 1))
    with pytest.raises(CorruptionError, match="belongs to version 1 of shop/other"):
        fresh(lake).read()
    entry(table, 1).write_bytes(kept)
    assert fresh(lake).read().num_rows == 150


def test_an_entry_made_on_another_parent_is_refused(
    lake: Lake, table: Table, tmp_path: Path
) -> None:
    twin = Lake(tmp_path / "twin").table("shop/orders")
    twin.overwrite(rows(7, 50), BY)
    twin.append(rows(50, 50), BY, token="1")
    shutil.copy(entry(twin, 1), entry(table, 1))
    shutil.copy(twin.files(1)[1], table.uri)
    with pytest.raises(CorruptionError, match="does not follow the version before it"):
        fresh(lake).read(1)


def test_a_commit_by_another_writer_is_refused_and_named(lake: Lake, table: Table) -> None:
    from deltalake import write_deltalake

    write_deltalake(table.uri, rows(0, 1), mode="append")
    with pytest.raises(CorruptionError, match=r"was not written by the lake \(WRITE\)"):
        fresh(lake).latest()


def test_every_flipped_bit_is_found_or_changes_nothing(lake: Lake, table: Table) -> None:
    """Over log and data: an error, or exactly the rows that were written."""
    expected, dice = table.read(), random.Random(0)  # noqa: S311 - a seed, no secret.
    places = [*(entry(table, n) for n in range(3)), *map(Path, table.files())]
    told = []
    for _ in range(150):
        path = dice.choice(places)
        good = path.read_bytes()
        bad = bytearray(good)
        bad[dice.randrange(len(bad))] ^= 1 << dice.randrange(8)
        path.write_bytes(bytes(bad))
        try:
            assert fresh(lake).read() == expected
        except LakeError as error:
            told.append(path.name in str(error))
        path.write_bytes(good)
    assert len(told) > 75
    assert all(told)


def test_the_commit_carries_lineage_and_manifest_for_any_reader(table: Table) -> None:
    info = json.loads(entry(table, 2).read_text().splitlines()[0])["commitInfo"]["mlplatform"]
    assert info["asset"] == "shop/orders"
    assert info["run_id"] == "run-1"
    assert info["token"] == "2"
    assert info["rows"] == 150
    assert [file["rows"] for file in info["files"]] == [50]
