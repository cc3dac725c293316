"""Bounds of a ratio of errors by hand and by simulation: how often would a worse model get through?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.paired_errors import paired_errors

REPLICATES = 1000


@given(st.integers(2, 200), st.floats(0.2, 5), st.integers(0, 99))
def test_the_bounds_hold_the_ratio_and_scale_with_it(rows, scale, seed):
    dice = np.random.default_rng(seed)
    one, other = dice.exponential(size=(2, rows))
    seen = paired_errors(one, other)
    assert seen.lower <= seen.ratio <= seen.upper
    scaled = paired_errors(one * scale, other)
    assert scaled.ratio == pytest.approx(seen.ratio * scale)
    if math.isfinite(seen.upper):
        assert scaled.upper == pytest.approx(seen.upper * scale)
        assert scaled.lower == pytest.approx(seen.lower * scale)


def test_a_fixed_proportion_is_known_exactly():
    errors = np.random.default_rng(0).exponential(size=50)
    seen = paired_errors(1.5 * errors, errors)
    assert (seen.lower, seen.upper) == (pytest.approx(1.5, abs=1e-6), pytest.approx(1.5, abs=1e-6))


def test_bounds_by_hand():
    """Independent errors with means of 2 and 1 and variances of their means of 0.01: Fieller's roots."""
    dice = np.random.default_rng(4)
    one, other = dice.normal(0, 1, (2, 100))
    one, other = ((x - x.mean()) / x.std(ddof=1) for x in (one, other))
    other -= one * (one @ other) / (one @ one)
    other /= other.std(ddof=1)
    seen = paired_errors(2 + one, 1 + other)
    z2 = 1.6448536**2
    a, b, c = 1 - z2 / 100, 2, 4 - z2 / 100
    roots = [(b + sign * math.sqrt(b * b - a * c)) / a for sign in (-1, 1)]
    assert [seen.lower, seen.upper] == pytest.approx(roots)


@pytest.mark.parametrize(("true", "most"), [(1.05, 0.065), (1.0, 1.0)])
def test_a_model_at_the_margin_passes_once_in_twenty(true, most):
    """Squares of heavy-ish errors that two models share in part, 400 rows."""
    dice = np.random.default_rng(7)
    passed = 0
    for _ in range(REPLICATES):
        shared, mine, theirs = dice.standard_t(8, size=(3, 400))
        one, other = true * (shared + 0.3 * mine) ** 2, (shared + 0.3 * theirs) ** 2
        passed += paired_errors(one, other).upper <= 1.05
    assert passed / REPLICATES <= most
    assert passed / REPLICATES >= (0.03 if true > 1 else 0.2)


def test_rows_that_set_no_bound_say_so():
    assert paired_errors(np.array([1.0]), np.array([1.0])).upper == math.inf
    wild = np.zeros(50)
    wild[0] = 1.0
    assert paired_errors(np.ones(50), wild).upper == math.inf
    assert paired_errors(np.zeros(3), np.zeros(3)).upper == 1.0
    assert paired_errors(np.ones(3), np.zeros(3)).lower == math.inf


def test_rows_that_do_not_pair_up_are_an_error():
    with pytest.raises(ValueError, match="rows in pairs are needed, got 2 and 3"):
        paired_errors(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="got 0 and 0"):
        paired_errors(np.ones(0), np.ones(0))
