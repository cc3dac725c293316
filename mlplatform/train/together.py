"""Decisions that all processes of one training must take alike; with one process, its own.

Clocks and signals differ between processes. One that stops while the others go on leaves them
waiting in a collective for ever. Processes that know each other still train alone until they join:
a study's trials, or a report, are the first one's affair.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import jax
import numpy as np

_JOINED = ContextVar("joined", default=False)


@contextmanager
def joined() -> Iterator[None]:
    """Let what runs inside be done by all processes together; each of them has to enter."""
    token = _JOINED.set(True)
    try:
        yield
    finally:
        _JOINED.reset(token)


def count() -> int:
    """Return how many processes do this together."""
    return int(jax.process_count()) if _JOINED.get() else 1


def index() -> int:
    """Return which of them this is; 0 is the first."""
    return int(jax.process_index()) if _JOINED.get() else 0


def first(value: int) -> int:
    """Return what the first process said, in every process; from -2^31 to 2^31 - 1."""
    if count() == 1:
        return value
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))  # type: ignore[no-untyped-call]


def text(said: str) -> str:
    """Return what the first process said, in every process."""
    if count() == 1:
        return said
    from jax.experimental import multihost_utils

    own = np.frombuffer(said.encode(), np.uint8)
    room = np.zeros(first(len(own)), np.uint8)
    room[: len(own)] = own[: len(room)]
    told = multihost_utils.broadcast_one_to_all(room)  # type: ignore[no-untyped-call]
    return np.asarray(told).astype(np.uint8).tobytes().decode()


def anywhere(flag: bool) -> bool:  # noqa: FBT001  the value itself
    """Return whether any process says so."""
    if count() == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(multihost_utils.process_allgather(np.asarray(flag)).any())  # type: ignore[no-untyped-call]


def wait(where: str) -> None:
    """Return once every process is here."""
    if count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(where)  # type: ignore[no-untyped-call]
