"""Puts servers that are compared on one core of this machine, the same for all of them.

Left to the kernel, two idle servers of one model wake up on different cores. On a busy host one of them then
waits behind somebody else for seconds on end: p50 of equal servers was seen 5 times apart, and every
interval said so surely. They are asked in turn, never at once, so one core is no less to each of them.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil

LOOK_SECONDS = 0.2  # How long it is looked which core is the least busy.


@contextmanager
def on_one_core(urls: Sequence[str]) -> Iterator[None]:
    """Hold servers that this process started on the core that is least busy, for as long as the block lasts.

    Does nothing where the system cannot: then the noise of the host is larger.

    Args:
        urls: Where they listen, on this machine.
    """
    may = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    pids = [pid for pid in map(_listening, urls) if pid is not None] if len(may) > 1 else []
    core = _least_busy(may) if pids else 0
    try:
        for pid in pids:
            _hold(pid, {core})
        yield
    finally:
        for pid in pids:
            _hold(pid, may)


def _hold(pid: int, cores: set[int]) -> None:
    with suppress(OSError):  # It ended.
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), cores)


def _least_busy(may: set[int]) -> int:
    busy = psutil.cpu_percent(LOOK_SECONDS, percpu=True)
    return min(may, key=lambda core: busy[core] if core < len(busy) else 0.0)


def _listening(url: str) -> int | None:
    """Return the id of the child process that listens at an address."""
    port = urlsplit(url).port
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            at = child.net_connections("tcp")
            if any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in at):
                return int(child.pid)
    return None
