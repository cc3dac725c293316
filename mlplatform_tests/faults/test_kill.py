"""`kill -9` of a real writer: what was whole stays whole, and the retry makes exactly one version."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deltalake import DeltaTable

from mlplatform.lake import Lake, Table, faults
from mlplatform_tests.faults.crew import Crew, Job
from mlplatform_tests.lake.conftest import BY, rows

POINTS = ["data_written", "before_commit", "after_commit"]
UPKEEP = ["compacted", "vacuum_recorded", "vacuum_removed"]  # Of test_upkeep.py.


def write(table: Table, method: str, start: int, count: int, token: str) -> None:
    if method == "append":
        table.append(rows(start, count), BY, token=token)
    else:
        table.overwrite(rows(start, count), BY)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", ["append", "overwrite"])
@pytest.mark.parametrize("before", [0, 2])
def test_a_killed_write_and_its_retry_end_as_if_nothing_had_happened(
    crew: Crew, tmp_path: Path, point: str, method: str, before: int
) -> None:
    undisturbed, disturbed = (Lake(tmp_path / name).table("shop/orders") for name in "ab")
    for table in (undisturbed, disturbed):
        for n in range(before):
            table.append(rows(n, 1), BY, token=f"before {n}")
    write(undisturbed, method, 10, 20, "one")
    job = Job(root=str(tmp_path / "b"), method=method, calls=[(10, 20, "one")], kill_at=point)
    (end,) = crew.run(job)
    assert end.killed_by == signal.SIGKILL

    survived = Lake(tmp_path / "b").table("shop/orders").history()
    assert len(survived) == before + (point == "after_commit")
    retried = Lake(tmp_path / "b").table("shop/orders")
    write(retried, method, 10, 20, "one")
    assert [v.reference for v in retried.history()] == [v.reference for v in undisturbed.history()]
    assert retried.read() == undisturbed.read()
    assert DeltaTable(retried.uri).version() == before


def test_without_its_token_the_retry_of_a_killed_append_would_double_the_rows(
    crew: Crew, lake: Lake
) -> None:
    """The control of the test above: the fault is real."""
    job = Job(root=lake.root, method="append", calls=[(0, 5, "one")], kill_at="after_commit")
    crew.run(job)
    assert lake.table("shop/orders").append(rows(0, 5), BY, token="other").rows == 10


def test_forty_appends_killed_at_random_all_land_once(crew: Crew, lake: Lake) -> None:
    dice = random.Random(7)  # noqa: S311 - a seed, no secret.
    table = lake.table("shop/orders")
    began = time.monotonic()
    crew.run(Job(root=lake.root, method="append", calls=[(0, 5, "0")]))
    whole_seconds = time.monotonic() - began
    killed = 0
    for n in range(1, 41):
        call = (5 * n, 5, str(n))
        after = dice.uniform(0, whole_seconds)
        (end,) = crew.run(
            Job(root=lake.root, method="append", calls=[call], kill_after_seconds=after)
        )
        killed += end.killed_by == signal.SIGKILL
        landed = table.landed([str(n)])
        assert not end.numbers or landed[str(n)].number == end.numbers[0]
        assert table.append(rows(*call[:2]), BY, token=str(n)).number == n
    assert killed
    assert table.read()["number"].to_pylist() == list(range(205))
    assert len(table.history()) == 41


KILLED = """
import os, signal, sys
from mlplatform.lake import Lake, faults
from mlplatform_tests.lake.conftest import BY, rows
_, root, point = sys.argv
lake = Lake(root)
version = lake.table("t").append(rows(0, 3), BY, token="1")
faults.hook = lambda name: name == point and os.kill(os.getpid(), signal.SIGKILL)
lake.pins("run").set(version) if point == "pin_written" else lake.artifacts.put({"a.txt": b"hi"})
"""


@pytest.mark.parametrize("point", ["artifact_written", "pin_written"])
def test_a_killed_artifact_or_pin_leaves_nothing_half_written(lake: Lake, point: str) -> None:
    command = [sys.executable, "-c", KILLED, lake.root, point]
    done = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    table = lake.table("t")
    second = table.append(rows(3, 1), BY, token="2")
    assert lake.pins("run").get("t") == second
    digest = lake.artifacts.put({"a.txt": b"hi"})
    assert lake.artifacts.open(digest).read("a.txt") == b"hi"
    assert lake.tables() == ["t"]


def test_every_fault_point_is_used_by_a_test() -> None:
    assert {*POINTS, *UPKEEP, "artifact_written", "pin_written"} == set(faults.POINTS)
