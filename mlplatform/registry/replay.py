"""Replays one asset's log into MLflow: as often as you like, it makes each run and each value there once.

Runs are found again by their tags. A metric's point is the same one to MLflow when name, step, time and
value are; everything else that is sent again overwrites itself.
"""

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlplatform.errors import RegistryError
from mlplatform.registry import backend, entities, runs
from mlplatform.registry.plan import Plan, stretches
from mlplatform.registry.spool import Entry, Sent, Spool

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

REFUSED = "refused.jsonl"  # What MLflow will not have, beside the log.


@dataclass(frozen=True)
class Store:
    """An MLflow: where it answers, and where the files of new experiments go."""

    tracking_uri: str
    artifacts: str

    @property
    def files(self) -> str | None:
        """Where a new experiment keeps files; a server decides by itself.

        A database's would lie below the current folder otherwise.
        """
        return None if backend.is_server(self.tracking_uri) else self.artifacts


@dataclass
class Replay:
    """Sends what a log holds beyond what was sent. One at a time for each log."""

    spool: Spool
    store: Store
    open_parent: Callable[[], str] | None = None
    again: bool = False  # Send all of it, whatever was sent.
    refused: int = field(default=0, init=False)  # Values that MLflow would not have.
    _opened: dict[str, Entry] = field(default_factory=dict, init=False)
    _ids: dict[str, str] = field(default_factory=dict, init=False)
    _parent: str = field(default="", init=False)

    def send(self, seconds: float) -> None:
        """Send what is there, for about `seconds` once MLflow is imported and answers.

        Raises:
            RegistryError: If MLflow is away, late, or refuses a run; what was sent is remembered.
        """
        start = self._start()
        if start == self.spool.size:
            return
        _ = self._runs  # The import of MLflow (5 s) is not the server's time.
        until, ended = time.monotonic() + seconds, self.spool.sent().ended
        for stretch in stretches(self.spool.entries(start)):
            for key, said in stretch.runs.items():
                self._deliver(key, said)
            ended = stretch.ends(before=ended)
            self.spool.mark(Sent(self._to, stretch.end, ended))
            if time.monotonic() > until and stretch.end < self.spool.size:
                raise RegistryError(f"MLflow at {self._to}: took {seconds:g} s for a part of it")
        self.again = False

    def refusals(self) -> str:
        """Say what MLflow would not have, and where it stands."""
        return f"MLflow refused {self.refused} values, which stand in {self.spool.folder / REFUSED}"

    def _start(self) -> int:
        sent = self.spool.sent()
        elsewhere = sent.to not in ("", self._to)
        return 0 if self.again or elsewhere or sent.bytes > self.spool.size else sent.bytes

    @property
    def _to(self) -> str:
        return backend.shown(self.store.tracking_uri)

    @cached_property
    def _client(self) -> "MlflowClient":
        return backend.client(self.store.tracking_uri)

    @cached_property
    def _runs(self) -> runs.Runs:
        self._opened = {e["run"]: e for _, e in self.spool.entries() if "open" in e}
        if "" not in self._opened:
            raise RegistryError(f"{self.spool.folder}: a log that lost its beginning; remove it")
        experiment = self._opened[""]["open"]["experiment"]
        return runs.Runs(self._client, experiment, self.store.files)

    def _deliver(self, key: str, said: Plan) -> None:
        if said.opened:
            self._opened[key] = said.opened
        run_id = self._id(key, said)
        self._log(run_id, key, list(entities.values(said)))
        if said.inputs:
            read = entities.datasets(said)
            self._within(lambda: self._client.log_inputs(run_id, read))
        for kept, folder in said.files:
            path, below = str(self.spool.folder / kept), folder or None
            self._within(partial(self._client.log_artifact, run_id, path, below))
        if said.status:
            self._end(run_id, *said.status)
            if not key:
                self._end(self._parent, *said.status)

    def _end(self, run_id: str, status: str, at_ms: int) -> None:
        if status == "RUNNING":
            self._within(lambda: self._client.update_run(run_id, status))
        else:
            self._within(lambda: self._client.set_terminated(run_id, status, at_ms))

    def _log(self, run_id: str, key: str, said: list[Any]) -> None:
        """Log all of it at once; if MLflow will not have it, its halves, down to the value it is about."""
        if not said:
            return
        try:
            batch = entities.by_kind(said)
            self._within(lambda: self._client.log_batch(run_id, **batch))
        except backend.RefusedError as why:
            if len(said) > 1:
                self._log(run_id, key, said[: len(said) // 2])
                self._log(run_id, key, said[len(said) // 2 :])
            else:
                self._set_aside(key, said[0], why)

    def _set_aside(self, key: str, value: Any, why: RegistryError) -> None:
        line = {"run": key, "value": dict(value), "why": str(why)}
        with (self.spool.folder / REFUSED).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.refused += 1

    def _id(self, key: str, said: Plan) -> str:
        if not self._ids:
            self._find()
        if key not in self._ids:
            self._ids[key] = self._within(lambda: self._made(key, said.tags))
            said.tags = {}  # A run that is made with its tags needs no transaction of theirs.
        return self._ids[key]

    def _find(self) -> None:
        """Find or make the parent and the asset's run, and find what was made below it."""
        header = self._opened[""]
        who, at = header["open"], header["at"]
        self._within(lambda: self._runs.experiment_id)  # By us, or its files would lie elsewhere.
        with parent_lock(self.spool.folder):  # Two assets of one run may begin at the same time.
            found = self.open_parent or partial(self._found_parent, who, at)
            self._parent = found()
        known = self._within(lambda: self._runs.below(who["identity"]))
        if runs.ROOT not in known:
            tags = {runs.PARENT: self._parent, runs.ASSET: who["asset"]}
            tags |= {runs.LOG: who["identity"], runs.KEY: runs.ROOT}
            known[runs.ROOT] = self._within(lambda: self._runs.make(who["asset"], tags, at))
        self._ids = {"": known.pop(runs.ROOT), **known}

    def _found_parent(self, who: Mapping[str, str], at_ms: int) -> str:
        return self._within(lambda: self._runs.parent(who["run_id"], who["job"], at_ms))

    def _made(self, key: str, tags: Mapping[str, str]) -> str:
        opened = self._opened[key]
        who, identity = opened["open"], self._opened[""]["open"]["identity"]
        ours = {runs.PARENT: self._ids[who["above"]], runs.LOG: identity, runs.KEY: key}
        return self._runs.make(who["name"], {**tags, **ours}, opened["at"])

    def _within(self, work: Callable[[], T]) -> T:
        return backend.within(self.store.tracking_uri, work)


@contextmanager
def parent_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time look for the parent of the log in `folder`, and make it."""
    with (folder.parent / ".parent").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
