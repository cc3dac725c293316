"""Runs a program over encoded rows, compiled once a bucket of rows and never once a batch size."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from mlplatform.features.buckets import BUCKETS, Part, bucket, padded, split
from mlplatform.features.encoded import Encoded

Function = Callable[..., Any]  # Of numeric f32[rows, n] and integers i32[rows, m], to arrays.


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
        parts = split(len(encoded))
        if len(parts) == 1:
            return self._of_part(encoded, parts[0])
        results: list[np.ndarray] = []
        for part in parts:
            arrays = self._of_part(encoded[part.start : part.start + part.rows], part)
            results = results or [self._room(array, len(encoded)) for array in arrays]
            for result, array in zip(results, arrays, strict=True):
                result[self._span(part.start, part.start + part.rows)] = array
        return tuple(results)

    def warm_up(self, rows: int, one: Encoded) -> None:
        """Compile and run every bucket that batches of 1 to `rows` fall into, with `one` row repeated."""
        for size in BUCKETS:
            if size <= bucket(rows):
                self(Encoded(np.repeat(one.numeric, size, 0), np.repeat(one.integers, size, 0)))

    def _of_part(self, encoded: Encoded, part: Part) -> tuple[np.ndarray, ...]:
        whole = padded(encoded, part.bucket)
        run = self.compiled.get(part.bucket) or self._compile(part.bucket, whole)
        made = run(*self._fixed, whole.numeric, whole.integers)
        if part.rows == part.bucket:
            return tuple([np.asarray(array) for array in made])
        span = self._span(0, part.rows)
        return tuple([np.asarray(array)[span] for array in made])

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

    def _span(self, start: int, stop: int) -> tuple[slice, ...]:
        return (slice(None),) * self._axis + (slice(start, stop),)


def _options() -> dict[str, str | bool]:
    """Return how to compile for the default backend.

    XLA on cpu by itself hands independent operations to other threads. Rows come from several
    threads anyway, and an operation on one row is over before another thread wakes: one after the
    other took 24 us a row in place of 60.
    """
    import jax

    if jax.default_backend() != "cpu":
        return {}
    return {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
