"""What is said of more rows holds when that many are drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.non_inferiority import non_inferiority
from mlplatform.statistics.compare import compare
from mlplatform.statistics.ratio_bounds import Ratios
from mlplatform.verdict import Outcome

TRIALS = 120
MARGIN = 0.01


def few_differ(dice, rows, share=0.05):
    """Labels, answers, and answers that are others on one row in twenty."""
    theirs = dice.normal(0, 1, rows)
    mine = theirs + np.where(dice.random(rows) < share, dice.normal(0, 0.5, rows), 0)
    return np.zeros(rows), mine, theirs


def all_differ(dice, rows):
    theirs = dice.normal(0, 1, rows)
    return np.zeros(rows), theirs + dice.normal(0, 0.1, rows), theirs


@pytest.mark.parametrize("drawn", [few_differ, all_differ])
@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_the_rows_named_decide_four_times_in_five(metric, drawn):
    dice = np.random.default_rng(1)
    found = (drawn(dice, 300) for _ in range(40))
    label, mine, theirs = next(
        each for each in found if 301 < (compare(metric, *each, MARGIN).rows_needed or 0) < 20_000
    )
    needed = compare(metric, label, mine, theirs, MARGIN).rows_needed
    decided = 0
    for _ in range(TRIALS):
        at = dice.integers(0, len(label), needed)
        seen = compare(metric, label[at], mine[at], theirs[at], MARGIN)
        decided += non_inferiority(seen) is not Outcome.INCONCLUSIVE
    assert 0.65 <= decided / TRIALS <= 0.95


@pytest.mark.parametrize(("rows", "metric"), [(1500, "rmse"), (3000, "rmse"), (1500, "mae")])
def test_equal_models_pass_as_often_as_the_power_says(rows, metric):
    dice, passed, said = np.random.default_rng(2), 0, []
    for _ in range(TRIALS):
        theirs, mine = (
            np.where(dice.random(rows) < 0.3, other, 0) for other in dice.normal(0, 0.2, (2, rows))
        )
        shared = dice.normal(0, 1, rows)
        seen = compare(metric, np.zeros(rows), shared + mine, shared + theirs, MARGIN)
        passed += non_inferiority(seen) is Outcome.PASS
        said.append(seen.power_if_equal)
    assert passed / TRIALS == pytest.approx(np.mean(said), abs=0.11)


@given(st.integers(2, 99), st.floats(1.1, 50), st.integers(0, 99))
def test_more_rows_set_narrower_bounds(rows, times, seed):
    one, other = np.random.default_rng(seed).exponential(size=(2, rows))
    seen = Ratios.of(one, other)
    (low, high), (lower, upper) = seen.bounds(1.0, 0.95), seen.bounds(times, 0.95)
    assert low <= lower <= seen.ratio <= upper <= high


def test_more_rows_are_needed_the_nearer_the_limit():
    one, other = np.random.default_rng(5).exponential(size=(2, 300))
    seen = Ratios.of(one, other)
    needed = [seen.rows_needed(seen.ratio + by, 0.95) for by in (0.3, 0.1, 0.03)]
    assert needed == sorted(needed)
    assert Ratios.of(one, one).rows_needed(1.0, 0.95) is None
