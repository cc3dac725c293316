from collections.abc import Callable

import numpy as np
import pytest

from mlplatform.gates.accuracy import Outcomes

Make = Callable[..., Outcomes]


@pytest.fixture
def scored() -> Make:
    """Makes what a model got right: `right` of `rows`, the wrong ones first, half of them positive."""

    def make(
        rows: int = 1000, wrong: int = 100, *, digest: str = "a" * 64, from_row: int = 0
    ) -> Outcomes:
        correct = np.ones(rows)
        correct[from_row : from_row + wrong] = 0
        return Outcomes(
            model_digest=digest,
            row_id=np.arange(rows),
            label=np.arange(rows, dtype=np.int8) % 2,
            correct=correct,
        )

    return make
