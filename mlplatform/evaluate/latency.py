"""How long one answer takes, from named raw values to a probability."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

WARM_UP = (
    50  # Answers thrown away: the first compiles, some more fill caches; traffic sees neither.
)
NANOSECONDS_PER_MS = 1_000_000


class Encoder(Protocol):
    """The one implementation from raw values to arrays."""

    def encode_rows(self, rows: list[dict[str, Any]]) -> Any:
        """Return the encoded rows."""


class Predictor(Protocol):
    """A loaded model artifact."""

    @property
    def encoder(self) -> Any:
        """The encoder the model was trained with."""

    def predict(self, encoded: Any) -> Any:
        """Return f32[rows] or f32[rows, outputs], what it predicts."""


@dataclass(frozen=True, kw_only=True)
class LatencyMs:
    """Percentiles over `samples` single answers, in milliseconds; NaN where there is none."""

    p50: float
    p99: float
    samples: int


def one_row(
    predictor: Predictor, rows: Sequence[Mapping[str, Any]], samples: int = 1_000
) -> LatencyMs:
    """Return the latency of answering one row at a time: encode it, run the program, read it back.

    The rows are taken in turn. A percentile is the latency of a real answer, the one at or just
    above it, never an interpolation between two.
    """
    given = [dict(row) for row in rows]
    if not given or samples < 1:
        return LatencyMs(p50=float("nan"), p99=float("nan"), samples=0)
    for i in range(WARM_UP):
        _answer(predictor, given[i % len(given)])
    taken = np.array([_timed(predictor, given[i % len(given)]) for i in range(samples)])
    p50, p99 = np.percentile(taken, [50, 99], method="higher") / NANOSECONDS_PER_MS
    return LatencyMs(p50=float(p50), p99=float(p99), samples=samples)


def _timed(predictor: Predictor, row: dict[str, Any]) -> int:
    began = time.perf_counter_ns()
    _answer(predictor, row)
    return time.perf_counter_ns() - began


def _answer(predictor: Predictor, row: dict[str, Any]) -> Any:
    """Return the prediction as plain numbers, so that no device is still computing it."""
    return np.asarray(predictor.predict(predictor.encoder.encode_rows([row])))[0].tolist()
