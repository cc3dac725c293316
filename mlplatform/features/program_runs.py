"""Runs a program over encoded rows, compiled once a bucket of rows and never once a batch size."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from mlplatform.features.buckets import BUCKETS, bucket
from mlplatform.features.encoded import Encoded

# Rows; throughput is flat from the last. Tables come in batches of up to so many.
SIZES = (*BUCKETS, 16_384, 65_536)

Function = Callable[..., Any]  # Of numeric f32[rows, n] and integers i32[rows, m].


class Runs:
    """A traceable function as executables. Threads may share it: it compiles under a lock.

    Args:
        function: Of `numeric` and `integers`, to a tuple of arrays.
        rows_axis: Which axis of each result counts rows.
        fixed: Arguments before the rows, on the device.
    """

    def __init__(self, function: Function, rows_axis: int = 0, fixed: tuple[Any, ...] = ()) -> None:
        self._function, self._axis, self._fixed = function, rows_axis, fixed
        self.compiled: dict[int, Function] = {}
        self._lock = threading.Lock()

    def __call__(self, encoded: Encoded) -> tuple[np.ndarray, ...]:
        """Return the arrays of all rows; they may be read-only."""
        rows = len(encoded)
        run = self.compiled.get(rows)
        if run is not None:
            made = run(*self._fixed, encoded.numeric, encoded.integers)
            return tuple([np.asarray(array) for array in made])
        return self._in_parts(encoded)

    def warm_up(self, rows: int, encoded: Encoded) -> None:
        """Compile and run every bucket that batches of 1 to `rows` fall into, with one row repeated."""
        for size in SIZES:
            if size <= bucket(rows):
                self(Encoded(np.repeat(encoded.numeric, size, 0), np.repeat(encoded.integers, size, 0)))

    def _in_parts(self, encoded: Encoded) -> tuple[np.ndarray, ...]:
        parts = list(split(len(encoded)))
        results: list[np.ndarray] = []
        for start, rows, size in parts:
            part = padded(encoded[start : start + rows], size)
            run = self.compiled.get(size) or self._compile(size, part)
            made = run(*self._fixed, part.numeric, part.integers)
            arrays = [self._cut(np.asarray(array), rows) for array in made]
            if len(parts) == 1:
                return tuple(arrays)
            results = results or [self._room(array, len(encoded)) for array in arrays]
            for result, array in zip(results, arrays, strict=True):
                result[self._span(start, start + rows)] = array
        return tuple(results)

    def _compile(self, size: int, part: Encoded) -> Function:
        import jax

        with self._lock:
            if size not in self.compiled:
                lowered = jax.jit(self._function).lower(*self._fixed, part.numeric, part.integers)
                self.compiled[size] = lowered.compile(compiler_options=_options())
            return self.compiled[size]

    def _room(self, array: np.ndarray, rows: int) -> np.ndarray:
        shape = list(array.shape)
        shape[self._axis] = rows
        return np.empty(shape, array.dtype)

    def _cut(self, array: np.ndarray, rows: int) -> np.ndarray:
        return array if array.shape[self._axis] == rows else array[self._span(0, rows)]

    def _span(self, start: int, stop: int) -> tuple[slice, ...]:
        return (slice(None),) * self._axis + (slice(start, stop),)


def _options() -> dict[str, str]:
    """Return how to compile for the default backend.

    XLA on cpu by itself hands independent operations to other threads. Rows come from several
    threads anyway, and an operation on one row is over before another thread wakes: one after the
    other took 24 us a row in place of 60.
    """
    import jax

    if jax.default_backend() != "cpu":
        return {}
    return {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}


def split(rows: int) -> Iterator[tuple[int, int, int]]:
    """Yield first row, rows and bucket of each part of a batch; nothing is padded to more than twice its rows
    but a small rest. An empty batch is one row of padding, so that results have their shapes."""
    start = 0
    while start < rows or not start:
        left = rows - start
        size = next((size for size in SIZES if size >= left), SIZES[-1])
        if size > max(2 * left, BUCKETS[-1]):
            size = SIZES[SIZES.index(size) - 1]
        taken = min(left, size)
        yield start, taken, size
        start += taken
        if not taken:
            return


def padded(encoded: Encoded, rows: int) -> Encoded:
    """Return `encoded` with zeros after its last row, `rows` in all."""
    if len(encoded) == rows:
        return encoded
    return Encoded(_padded(encoded.numeric, rows), _padded(encoded.integers, rows))


def _padded(array: np.ndarray, rows: int) -> np.ndarray:
    made = np.zeros((rows, array.shape[1]), array.dtype)
    made[: len(array)] = array
    return made
