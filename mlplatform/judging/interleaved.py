"""Times of two models that are asked in turn on the same host: ABBA, so that what disturbs one disturbs both."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ask = Callable[[int], object]  # Answers about row number i, however large i is.
Times = NDArray[np.float64]

WARM_UP = 50  # Answers thrown away at first: one compiles, some more fill caches.
WARM_SECONDS = 2.0  # Of a model that takes longer for them; it was asked at least twice.
TURN = (
    10  # Answers in a row of one model; one before them, which finds cold caches, does not count.
)
TURN_SECONDS = 0.05  # A slow model has shorter turns, so that a disturbance still meets both.
BLOCKS = 40  # At least, of a measurement that is long enough: what the bootstrap draws.
LOOK = 1.5  # Times as many rounds as at the last look before it is looked again.
LONGER = 3  # Times `seconds`, where what is there will not do.
PATIENCE = 10  # Times `seconds`, after which too few samples have to do.
MS = 1e-6  # Milliseconds of a nanosecond.


@dataclass(frozen=True)
class Asked:
    """Milliseconds of each answer, f64[blocks, answers] of each model in the order given, block by block."""

    blocks: Sequence[Times]

    @property
    def samples(self) -> int:
        """Answers of each model."""
        return self.blocks[0].size


def interleaved(
    asks: Sequence[Ask],
    *,
    min_samples: int,
    seconds: float,
    precise: Callable[[Asked, bool], bool] = lambda _, late: late,
) -> Asked:
    """Ask one model, or two in turn, until that is precise or the time is over.

    Stopping at a width, not at a verdict, leaves the level of the intervals what it is (Chow & Robbins,
    Annals of Mathematical Statistics 36, 1965). Python's garbage collector rests meanwhile.

    Args:
        asks: What asks each model.
        min_samples: Of each model; they may take longer than `seconds`, but at most ten times as long.
        seconds: Spent on it; at most three times as long where `precise` says so.
        precise: Whether what is there will do, asked now and then, and told whether `seconds` are over.
    """
    with _no_collection():
        turn = min(_turn(ask) for ask in asks)
        rounds: list[list[list[int]]] = []
        began, look, was_late = time.monotonic(), 0.0, False
        while True:
            rounds.append(_round(asks, turn, len(rounds) * 2 * turn))
            spent = time.monotonic() - began
            samples = (len(rounds) - len(rounds) % _per_block(len(rounds))) * 2 * turn
            if samples < min_samples and spent < seconds * PATIENCE:
                continue
            late, ends = spent >= seconds, spent >= seconds * LONGER
            if len(rounds) < look and late is was_late and not ends:
                continue
            if precise(found := _asked(rounds), late) or ends:
                return found
            look, was_late = len(rounds) * LOOK, late


@contextmanager
def _no_collection() -> Iterator[None]:
    was = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _turn(ask: Ask) -> int:
    """Warm a model up; return how many answers it gives in one turn."""
    end, times = time.monotonic() + WARM_SECONDS, []
    for row in range(WARM_UP):
        began = time.monotonic()
        ask(row)
        times.append(time.monotonic() - began)
        if len(times) > 1 and time.monotonic() > end:
            break
    return int(min(max(TURN_SECONDS / max(float(np.median(times)), 1e-9), 1), TURN))


def _round(asks: Sequence[Ask], turn: int, first: int) -> list[list[int]]:
    """Ask A, B, B, A; return the nanoseconds of each model. Both are asked about the same rows."""
    taken: list[list[int]] = [[] for _ in asks]
    there = list(zip(asks, taken, strict=True))
    for ask, times in there:
        _take(ask, times, range(first, first + turn))
    for ask, times in reversed(there):
        _take(ask, times, range(first + turn, first + 2 * turn))
    return taken


def _take(ask: Ask, times: list[int], rows: range) -> None:
    clock = time.perf_counter_ns
    ask(rows.start)
    for row in rows:
        began = clock()
        ask(row)
        times.append(clock() - began)


def _per_block(rounds: int) -> int:
    """Return how many rounds make a block, so that there are 40 blocks or more."""
    return max(rounds // BLOCKS, 1)


def _asked(rounds: Sequence[Sequence[Sequence[int]]]) -> Asked:
    """Return rounds as blocks; of the first rounds those go that fill none."""
    times = np.array(rounds, dtype=np.float64) * MS  # [rounds, models, answers]
    each = _per_block(len(times))
    kept = times[len(times) % each :]
    shape = (len(kept) // each, -1)
    return Asked([kept[:, model].reshape(shape) for model in range(kept.shape[1])])
