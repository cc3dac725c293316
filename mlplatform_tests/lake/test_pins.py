from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError
from mlplatform.lake import Lake
from mlplatform_tests.lake.conftest import BY, rows


def test_a_run_reads_what_it_first_read_whatever_lands_later(lake: Lake) -> None:
    table = lake.table("shop/orders")
    first = table.overwrite(rows(0, 3), BY)
    assert lake.pins("run-1").get("shop/orders") == first
    second = table.append(rows(3, 1), BY, token="1")
    assert Lake(lake.root).pins("run-1").get("shop/orders") == first
    assert lake.pins("run-2").get("shop/orders") == second


def test_a_table_without_versions_is_not_pinned(lake: Lake) -> None:
    assert lake.pins("run-1").get("shop/orders") is None
    version = lake.table("shop/orders").overwrite(rows(0, 3), BY)
    assert lake.pins("run-1").get("shop/orders") == version


def test_the_first_pin_wins_and_is_told_to_the_second(lake: Lake) -> None:
    table = lake.table("shop/orders")
    first, second = (table.overwrite(rows(n, 3), BY) for n in (0, 1))
    pins = lake.pins("run-1")
    assert pins.set(first) == first
    assert pins.set(second) == first
    assert pins.get("shop/orders") == first
    assert list(Path(lake.root).rglob("*.tmp")) == []


def test_a_pin_of_a_version_that_is_no_more_is_refused(lake: Lake, tmp_path: Path) -> None:
    table = lake.table("shop/orders")
    lake.pins("run-1").set(table.overwrite(rows(0, 3), BY))
    Path(table.uri).rename(tmp_path / "aside")
    table.overwrite(rows(1, 3), BY)
    with pytest.raises(CorruptionError, match="run run-1 pinned shop/orders 0:"):
        lake.pins("run-1").get("shop/orders")


def test_a_damaged_pin_is_refused(lake: Lake) -> None:
    lake.pins("run-1").set(lake.table("shop/orders").overwrite(rows(0, 3), BY))
    next(Path(lake.root, "_pins").rglob("*.json")).write_bytes(b"")
    with pytest.raises(CorruptionError, match="is damaged; remove it"):
        lake.pins("run-1").get("shop/orders")
