"""System metrics while something runs: CPU, memory, and the memory of GPUs, under MLflow's names.

    with Watch(run.points):
        train()

A thread of its own looks every few seconds. It never waits for the computation: JAX is asked for what its
allocator has counted, and only of devices that are GPUs.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import psutil

from mlplatform.errors import PlatformError

EVERY_SECONDS = 10.0  # MLflow's own interval
ROUNDS = 2000  # After so many the interval doubles: a day is 6 hours of points, and not 24.
MEGABYTE = 1e6  # MLflow's


class Sample(NamedTuple):
    """One value."""

    name: str
    value: float
    at_ms: int  # Unix time
    step: int  # the round: 0, 1, …


class Watch:
    """Calls `say` with the samples of each round, from another thread; the last when the block ends.

    If they cannot be told, the block runs on.
    """

    def __init__(
        self, say: Callable[[list[Sample]], None], every_seconds: float = EVERY_SECONDS
    ) -> None:
        self._say = say
        self._every_seconds = every_seconds
        self._process = psutil.Process()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="system metrics", daemon=True)

    def __enter__(self) -> "Watch":
        psutil.cpu_percent()  # Usage is since the call before, and the first has none.
        self._process.cpu_percent()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        step, done = 0, False
        while not done:
            done = self._done.wait(self._every_seconds * 2 ** (step // ROUNDS))
            now = time.time_ns() // 1_000_000
            # A log that cannot be written is told to whoever trains, by its own lines.
            with suppress(psutil.Error, OSError, PlatformError):
                self._say([Sample(name, value, now, step) for name, value in self._seen()])
            step += 1

    def _seen(self) -> Iterator[tuple[str, float]]:
        memory = psutil.virtual_memory()
        yield "system/cpu_utilization_percentage", psutil.cpu_percent()
        yield "system/system_memory_usage_megabytes", memory.used / MEGABYTE
        yield "system/system_memory_usage_percentage", 100 * memory.used / memory.total
        yield "system/process_cpu_utilization_percentage", self._process.cpu_percent()  # 100 a core
        yield "system/process_memory_usage_megabytes", self._process.memory_info().rss / MEGABYTE
        yield from _gpus()


def _gpus() -> Iterator[tuple[str, float]]:
    """Yield what JAX holds of each GPU's memory; nothing where nobody has imported JAX."""
    if (jax := sys.modules.get("jax")) is None:
        return
    for device in jax.local_devices():
        if device.platform != "gpu":
            continue
        stats = device.memory_stats() or {}
        for name, key in (("usage", "bytes_in_use"), ("peak", "peak_bytes_in_use")):
            if key in stats:
                named = f"system/gpu_{device.local_hardware_id}_memory_{name}_megabytes"
                yield named, stats[key] / MEGABYTE
