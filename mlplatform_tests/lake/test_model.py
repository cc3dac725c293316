"""The lake against a list of rows: whatever is done in whatever order, every version reads back."""

import tempfile
from typing import Any

import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mlplatform.lake import Lake, Lineage
from mlplatform.lake.digest import content_digest

CELLS = st.lists(st.none() | st.integers(0, 99), max_size=5)


class LakeModel(RuleBasedStateMachine):
    """One table, and what each of its versions should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.versions: list[list[int | None]] = []
        self.tokens: dict[str, int] = {}
        self.reopen()

    def teardown(self) -> None:
        """Remove the lake."""
        self.folder.cleanup()

    @rule()
    def reopen(self) -> None:
        """Forget everything this process knows."""
        self.table = Lake(self.folder.name).table("t")

    @rule(cells=CELLS)
    def append(self, cells: list[int | None]) -> None:
        """Rows come behind those there are."""
        token = f"token {len(self.versions)}"
        before = self.versions[-1] if self.versions else []
        version = self.table.append(_table(cells), self._by(), token=token)
        self.tokens[token] = version.number
        self.versions.append(before + cells)
        assert version.number == len(self.versions) - 1

    @rule(cells=CELLS)
    def overwrite(self, cells: list[int | None]) -> None:
        """Rows replace those there are."""
        version = self.table.overwrite(_table(cells), self._by())
        self.versions.append(cells)
        assert version.number == len(self.versions) - 1
        assert version.digest == content_digest(_table(cells))

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def append_again(self, data: Any) -> None:
        """A token that landed adds nothing."""
        token = data.draw(st.sampled_from(sorted(self.tokens)))
        again = self.table.append(_table([-1]), self._by(), token=token)
        assert again.number == self.tokens[token]

    @precondition(lambda self: self.versions)
    @rule(data=st.data())
    def read_any_version(self, data: Any) -> None:
        """Every version reads back and counts right."""
        number = data.draw(st.integers(0, len(self.versions) - 1))
        assert self.table.read(number)["x"].to_pylist() == self.versions[number]
        assert self.table.version(number).rows == len(self.versions[number])
        added = len(self.versions[-1]) - len(self.versions[number])
        assert self.table.rows_added_since(number) == added

    @invariant()
    def the_log_holds_exactly_what_was_written(self) -> None:
        """No version and no token is lost or invented."""
        newest = self.table.latest()
        assert (newest.number if newest else -1) == len(self.versions) - 1
        landed = self.table.landed([*self.tokens, "never"])
        assert {token: v.number for token, v in landed.items()} == self.tokens

    def _by(self) -> Lineage:
        return Lineage(asset="t", run_id=f"run-{len(self.versions)}", code_version="c")


def _table(cells: list[int | None]) -> pa.Table:
    return pa.table({"x": pa.array(cells, pa.int64())})


LakeModel.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
TestLakeModel = LakeModel.TestCase
