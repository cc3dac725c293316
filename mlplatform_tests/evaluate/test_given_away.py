"""What single values give away of the rarer class."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.given_away import LEAST_ROWS, SURELY, given_away

counts = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20)


def given_by(negative, positive):
    seen = given_away(np.array(negative), np.array(positive), "the class", lambda at: f"with {at}")
    return seen.share, seen.words


def test_a_flag_that_most_of_the_rarer_class_have_gives_them_away():
    share, words = given_by([9500, 0], [100, 400])
    assert share == 0.8
    assert words == "of 400 rows with 1, 100.0% are of the class, of all 5.0%"


def test_of_the_commoner_class_nothing_is_given_away():
    """A fifth of the others have a value that no positive has: a child earns nothing."""
    assert given_by([2000, 7000], [0, 1000]) == (0.0, "")


def test_which_class_is_called_positive_makes_no_difference():
    share, words = given_by([100, 400], [9500, 0])
    assert share == 0.8
    assert words == "of 400 rows with 1, 100.0% are not of the class, of all 5.0%"


@pytest.mark.parametrize(("rows", "told"), [(LEAST_ROWS - 1, 0.0), (LEAST_ROWS, 1.0)])
def test_a_value_of_few_rows_gives_nothing_away_however_pure(rows, told):
    """Of 1 in 100 the odds of 29 rows without another are known well enough, but 29 rows are no rule."""
    assert given_by([99 * rows, 0], [0, rows])[0] == told


def test_odds_have_to_be_shown_and_not_only_seen():
    """Where a quarter are positive, 48 rows of them are at least 93.95 %: 49 are needed for 94.1 %."""
    assert given_by([2952, 0], [984 - 48, 48])[0] == 0.0
    assert given_by([3000, 0], [900, 100])[0] == 0.1


@given(counts)
def test_what_is_given_away_is_a_share_of_rows_in_values_far_above_the_base(pairs):
    negative, positive = np.array(pairs).T
    share, words = given_by(negative, positive)
    assert 0 <= share <= 1
    assert bool(words) == (share > 0)
    rare, other = (positive, negative) if positive.sum() <= negative.sum() else (negative, positive)
    pure = rare * other.sum() >= SURELY * other * rare.sum()
    most = rare[pure & (rare + other >= LEAST_ROWS)].sum()
    assert share * rare.sum() <= most + 1e-6


@given(st.integers(0, 2**32 - 1))
def test_chance_gives_nothing_away(seed):
    dice = np.random.default_rng(seed)
    label = dice.random(5000) < 0.05
    value = dice.integers(0, 100, 5000)
    negative, positive = (np.bincount(value[label == one], minlength=100) for one in (0, 1))
    assert given_by(negative, positive)[0] == 0.0
