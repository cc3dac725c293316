"""Several writers at once, in real processes and in lock step."""

from pathlib import Path
from threading import Event, Thread

import pytest

from mlplatform.errors import ConcurrentWriteError
from mlplatform.lake import Lake, Lineage, Version, faults
from mlplatform_tests.faults.crew import Crew, Job
from mlplatform_tests.lake.conftest import BY, rows

RIVAL = Lineage(asset="shop/rival", run_id="run-2", code_version="abc")


class Rival:
    """A hook that commits between another writer's first look at the log and its commit."""

    version: Version

    def __init__(self, root: str) -> None:
        self.lake = Lake(root)

    def __call__(self, point: str) -> None:
        """Commit once, at the first point that comes just before somebody's commit."""
        if point == "before_commit":
            faults.hook = None
            table = self.lake.table("shop/orders")
            self.version = table.append(rows(90, 2), RIVAL, token="rival")


@pytest.mark.parametrize("before", [0, 1])
def test_an_append_overtaken_by_another_lands_behind_it(
    lake: Lake, hook: pytest.MonkeyPatch, before: int
) -> None:
    table = lake.table("shop/orders")
    for n in range(before):
        table.append(rows(n, 1), BY, token=str(n))
    rival = Rival(lake.root)
    hook.setattr(faults, "hook", rival)
    mine = table.append(rows(50, 3), BY, token="mine")
    assert (rival.version.number, mine.number) == (before, before + 1)
    assert mine.rows == before + 5
    assert table.read()["number"].to_pylist() == [*range(before), 90, 91, 50, 51, 52]


def test_an_overwrite_overtaken_by_another_is_refused_and_told_by_whom(
    lake: Lake, hook: pytest.MonkeyPatch
) -> None:
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 3), BY)
    hook.setattr(faults, "hook", Rival(lake.root))
    with pytest.raises(ConcurrentWriteError, match="shop/rival wrote it in run run-2"):
        table.overwrite(rows(50, 3), BY, expected=0)
    assert table.read()["number"].to_pylist() == [0, 1, 2, 90, 91]


def test_an_overwrite_of_whatever_is_newest_leaves_nothing_of_the_rival(
    lake: Lake, hook: pytest.MonkeyPatch
) -> None:
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 3), BY)
    hook.setattr(faults, "hook", Rival(lake.root))
    assert table.overwrite(rows(50, 3), BY).number == 2
    assert table.read()["number"].to_pylist() == [50, 51, 52]


def test_a_token_that_lands_while_its_rows_are_written_is_not_repeated(
    lake: Lake, hook: pytest.MonkeyPatch
) -> None:
    def overtake(point: str) -> None:
        hook.setattr(faults, "hook", None)
        assert point == "data_written"
        table = Lake(lake.root).table("shop/orders")
        table.append(rows(50, 3), RIVAL, token="mine")
        table.append(rows(90, 2), RIVAL, token="other")

    hook.setattr(faults, "hook", overtake)
    mine = lake.table("shop/orders").append(rows(50, 3), BY, token="mine")
    assert (mine.number, mine.lineage) == (0, RIVAL)
    assert lake.table("shop/orders").read()["number"].to_pylist() == [50, 51, 52, 90, 91]


def test_temporary_files_that_come_and_go_do_not_hide_the_log(lake: Lake) -> None:
    table = lake.table("shop/orders")
    table.append(rows(0, 3), BY, token="1")
    log, done = Path(table.uri, "_delta_log"), Event()

    def churn() -> None:
        while not done.is_set():
            for n in range(20):
                (log / f"{n:020d}.json#1").touch()
            for n in range(20):
                (log / f"{n:020d}.json#1").unlink()

    churning = Thread(target=churn)
    churning.start()
    seen = {Lake(lake.root).table("shop/orders")._log.newest() for _ in range(300)}
    done.set()
    churning.join()
    assert seen == {0}


def test_two_processes_appending_at_once_lose_and_double_nothing(crew: Crew, lake: Lake) -> None:
    jobs = [
        Job(
            root=lake.root,
            method="append",
            calls=[(100 * who + n, 1, f"{who}-{n}") for n in range(15)],
        )
        for who in range(2)
    ]
    ends = crew.run(*jobs)
    assert [end.error for end in ends] == ["", ""]
    numbers = [number for end in ends for number in end.numbers]
    assert sorted(numbers) == list(range(30))
    got = lake.table("shop/orders").read()["number"].to_pylist()
    assert sorted(got) == [*range(15), *range(100, 115)]
    assert [n for n in got if n < 100] == list(range(15))


def test_processes_with_the_same_tokens_append_each_once(crew: Crew, lake: Lake) -> None:
    calls = [(n, 1, str(n)) for n in range(10)]
    ends = crew.run(*[Job(root=lake.root, method="append", calls=calls)] * 3)
    assert [end.numbers for end in ends] == [ends[0].numbers] * 3
    assert lake.table("shop/orders").read()["number"].to_pylist() == list(range(10))


def test_four_processes_appending_to_s3_all_land(crew: Crew, s3_options: dict[str, str]) -> None:
    root = "s3://lake/races"
    jobs = [
        Job(
            root=root,
            options=s3_options,
            method="append",
            calls=[(100 * who + n, 1, f"{who}-{n}") for n in range(3)],
        )
        for who in range(4)
    ]
    ends = crew.run(*jobs)
    assert [end.error for end in ends] == [""] * 4
    assert sorted(number for end in ends for number in end.numbers) == list(range(12))
    got = Lake(root, s3_options).table("shop/orders").read()["number"].to_pylist()
    assert sorted(got) == [100 * who + n for who in range(4) for n in range(3)]
