"""Compaction and vacuum that are killed, raced, or lose answers: run again, and they end as if nothing had happened."""

import random
import signal
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from mlplatform.errors import FreedError
from mlplatform.lake import Lake, Table
from mlplatform.lake.commit import COMPACT
from mlplatform_tests.faults import upkeep
from mlplatform_tests.faults.crew import Crew, Job
from mlplatform_tests.faults.proxy import LossyProxy
from mlplatform_tests.lake.conftest import BY, rows

ORDERS = "shop/orders"


def appended(lake: Lake, count: int) -> Table:
    table = lake.table(ORDERS)
    for n in range(count):
        table.append(rows(n, 1), BY, token=str(n))
    return table


def compactions(table: Table) -> list[int]:
    return [c.version.number for c in table._log.newest_first() if c.kind == COMPACT]


def parts(table: Table) -> int:
    return len(list(Path(table.uri).glob("*.parquet")))


@pytest.mark.parametrize("point", ["compacted", "before_commit", "after_commit"])
def test_a_killed_compaction_and_its_retry_make_one_compaction(
    crew: Crew, lake: Lake, point: str
) -> None:
    table = appended(lake, 5)
    before, content = table.latest(), table.read()
    job = Job(root=lake.root, method="optimize", calls=[(0, 0, "")], kill_at=point)
    (end,) = crew.run(job)
    assert end.killed_by == signal.SIGKILL
    survived = Lake(lake.root).table(ORDERS)
    assert compactions(survived) == ([5] if point == "after_commit" else [])
    assert (survived.latest(), survived.read()) == (before, content)
    upkeep.optimize(lake, ORDERS, [0])
    assert compactions(table) == [5]
    assert (table.latest(), table.read()) == (before, content)
    assert DeltaTable(table.uri).count() == 5
    upkeep.vacuum(lake, ORDERS, [])  # What the killed one wrote goes too.
    assert parts(table) == 1


@pytest.mark.parametrize("point", ["vacuum_recorded", "vacuum_removed"])
def test_a_killed_vacuum_is_ended_by_the_next_one(crew: Crew, lake: Lake, point: str) -> None:
    table = lake.table(ORDERS)
    for n in range(8):
        table.overwrite(rows(n, 2), BY)
    held = {n: table.read(n) for n in (2, 5, 7)}
    loose = lake.artifacts.put({"a.txt": b"loose"})
    job = Job(root=lake.root, method="vacuum", calls=[(n, 0, "") for n in held], kill_at=point)
    (end,) = crew.run(job)
    assert end.killed_by == signal.SIGKILL
    assert parts(table) == (8 if point == "vacuum_recorded" else 7)
    upkeep.vacuum(lake, ORDERS, list(held))
    assert parts(table) == 3
    assert not Path(lake.artifacts.uri(loose)).exists()
    fresh = Lake(lake.root).table(ORDERS)
    assert {n: fresh.read(n) for n in held} == held
    for freed in (0, 1, 3, 4, 6):
        with pytest.raises(FreedError, match="no lease held it"):
            fresh.read(freed)


def test_vacuums_killed_at_random_remove_no_held_byte_and_come_to_an_end(
    crew: Crew, lake: Lake
) -> None:
    dice, table = random.Random(5), lake.table(ORDERS)  # noqa: S311 - a seed, no secret.
    for n in range(60):
        table.overwrite(rows(n, 2), BY)
    held = {n: table.read(n) for n in range(0, 60, 6)}
    calls = [(n, 0, "") for n in held]
    killed = 0
    for _ in range(8):
        after = dice.uniform(0, 0.08)
        job = Job(root=lake.root, method="vacuum", calls=calls, kill_after_seconds=after)
        (end,) = crew.run(job)
        killed += end.killed_by == signal.SIGKILL
        fresh = Lake(lake.root).table(ORDERS)
        assert {n: fresh.read(n) for n in held} == held
    assert killed
    upkeep.vacuum(lake, ORDERS, list(held))
    assert parts(table) == 11
    assert {n: Lake(lake.root).table(ORDERS).read(n) for n in held} == held


def test_appends_compactions_and_a_vacuum_at_once_lose_and_double_nothing(
    crew: Crew, lake: Lake
) -> None:
    table = appended(lake, 4)
    writers = [
        Job(
            root=lake.root,
            method="append",
            calls=[(100 * w + n, 1, f"{w}-{n}") for n in range(12)],
        )
        for w in (1, 2)
    ]
    compact = Job(root=lake.root, method="optimize", calls=[(0, 0, "")] * 8)
    started = time.monotonic()
    ends = crew.run(*writers, compact)
    assert not any(end.error or end.killed_by for end in ends)
    assert ends[2].numbers
    upkeep.vacuum(lake, ORDERS, [], grace=timedelta(seconds=time.monotonic() - started + 60))
    tokens = [f"{w}-{n}" for w in (1, 2) for n in range(12)]
    assert sorted(table.landed(tokens)) == sorted(tokens)
    wanted = sorted([*range(4), *range(100, 112), *range(200, 212)])
    assert sorted(table.read()["number"].to_pylist()) == wanted
    assert [v.rows for v in table.history()] == list(range(28, 0, -1))
    assert all(table.read(v).num_rows == v.rows for v in table.history())
    assert DeltaTable(table.uri).count() == 28


def test_two_compactions_of_one_version_at_once_are_one(crew: Crew, lake: Lake) -> None:
    table = appended(lake, 6)
    job = Job(root=lake.root, method="optimize", calls=[(0, 0, "")])
    ends = crew.run(job, job)
    assert not any(end.error or end.killed_by for end in ends)
    assert compactions(table) == [6]
    assert parts(table) == 7
    assert table.read()["number"].to_pylist() == list(range(6))


def test_a_compaction_on_s3_whose_answer_is_lost_is_there_once(
    proxy: LossyProxy, s3_options: dict[str, str]
) -> None:
    options = {**s3_options, "aws_endpoint_url": proxy.url}
    lake = Lake(f"s3://lake/{uuid.uuid4().hex}", options)
    table = appended(lake, 3)
    for at, fault in enumerate(["lost", "refused"]):
        proxy.faults = [fault]
        assert upkeep.optimize(lake, ORDERS, [0]) == [3 + 2 * at]
        assert proxy.faults == []
        assert len(table.files()) == 1
        assert table.append(rows(3 + at, 1), BY, token=f"{3 + at}").number == 4 + 2 * at
    assert compactions(table) == [5, 3]
    assert table.read()["number"].to_pylist() == list(range(5))


def test_a_bucket_is_compacted_and_vacuumed_like_a_disk(s3_options: dict[str, str]) -> None:
    lake = Lake(f"s3://lake/{uuid.uuid4().hex}", s3_options)
    table = appended(lake, 6)
    loose, content = lake.artifacts.put({"a.txt": b"loose"}), table.read()
    table.overwrite(rows(50, 2), BY)
    table.append(rows(52, 1), BY, token="52")
    assert upkeep.optimize(lake, ORDERS, [0]) == [8]
    assert upkeep.vacuum(lake, ORDERS, [2]) == [3, 4, 5, 6]
    fresh = Lake(lake.root, s3_options).table(ORDERS)
    assert fresh.read()["number"].to_pylist() == [50, 51, 52]
    assert fresh.read(2) == content.slice(0, 3)
    with pytest.raises(FreedError, match="version 5 of shop/orders was freed"):
        fresh.read(5)
    with pytest.raises(Exception, match="freed by the vacuum of child"):
        lake.artifacts.open(loose)
