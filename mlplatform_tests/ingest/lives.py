"""Landings that die: one process that has imported everything, and a fork of it for each life."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module

HEAVY = ("adbc_driver_postgresql.dbapi", "boto3", "deltalake", "pyarrow.fs", "pyarrow.parquet")


def lived(steps: Iterable[int], live: Callable[[int], None]) -> list[bool]:
    """Call `live(step)` in forks that die by SIGKILL at their `step`-th fault point.

    Returns whether each died. This process must not have used Arrow, Delta or a server before.
    """
    for name in HEAVY:
        import_module(name)
    return [_died(step, live) for step in steps]


def _died(step: int, live: Callable[[int], None]) -> bool:
    child = os.fork()
    if not child:
        _live(step, live)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL), "a life ended by neither itself nor the fault"
    return status == signal.SIGKILL


def _live(step: int, live: Callable[[int], None]) -> None:
    from mlplatform.lake import faults

    left = iter(range(step))

    def die(_: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.hook = die
    try:
        live(step)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)
