"""Appends, overwrites, compactions, vacuums and leases in any order: what is leased reads as on its first day."""

import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlplatform.errors import FreedError
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.lake.compaction import optimize
from mlplatform.lake.digest import content_digest
from mlplatform.lake.vacuum import Held, carry_out, plan

CELLS = st.lists(st.none() | st.integers(0, 99), max_size=4)


class UpkeepModel(RuleBasedStateMachine):
    """One table: what each version holds, which are leased, which a vacuum may have freed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.versions: list[tuple[Version, list[int | None]]] = []
        self.leased: set[int] = set()  # Places in `versions`.
        self.freed: set[int] = set()
        self.writes = 0
        self.reopen()

    def teardown(self) -> None:
        """Remove the lake."""
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        """Forget everything this process knows."""
        self.lake = Lake(self.folder.name)
        self.table = self.lake.table("t")

    @rule(cells=CELLS, times=st.integers(1, 3))
    def append(self, cells: list[int | None], times: int) -> None:
        """Rows come behind those there are."""
        for _ in range(times):
            before = self.versions[-1][1] if self.versions else []
            version = self.table.append(_table(cells), self._by(), token=f"token {self.writes}")
            self.versions.append((version, before + cells))

    @rule(cells=CELLS)
    def overwrite(self, cells: list[int | None]) -> None:
        """Rows replace those there are."""
        version = self.table.overwrite(_table(cells), self._by())
        assert version.digest == content_digest(_table(cells))
        self.versions.append((version, cells))

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def lease(self, data: Any) -> None:
        """Somebody needs a version that is still there."""
        there = [n for n in range(len(self.versions)) if n not in self.freed]
        self.leased.add(data.draw(st.sampled_from(there)))

    @precondition(lambda self: self.leased)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        """A lease expires."""
        self.leased.discard(data.draw(st.sampled_from(sorted(self.leased))))

    @precondition(lambda self: self.versions)
    @rule(least=st.integers(2, 4), grouped=st.booleans())
    def compact(self, least: int, *, grouped: bool) -> None:
        """The newest version is put into fewer files."""
        optimize(self.table, "model", least_files=least, same_groups=grouped)

    @precondition(lambda self: self.versions)
    @rule()
    def vacuum(self) -> None:
        """What is neither leased nor the newest goes."""
        numbers = {self.versions[n][0].number: ["lease"] for n in self.leased}
        grace = {"t": timedelta(0)}
        held = Held(versions={"t": numbers}, names=lambda _: {}, grace=grace)
        planned = plan(self.lake, held, now=datetime.now(UTC))
        (told,) = planned.tables
        assert told.missing == ()
        by_number = {version.number: n for n, (version, _) in enumerate(self.versions)}
        gone = {by_number[number] for number in told.freed}
        assert not gone & self.leased
        assert not gone & self.freed
        carry_out(self.lake, planned, "model")
        self.freed |= gone

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def read_any_version(self, data: Any) -> None:
        """Every version reads back, or says that it was freed."""
        at = data.draw(st.integers(0, len(self.versions) - 1))
        version, cells = self.versions[at]
        assert self.table.version(version.number) == version
        if at in self.freed:
            with pytest.raises(FreedError, match="no lease held it"):
                self.table.read(version)
        else:
            assert self.table.read(version)["x"].to_pylist() == cells

    @invariant()
    def what_is_leased_and_the_newest_are_whole(self) -> None:
        """Digest, number and rows are those of the first day."""
        newest = {len(self.versions) - 1} if self.versions else set()
        for at in self.leased | newest:
            version, cells = self.versions[at]
            assert self.table.version(version.number).reference == version.reference
            assert self.table.read(version)["x"].to_pylist() == cells

    @invariant()
    def versions_are_exactly_those_written(self) -> None:
        """No compaction is one, and no vacuum takes one away."""
        assert (
            self.table.history() == [version for version, _ in reversed(self.versions)]
            if (self.versions)
            else self.table.latest() is None
        )

    @invariant()
    def other_readers_count_the_newest_rows(self) -> None:
        """Delta's own log replay agrees."""
        if self.versions:
            assert DeltaTable(self.table.uri).count() == len(self.versions[-1][1])

    def _by(self) -> Lineage:
        self.writes += 1
        return Lineage(asset="t", run_id=f"run-{self.writes}", code_version="c")


def _table(cells: list[int | None]) -> pa.Table:
    return pa.table({"x": pa.array(cells, pa.int64())})


UpkeepModel.TestCase.settings = settings(max_examples=12, stateful_step_count=14, deadline=None)
TestUpkeepModel = UpkeepModel.TestCase
