"""Decisions that all processes of one training must take alike; with one process, its own.

Clocks and signals differ between processes. One that stops while the others go on leaves them
waiting in a collective for ever.
"""

import jax
import numpy as np


def first(value: int) -> int:
    """Return what the first process said, in every process; from -2^31 to 2^31 - 1."""
    if jax.process_count() == 1:
        return value
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.int32(value)))  # type: ignore[no-untyped-call]


def anywhere(flag: bool) -> bool:  # noqa: FBT001  the value itself
    """Return whether any process says so."""
    if jax.process_count() == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(multihost_utils.process_allgather(np.asarray(flag)).any())  # type: ignore[no-untyped-call]


def wait(where: str) -> None:
    """Return once every process is here."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(where)  # type: ignore[no-untyped-call]
