import math
import time

import numpy as np
import pytest

from mlplatform.evaluate.latency import WARM_UP, one_row


class Doubler:
    """A predictor that keeps what it was asked; one answer in `slow_every` is 20 ms late."""

    def __init__(self, slow_every: int = 0) -> None:
        self.asked: list[float] = []
        self._slow_every = slow_every

    @property
    def encoder(self) -> "Doubler":
        """It encodes, too."""
        return self

    def encode_rows(self, rows: list[dict[str, float]]) -> list[float]:
        """Return the rows' values."""
        return [row["x"] for row in rows]

    def predict(self, encoded: list[float]) -> np.ndarray:
        """Return twice the values."""
        self.asked += encoded
        if self._slow_every and len(self.asked) % self._slow_every == 0:
            time.sleep(0.02)
        return 2 * np.array(encoded, dtype=np.float32)


def test_rows_are_asked_one_at_a_time_in_turn_after_a_warm_up():
    predictor = Doubler()
    measured = one_row(predictor, [{"x": 1.0}, {"x": 2.0}], samples=40)
    assert measured.samples == 40
    assert len(predictor.asked) == WARM_UP + 40
    assert predictor.asked[-4:] == [1, 2, 1, 2]


def test_the_slowest_answers_are_in_p99_and_not_in_p50():
    """Four answers of 100 are 20 ms slower: p99 is one of them, whatever the machine's speed."""
    measured = one_row(Doubler(slow_every=25), [{"x": 1.0}], samples=100)
    assert measured.p99 >= 20
    assert 0 < measured.p50 < measured.p99


def test_nothing_to_ask_is_no_measurement():
    measured = one_row(Doubler(), [], samples=10)
    assert math.isnan(measured.p99)
    assert measured.samples == 0


def test_a_predictor_that_fails_is_not_timed():
    with pytest.raises(KeyError):
        one_row(Doubler(), [{"y": 1.0}], samples=1)
