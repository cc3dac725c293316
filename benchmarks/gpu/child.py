"""One case in a process of its own, so that its memory is its own: prints the answer as JSON."""

import json
import statistics
import time
from functools import partial
from typing import Any

import jax
import numpy as np

from benchmarks.gpu.cases import CASES, Case, tiny
from benchmarks.gpu.peaks import peaks
from mlplatform.train.task import Rows
from mlplatform.train.trainer import Hyper, Seeds, State, Taken, segment, take_segment

TURNS = 5


def look() -> dict[str, Any]:
    """Return what JAX sees here."""
    device = jax.devices()[0]
    return {
        "backend": jax.default_backend(),
        "device": device.device_kind,
        "devices": jax.device_count(),
        "jax": jax.__version__,
    }


def run(case: Case) -> dict[str, Any]:
    """Return the figures of a case: the median of some calls, against peaks timed in the same process."""
    seconds = timed(case)
    memory = _memory()  # Before the peaks: their buffers may be larger.
    return figures(case, statistics.median(seconds[2:]) / case.steps, seconds[0]) | memory


def timed(case: Case, turns: int = TURNS) -> list[float]:
    """Return the seconds of some calls, of which the first compiles and the second warms up."""
    state, rows, seeds, hyper = case.made()
    call = _trials if case.trials else _one
    seconds = []
    for _ in range(turns + 2):
        started = time.perf_counter()
        state, taken = call(state, rows, seeds, hyper, case)
        jax.block_until_ready((state, taken))
        seconds.append(time.perf_counter() - started)
    if not np.isfinite(np.asarray(taken.loss)).all():
        raise SystemExit(f"{case.name}: the loss is not finite")
    return seconds


def smoke() -> dict[str, Any]:
    """Run every case with tiny shapes; their times mean nothing, and are not told."""
    for case in CASES:
        timed(tiny(case), turns=0)
    return {"cases": [case.name for case in CASES]}


def _one(state: State, rows: Rows, seeds: Seeds, hyper: Hyper, case: Case) -> tuple[State, Taken]:
    return segment(state, rows, seeds, hyper, plan=case.plan)


@partial(jax.jit, static_argnames="case", donate_argnames="state")
def _trials(
    state: State, rows: Rows, seeds: Seeds, hyper: Hyper, case: Case
) -> tuple[State, Taken]:
    """Train many at once: states and settings differ, rows and seeds do not."""

    def one(state: State, hyper: Hyper) -> tuple[State, Taken]:
        return take_segment(state, rows, seeds, hyper, case.plan)

    return jax.vmap(one)(state, hyper)


def figures(case: Case, step_seconds: float, first: float) -> dict[str, Any]:
    """Return rates, and the share of the roofline: the least time that work or bytes allow, of the time taken."""
    peak = peaks()
    products, moving = case.flops / peak["flops"], case.moved / peak["bytes"]
    examples = case.batch * max(case.trials, 1) / step_seconds
    return {
        "examples_per_second": round(examples),
        "billion_rows_per_hour": round(examples * 3600 / 1e9, 3),
        "step_milliseconds": round(step_seconds * 1e3, 4),
        "tflop_per_second": round(case.flops / step_seconds / 1e12, 3),
        "share_of_product_peak": round(products / step_seconds, 4),
        "share_of_copy_peak": round(moving / step_seconds, 4),
        "share_of_roofline": round(max(products, moving) / step_seconds, 4),
        "peak_tflop_per_second": round(peak["flops"] / 1e12, 2),
        "peak_gigabytes_per_second": round(peak["bytes"] / 1e9, 1),
        "first_call_seconds": round(first, 2),
    }


def _memory() -> dict[str, Any]:
    stats = jax.devices()[0].memory_stats() or {}
    used = stats.get("peak_bytes_in_use")
    return {"peak_memory_gigabytes": round(used / 1e9, 2) if used else None}


def answer(name: str) -> None:
    """Print what is asked for: `look`, `smoke`, or a case by name."""
    asked = {"look": look, "smoke": smoke} | {case.name: partial(run, case) for case in CASES}
    print(json.dumps(asked[name]()))
