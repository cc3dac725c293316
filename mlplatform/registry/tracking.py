"""Training logs: what an asset says of its run is kept on disk first, and MLflow hears it when it can.

    with tracked(outbox, subject, warn) as run:
        run.params(spec)
        run.metrics({"loss/train_nats": 0.31}, step=1)
        with run.child("trial 7") as trial: ...

Whether MLflow is up, slow or away decides nothing here: the block runs the same. Each value is kept
once, however often a retried step says it, under the time it was first said at.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from threading import Lock
from typing import Any, NamedTuple

from mlplatform.registry import limits
from mlplatform.registry.live import Live
from mlplatform.registry.outbox import Outbox, Subject
from mlplatform.registry.replay import Replay
from mlplatform.registry.spool import Spool

CHANGED = "mlplatform.changed."  # and the name of a parameter, which MLflow never changes
DATA = "mlplatform.data."  # and the name of a table: the version of it that was read


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    at_ms: int  # Unix time
    step: int


class RunLog:
    """One run's log: an asset's, or a trial's below it. Safe in threads.

    As a context manager it ends the run: `FINISHED`, or `FAILED` if the block raises.
    """

    def __init__(self, notes: "_Notes", key: str = "") -> None:
        self._notes = notes
        self.key = key

    @property
    def identity(self) -> str:
        """How MLflow's run is found, now or when it gets there: the value of its tag `mlplatform.log`."""
        return self._notes.identity

    def params(self, values: Mapping[str, object]) -> None:
        """Log what the run is made with; nested mappings become dotted names."""
        self._notes.params(self.key, limits.flat(values))

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log one value of each metric, as of now."""
        now = _now_ms()
        self.points([Point(name, value, now, step) for name, value in values.items()])

    def history(self, values: Mapping[str, Sequence[float]], first_step: int = 0) -> None:
        """Log each metric's values, one a step, as of now."""
        now = _now_ms()
        self.points(
            Point(name, value, now, first_step + step)
            for name, series in values.items()
            for step, value in enumerate(series)
        )

    def points(self, points: Iterable[tuple[str, float, int, int]]) -> None:
        """Log (name, value, Unix time in ms, step) of each point."""
        self._notes.points(self.key, points)

    def tags(self, values: Mapping[str, object]) -> None:
        """Set tags; the last value of each stays."""
        fit = {limits.name(key): str(value)[: limits.TAG_LENGTH] for key, value in values.items()}
        self._notes.say(self.key, "tags", fit)

    def inputs(self, versions: Iterable[tuple[str, str]], context: str = "training") -> None:
        """Log which tables the run reads, each with its `Version.reference`, and what for.

        They become MLflow's dataset inputs, and tags.
        """
        read = list(versions)
        self.tags({f"{DATA}{table}": reference for table, reference in read})
        said = [[table, reference, context] for table, reference in read]
        self._notes.say(self.key, "inputs", said)

    def artifact(self, name: str, content: bytes) -> None:
        """Keep a small file, such as a report, with the run; `name` may hold folders."""
        path = PurePosixPath(limits.name(name))
        kept = self._notes.spool.put(path.name, content)
        folder = "" if path.parent == PurePosixPath() else str(path.parent)
        self._notes.say(self.key, "file", [kept, folder])

    def child(self, name: str) -> "RunLog":
        """Return the log of a run below this one, such as a trial: the same one for the same name."""
        key = f"{self.key}/{name}" if self.key else name
        self._notes.open(key, {"name": name, "above": self.key})
        return RunLog(self._notes, key)

    def end(self, status: str = "FINISHED") -> None:
        """End the run: `FINISHED`, `FAILED` or `KILLED`. What the block's end would say is not said then."""
        self._notes.end(self.key, status)

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.end("FAILED" if issubclass(kind, Exception) else "KILLED")
        elif self._notes.running(self.key):
            self.end("FINISHED")


@contextmanager
def tracked(
    outbox: Outbox,
    subject: Subject,
    warn: Callable[[str], None] | None = None,
    open_parent: Callable[[], str] | None = None,
) -> Iterator[RunLog]:
    """Run the block with the log of `subject`, which goes to MLflow meanwhile and when the block ends.

    Where MLflow does not answer, `warn` is called once, in this thread, with one line that says what
    to do; the log waits for the next asset that logs, or for `mlplatform tracking send`.
    `open_parent` returns the id of the orchestrator's MLflow run; without it the run is found or made.

    Raises:
        RegistryError: If the log cannot be kept on disk, or another process writes the same one.
    """
    spool = outbox.open(subject)
    live = Live(
        Replay(spool, outbox.store, open_parent), warn or logging.getLogger(__name__).warning
    )
    try:
        notes = _Notes(spool, subject.identity, live.tell)
        notes.open("", subject.header())
        with live, RunLog(notes) as run:
            yield run
        if live.delivered:
            outbox.send_waiting(live.warn)
    finally:
        spool.close()


@dataclass
class _Notes:
    """Writes what is new. What the log held before, of a step that is retried, is known again."""

    spool: Spool
    identity: str
    tell: Callable[[], None]
    _lock: Lock = field(default_factory=Lock)
    _known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, entry in self.spool.entries():
            self._note(entry)

    def open(self, key: str, who: Mapping[str, str]) -> None:
        if (key, "open") not in self._known:
            self.say(key, "open", dict(who))
        elif not self.running(key):
            self.end(key, "RUNNING")

    def running(self, key: str) -> bool:
        return self._known.get((key, "status")) in (None, "RUNNING")

    def end(self, key: str, status: str) -> None:
        if self._known.get((key, "status")) != status:
            self.say(key, "status", status, durable=not key)

    def params(self, key: str, values: Mapping[str, str]) -> None:
        known = {name: self._known.get((key, "params", name)) for name in values}
        new = {name: value for name, value in values.items() if known[name] is None}
        changed = {n: v for n, v in values.items() if known[n] not in (None, v)}
        if new:
            self.say(key, "params", new)
        if changed:
            tags = {limits.name(CHANGED + name): value for name, value in changed.items()}
            self.say(key, "tags", tags)

    def points(self, key: str, points: Iterable[tuple[str, float, int, int]]) -> None:
        rows = [
            [limits.name(name), _json(float(value)), int(at), int(step)]
            for name, value, at, step in points
        ]
        new = [row for row in rows if _place(key, row) not in self._known]
        for batch in limits.batches(new, limits.METRICS_A_BATCH):
            self.say(key, "points", batch)

    def say(self, key: str, what: str, content: Any, *, durable: bool = False) -> None:
        entry = {"run": key, "at": _now_ms(), what: content}
        with self._lock:
            self.spool.append(entry, durable=durable)
            self._note(entry)
        self.tell()

    def _note(self, entry: Mapping[str, Any]) -> None:
        key = entry["run"]
        if "open" in entry:
            self._known[key, "open"] = True
        if "status" in entry:
            self._known[key, "status"] = entry["status"]
        for name, value in entry.get("params", {}).items():
            self._known[key, "params", name] = value
        for row in entry.get("points", ()):
            self._known[_place(key, row)] = True


def _place(key: str, row: Sequence[Any]) -> tuple[Any, ...]:
    """Return what makes a point the same one: anything but its time."""
    name, value, _, step = row
    return (key, "points", name, step, value)


def _json(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
