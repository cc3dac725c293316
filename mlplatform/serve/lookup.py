"""Look-ups of aggregates: a key-value view of one version of their table, kept at the newest that will do."""

import json
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mlplatform.errors import FeatureError, PlatformError, ServingError
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.problem import Problem

if TYPE_CHECKING:
    from mlplatform.features import Encoder
    from mlplatform.features.aggregates import OnlineStore
    from mlplatform.lake import Table, Version
    from mlplatform.serve.decode import Row

TABLE = "aggregates"  # `<pipeline>/aggregates`
STOP_SECONDS = 30.0  # For a load that has begun.
RETRY = {"retry-after": "1"}  # seconds

_log = logging.getLogger(__name__)


class Lookup:
    """The aggregates that live models read, as of any instant; nothing is loaded while none reads any.

    A version that lacks what a live model reads is not loaded: the newest that has it all goes on, and
    `problem` says so. No value is ever made up for one that is not there. Another server may put
    another version into a store that they share: it is noticed by the next answer, and taken over
    if it is newer and has what is read.

    Args:
        table: The changes of the aggregates.
        opened: Returns the key-value view of one version at a time; asked when it is first needed.
        metrics: Shows which version is loaded, and its age.
        only: Number of the version to load, whatever the newest is.

    Attributes:
        version: The version that values come from; None before the first load.
        problem: What keeps it from being the newest; empty when nothing does.
    """

    def __init__(
        self,
        table: "Table",
        opened: "Callable[[], OnlineStore]",
        metrics: Metrics,
        only: int | None = None,
    ) -> None:
        self._table, self._opened, self._metrics, self._only = table, opened, metrics, only
        self._live: frozenset[str] = frozenset()
        self._asked: frozenset[str] = frozenset()
        self._keys: frozenset[str] = frozenset()
        self._found: tuple[object, Version | None] = (None, None)
        self._opened_store: OnlineStore | None = None
        self._noticed: str | None = None
        self._loading = threading.Lock()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self.version: Version | None = None
        self.problem = self._why = ""
        metrics.age_of_aggregates(self._age_seconds)

    def require(self, keys: frozenset[str], *, wait: bool) -> None:
        """Return when values of all `keys` can be looked up.

        Args:
            keys: `Aggregate.key`s of a model that is to answer.
            wait: Load now; else a thread does, and the caller asks again.

        Raises:
            ServingError: If some of them are in no version of the table, or not loaded yet.
        """
        if keys <= self._keys:
            return
        self._asked |= keys
        if not wait:
            self._wake.set()
            raise ServingError(self.problem or "its aggregates are being loaded")
        self.look()
        if not keys <= self._keys:
            why = f": {self._why}" if self._why else ""
            raise ServingError(f"{self.problem}{why}; materialise {self._table.name} anew")

    def live(self, keys: frozenset[str]) -> None:
        """Note which keys the live models read, so that no version without them is loaded."""
        self._live = keys

    def forget_asked(self) -> None:
        """Forget what was required: other models are to answer."""
        self._asked = frozenset()

    def fill(self, rows: "Sequence[Row]", encoder: "Encoder") -> "tuple[list[Row], list[Row]]":
        """Return rows as `encoder` takes them, and with all that was asked: what the log keeps.

        The aggregates are as of each row's time; one that leaves it out is about now.

        Raises:
            Problem: 422 for a row without an entity's column; 503 when a value cannot be looked up.
        """
        from mlplatform.features.aggregates import OnlineStoreError, fill_rows

        if missing := {one.key for one in encoder.aggregates} - self._keys:
            said = f"no aggregates {_some(missing)} are loaded; the model cannot answer"
            raise Problem(503, said, headers=RETRY)
        now, time = datetime.now(UTC), encoder.event_time
        timed = [row if time in row else {**row, time: now} for row in rows]
        try:
            filled = fill_rows(timed, encoder, self._store, now)
        except FeatureError as wrong:
            raise Problem(422, str(wrong)) from None
        except OnlineStoreError as wrong:
            _log.warning("looking up aggregates: %s", wrong)
            raise Problem(503, "the online store cannot be asked", headers=RETRY) from None
        finally:
            self._notice()
        kept = [{**row, **full} for row, full in zip(timed, filled, strict=True)]
        return filled, kept

    def start(self, poll_seconds: float, retry_seconds: float) -> None:
        """Follow the table in a thread; after a load that failed, wait `retry_seconds`."""

        def run() -> None:
            while not self._stop.is_set():
                self._wake.wait(retry_seconds if self._why else poll_seconds)
                self._wake.clear()
                if not self._stop.is_set() and (self._live or self._asked):
                    self.look()

        self._thread = threading.Thread(target=run, name="aggregates-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following, once a load that has begun is over."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._opened_store is not None:
            self._opened_store.close()

    def look(self) -> None:
        """Load the newest version that has what is read, unless it is loaded."""
        with self._loading:
            try:
                chosen, problem = self._choose()
                if chosen is not None:
                    self._load(chosen)
                self._say(problem)
            except PlatformError as wrong:
                self._say("the aggregates cannot be loaded", str(wrong))
            except Exception as wrong:  # This thread must outlive whatever a table holds.
                _log.exception("loading %s", self._table.name)
                self._say("the aggregates cannot be loaded", repr(wrong))

    def _load(self, chosen: "Version") -> None:
        held = self._store.version  # Other servers may share the store: it is asked each time.
        if held is not None and held != chosen.reference:
            chosen = self._taken_over(held, chosen)
        if held != chosen.reference:
            self._store.load(chosen.reference, self._table.batches(chosen), _keys(chosen))
        self.version, self._keys = chosen, _keys(chosen)
        self._metrics.aggregates_version.set(chosen.number)

    def _taken_over(self, held: str, chosen: "Version") -> "Version":
        """Return the version that another server loaded if it is newer and lacks nothing; else `chosen`."""
        if self._only is not None:
            return chosen
        needed = (self._live | self._asked) & _keys(chosen)
        newer = (each for each in self._table.history() if each.number > chosen.number)
        fit = (each for each in newer if each.reference == held and needed <= _keys(each))
        return next(fit, chosen)

    def _notice(self) -> None:
        """Have the thread look at once when an answer came from a version that this server did not load."""
        if self.version is None:
            return
        answered = self._store.answered
        if answered in (self.version.reference, self._noticed):
            return
        self._noticed = answered  # Once: what cannot be put right is left to the next poll.
        self._wake.set()

    def _choose(self) -> "tuple[Version | None, str]":
        """Return the version that has all that is read, else all that live models read; and a problem."""
        newest = self._table.latest() if self._only is None else self._table.version(self._only)
        if newest is None:
            return None, f"there is no table {self._table.name}"
        every = self._live | self._asked
        if every <= _keys(newest):
            return newest, ""
        if self._found[0] != (newest, every):
            self._found = (newest, every), self._older(every)
        lacking = _some(every - _keys(newest))
        return self._found[1], f"version {newest.number} of {self._table.name} has no {lacking}"

    def _older(self, every: frozenset[str]) -> "Version | None":
        """Return the newest version that has `every` key, else all that live models read."""
        if self._only is not None:
            return None
        wanted = [every, self._live] if self._live else [every]
        history = self._table.history()
        found = (each for keys in wanted for each in history if keys <= _keys(each))
        return next(found, None)

    @property
    def _store(self) -> "OnlineStore":
        if self._opened_store is None:
            self._opened_store = self._opened()
        return self._opened_store

    def _say(self, problem: str, why: str = "") -> None:
        # Health shows `problem`; the reason may hold paths and goes to the log.
        if problem and problem != self.problem:
            _log.warning("%s: %s", problem, why)
        self.problem, self._why = problem, why

    def _age_seconds(self) -> float:
        if self.version is None:
            return float("nan")
        return (datetime.now(UTC) - self.version.committed_at).total_seconds()


def _keys(version: "Version") -> frozenset[str]:
    from mlplatform.features.aggregates import FACT

    keys: list[str] = json.loads(version.lineage.facts.get(FACT, "[]"))
    return frozenset(keys)


def _some(keys: "frozenset[str] | set[str]") -> str:
    first = sorted(keys)[:3]
    return ", ".join(first) + (" …" if len(keys) > len(first) else "")
