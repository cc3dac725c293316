"""The online store that many servers share: Redis, by redis-py."""

import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from mlplatform.features.aggregates.online import (
    Asked,
    OnlineStoreError,
    require_known,
    runs,
)
from mlplatform.features.instants import FIRST

TIMEOUT_SECONDS = 5.0  # Of one answer.
LOCK_SECONDS = 60  # A load that says nothing for so long has died.
AT_ONCE = 10_000  # Commands sent before their answers are read.
SCANNED = 1_000  # Keys that one step of a clean-up looks at.
MEMBERS = 1_000  # Of one command.
TRIES = 10  # Of look-ups that a load overtakes.
_ENTRY = np.dtype([("at", ">u8"), ("value", ">f8")])


class _Loaded(NamedTuple):
    """What the key `current` says, and its very bytes."""

    raw: bytes | None = None
    generation: str = ""
    reference: str | None = None
    aggregates: frozenset[str] | None = None


class RedisStore:
    """A generation of keys a version, and one key that says which is current.

    Each aggregate and entity has a sorted set, ordered by its members' bytes: 8 of the instant and 8
    of the value, none for null. A look-up asks behind its values which generation is current, and
    begins anew when that has changed. About 100 bytes of Redis's memory a change.

    Args:
        url: `redis://…`, `rediss://…` or `unix://…`. May hold a password, so no error shows it.
        name: Whose aggregates: a pipeline's name. Keys begin with `mlplatform:<name>:`.
    """

    def __init__(self, url: str, name: str = "aggregates") -> None:
        try:
            import redis
        except ImportError:
            raise OnlineStoreError(
                "the online store in Redis needs redis-py; pip install 'mlplatform[redis]'"
            ) from None
        try:
            self._redis: Any = redis.Redis.from_url(
                url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
            )
        except ValueError:
            raise OnlineStoreError(
                "the address of the online store is none of Redis; write it like"
                " redis://host:6379/0"
            ) from None
        self._failures = (redis.RedisError, OSError)
        self._overtaken = redis.WatchError
        self._prefix = f"mlplatform:{name}:"
        self._current, self._lock = f"{self._prefix}current", f"{self._prefix}loading"
        self._loaded = _Loaded()

    @property
    def version(self) -> str | None:
        """Reference of the current version; None before the first load."""
        return self._look().reference

    @property
    def answered(self) -> str | None:
        """Reference of the version that was last answered from or told; asks nobody."""
        return self._loaded.reference

    def load(
        self,
        reference: str,
        changes: Iterable[pa.RecordBatch],
        aggregates: Iterable[str] | None = None,
    ) -> None:
        """Put a version in the place of the one there is; see `OnlineStore.load`."""
        generation = secrets.token_hex(8)
        says = {"generation": generation, "reference": reference}
        keys = None if aggregates is None else sorted(aggregates)
        with self._loading(generation):
            _go_on(self._remove_others(self._look().generation, generation))
            self._write(generation, changes)
            switch = ("SET", self._current, json.dumps({**says, "aggregates": keys}))
            _go_on(self._while_mine(generation, switch))
            self._remove_others(generation, generation)  # Who takes over now removes them, too.

    def lookup(self, aggregate: str, entity: str, at_us: int) -> float | None:
        """Return the value as of an instant; see `OnlineStore.lookup`."""
        return self.lookups([(aggregate, entity, at_us)])[0]

    def lookups(self, asked: Sequence[Asked]) -> list[float | None]:
        """Return the values as of some instants; see `OnlineStore.lookups`."""
        now = self._loaded if self._loaded.raw else self._look()
        for _ in range(TRIES):
            found = self._found(now, asked) if now.reference else None
            if found is not None:
                require_known(now.reference, now.aggregates, asked)
                return found
            now = self._look()
            require_known(now.reference, None, asked)
        raise OnlineStoreError(f"the online store changed {TRIES} times during a look-up")

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _look(self) -> _Loaded:
        with self._reached():
            raw = self._redis.get(self._current)
        if raw != self._loaded.raw or raw is None:
            says = json.loads(raw or "{}")
            keys = says.get("aggregates")
            self._loaded = _Loaded(
                raw,
                says.get("generation", ""),
                says.get("reference"),
                None if keys is None else frozenset(keys),
            )
        return self._loaded

    def _found(self, now: _Loaded, asked: Sequence[Asked]) -> list[float | None] | None:
        """Return the values, or None when they are not all of the generation that is current."""
        found: list[float | None] = []
        for first in range(0, len(asked), AT_ONCE):
            with self._reached(), self._redis.pipeline(transaction=False) as sent:
                for aggregate, entity, at in asked[first : first + AT_ONCE]:
                    key = self._key(now.generation, aggregate, entity)
                    until = b"(" + _instant(at + 1)
                    sent.execute_command("ZREVRANGEBYLEX", key, until, "-", "LIMIT", 0, 1)
                sent.get(self._current)  # Keys are removed only after another became current.
                *answers, raw = sent.execute()
            if raw != now.raw:
                return None
            found += [_value(answer) for answer in answers]
        return found

    def _key(self, generation: str, aggregate: str, entity: str) -> str:
        return f"{self._prefix}{generation}:{aggregate}:{entity}"

    def _write(self, generation: str, changes: Iterable[pa.RecordBatch]) -> None:
        for batch in changes:
            members = _members(batch)
            _go_on(self._while_mine(generation))
            with self._reached(), self._redis.pipeline(transaction=False) as sent:
                for aggregate, entity, begin, end in runs(batch):
                    key = self._key(generation, aggregate, entity)
                    for first in range(begin, end, MEMBERS):
                        some = members[first : min(first + MEMBERS, end)]
                        scored = (part for member in some for part in (0, member))
                        sent.execute_command("ZADD", key, *scored)
                sent.execute()

    def _while_mine(self, token: str, *commands: Sequence[str | bytes]) -> bool:
        """Run commands at once, and begin the lock's time anew; False and nothing if it is not this load's."""
        with self._reached(), self._redis.pipeline(transaction=True) as sent:
            sent.watch(self._lock)
            if sent.get(self._lock) != token.encode():
                return False
            sent.multi()
            sent.expire(self._lock, LOCK_SECONDS)
            for command in commands:
                sent.execute_command(*command)
            try:
                sent.execute()
            except self._overtaken:
                return False
        return True

    def _remove_others(self, kept: str, token: str) -> bool:
        """Remove the keys of all generations but one: of the last, and of loads that died.

        What was found while the lock is still this load's is of no load that goes on. Return whether
        it is to the end: a load that took over may be writing keys that this one takes for dead.
        """
        stay = tuple(
            name.encode() for name in (self._current, self._lock, f"{self._prefix}{kept}:")
        )
        cursor, is_mine = 0, True
        while is_mine:
            with self._reached():
                cursor, found = self._redis.scan(cursor, match=f"{self._prefix}*", count=SCANNED)
            gone = [key for key in found if not key.startswith(stay)]
            is_mine = self._while_mine(token, *([("UNLINK", *gone)] if gone else []))
            if not cursor:
                break
        return is_mine

    @contextmanager
    def _loading(self, token: str) -> Iterator[None]:
        with self._reached():
            self._check_memory()
            if not self._redis.set(self._lock, token, nx=True, ex=LOCK_SECONDS):
                raise OnlineStoreError(
                    "the online store is being loaded; try again when that is done"
                )
        try:
            yield
        finally:
            self._while_mine(token, ("DEL", self._lock))

    def _check_memory(self) -> None:
        """Refuse a Redis that forgets keys when it is full: a value would silently be another one."""
        memory = self._redis.info("memory")
        policy = memory.get("maxmemory_policy", "")
        if memory.get("maxmemory", 0) and policy.startswith("allkeys"):
            raise OnlineStoreError(
                f"this Redis drops keys when it is full (maxmemory-policy {policy});"
                " set it to noeviction"
            )

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except self._failures as wrong:
            raise OnlineStoreError(
                f"the online store in Redis does not answer: {type(wrong).__name__}"
            ) from None


def _go_on(is_mine: bool) -> None:  # noqa: FBT001 - what `_while_mine` returned.
    if not is_mine:
        raise OnlineStoreError("another load began because this one took too long; try again")


def _instant(at_us: int) -> bytes:
    """Return 8 bytes that sort as instants do."""
    return min(max(at_us - FIRST, 0), 2**64 - 1).to_bytes(8, "big")


def _members(batch: pa.RecordBatch) -> list[bytes]:
    entries = np.empty(batch.num_rows, _ENTRY)
    entries["at"] = batch.column("at").cast(pa.int64()).to_numpy() - FIRST
    entries["value"] = batch.column("value").fill_null(0.0).to_numpy()
    raw, size = entries.tobytes(), _ENTRY.itemsize
    ends = np.where(batch.column("value").is_valid().to_numpy(zero_copy_only=False), size, 8)
    return [raw[k * size : k * size + end] for k, end in enumerate(ends.tolist())]


def _value(answer: list[bytes]) -> float | None:
    if not answer or len(answer[0]) == _ENTRY["at"].itemsize:
        return None
    return float(np.frombuffer(answer[0], _ENTRY)["value"][0])
