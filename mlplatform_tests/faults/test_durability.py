"""Nothing is acknowledged before it is on the disk: every file and folder that names it was synced."""

import os
from pathlib import Path

import pytest

from mlplatform.lake import Lake
from mlplatform.lake.transaction import CONFIGURATION
from mlplatform_tests.lake.conftest import BY, rows


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Paths that were synced for real, as they were named at the time."""
    paths: set[str] = set()
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        paths.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    monkeypatch.setattr(os, "fsync", noted)
    return paths


def test_a_commit_its_data_and_its_folders_are_synced(lake: Lake, synced: set[str]) -> None:
    table = lake.table("shop/orders")
    table.append(rows(0, 3), BY, token="0")
    log = Path(table.uri, "_delta_log")
    folders = [
        Path(lake.root).parent,
        Path(lake.root),
        Path(lake.root, "shop"),
        Path(table.uri),
        log,
    ]
    named = {*table.files(), str(log / f"{0:020d}.json"), *map(str, folders)}
    assert named <= synced


def test_a_checkpoint_is_synced_with_its_commit(
    lake: Lake, synced: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONFIGURATION, "delta.checkpointInterval", "5")
    table = lake.table("shop/orders")
    for n in range(6):
        table.append(rows(n, 1), BY, token=str(n))
    log = Path(table.uri, "_delta_log")
    made = {str(path) for path in log.glob("*.checkpoint.parquet")} | {
        str(log / "_last_checkpoint")
    }
    assert len(made) == 2
    assert made <= synced


def test_a_version_found_by_its_token_is_synced_again(lake: Lake, synced: set[str]) -> None:
    """Who committed it may have been killed before syncing."""
    lake.table("shop/orders").append(rows(0, 3), BY, token="0")
    synced.clear()
    Lake(lake.root).table("shop/orders").append(rows(0, 3), BY, token="0")
    assert str(Path(lake.root, "shop", "orders", "_delta_log", f"{0:020d}.json")) in synced


def test_artifacts_and_pins_are_synced(lake: Lake, synced: set[str]) -> None:
    digest = lake.artifacts.put({"a.txt": b"hello"})
    version = lake.table("t").overwrite(rows(0, 1), BY)
    lake.pins("run").set(version)
    root = Path(lake.root)
    assert {str(root / "_artifacts"), str(root / "_pins" / "run")} <= synced
    assert any(path.endswith("/a.txt") and digest in path for path in synced)
