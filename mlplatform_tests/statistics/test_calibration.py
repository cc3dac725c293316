import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.calibration import bias, binned, coverage, gaps, in_the_large
from mlplatform.statistics.proportion import exact


def said_and_happened(rng, rows, off=0.0):
    """Probabilities, and events that are truly `off` more likely."""
    score = rng.beta(0.3, 3, rows)
    return rng.random(rows) < np.clip(score + off, 0, 1), score


def test_the_error_is_the_mean_gap_of_the_bins():
    """Two bins: 0.1 said and 1 of 4 seen, 0.9 said and 4 of 4 seen; half of the rows in each."""
    truth = np.array([1, 0, 0, 0, 1, 1, 1, 1], dtype=bool)
    error, worst = binned(truth, np.repeat([0.15, 0.95], 4))
    assert error.observed == pytest.approx((0.10 + 0.05) / 2)
    assert (worst.promised, worst.seen, worst.rows) == (pytest.approx(0.15), 0.25, 4)


@given(st.integers(1, 300), st.integers(0, 9))
def test_bounds_enclose_the_error_and_stay_within_0_and_1(rows, seed):
    error, _ = binned(*said_and_happened(np.random.default_rng(seed), rows))
    assert 0 <= error.lower <= error.observed <= error.upper <= 1


def test_a_perfectly_calibrated_model_is_seldom_shown_to_err_at_500_rows():
    """Its plain error is over 0.01 nearly always; the lower bound exceeds 0 in at most 5 of 100 samples."""
    rng, trials = np.random.default_rng(0), 300
    found = [binned(*said_and_happened(rng, 500))[0] for _ in range(trials)]
    assert np.mean([error.observed > 0.01 for error in found]) > 0.95
    assert np.mean([error.lower > 0 for error in found]) <= 0.05


def test_the_upper_bound_is_seldom_below_a_true_error():
    """Events are 10 points more likely than said in every bin, so the true error is a little under 0.1."""
    rng, trials = np.random.default_rng(1), 300
    big = said_and_happened(np.random.default_rng(2), 1_000_000, 0.1)
    true = binned(*big)[0].observed
    found = [binned(*said_and_happened(rng, 500, 0.1))[0] for _ in range(trials)]
    assert np.mean([error.upper < true for error in found]) <= 0.07
    assert np.mean([error.lower > true for error in found]) <= 0.05


def test_one_row_bounds_nothing():
    error, _ = binned(np.array([True]), np.array([0.9]))
    assert error.lower == 0
    assert error.upper > 0.5


def test_quantiles_that_hold_their_share_have_no_gap_and_others_have():
    truth = np.arange(100.0)
    said = np.column_stack([np.full(100, 9.5), np.full(100, 69.5)])
    error, worst = coverage(truth, said, (0.1, 0.9))
    assert error.observed == pytest.approx(0.2)
    assert (worst.promised, worst.seen, worst.rows) == (0.9, 0.7, 100)
    assert error.lower < 0.2 < error.upper
    assert error.method == "exact"


def test_a_quantile_between_labels_that_repeat_is_right():
    """Half of the labels are 0: any quantile up to the half is 0, and holds its share."""
    truth = np.repeat([0.0, 5.0], 50)
    error, _ = coverage(truth, np.zeros((100, 1)), (0.2,))
    assert error.observed == 0


def test_right_quantiles_are_seldom_shown_to_err():
    rng, trials, shares = np.random.default_rng(3), 400, (0.1, 0.5, 0.9)
    said = np.tile(np.quantile(rng.normal(size=1_000_000), shares), (200, 1))
    wrong = [coverage(rng.normal(size=200), said, shares)[0].lower > 0 for _ in range(trials)]
    assert np.mean(wrong) <= 0.06


def test_the_bias_is_a_share_of_the_labels_deviation_and_has_a_sign():
    truth = np.array([0.0, 2.0] * 50)
    error, mean = bias(truth, truth - 0.5)
    assert (error.observed, mean) == (0.5, -0.5)
    assert error.lower == error.upper == 0.5  # It is off by the same everywhere.
    noisy, _ = bias(truth, truth[::-1] - 0.5)
    assert noisy.lower < 0.5 < noisy.upper


def test_a_label_that_does_not_vary_has_no_bias_to_share():
    error, mean = bias(np.ones(9), np.zeros(9))
    assert np.isnan([error.observed, error.lower, error.upper, mean]).all()


@given(st.integers(1, 60), st.data())
def test_answers_that_are_0_or_1_have_the_exact_bounds_of_the_wrong_ones(rows, data):
    wrong = data.draw(st.integers(0, rows))
    truth = np.arange(rows) % 2 == 0
    score = np.where(np.arange(rows) < wrong, ~truth, truth).astype(float)
    error, _ = binned(truth, score)
    lower, upper = exact(wrong, rows, 0.9)
    assert error.observed == pytest.approx(wrong / rows)
    assert error.lower <= lower + 0.003
    assert error.upper >= upper - 0.003
    assert error.method == "exact"


@pytest.mark.parametrize("rows", [5, 10, 20])
def test_few_answers_that_are_0_or_1_are_seldom_shown_to_be_within_a_limit_they_exceed(rows):
    rng, trials, passed = np.random.default_rng(rows), 200, 0
    for _ in range(trials):
        truth = rng.random(rows) < 0.5
        score = np.where(rng.random(rows) < 0.88, truth, ~truth).astype(float)
        passed += binned(truth, score)[0].upper <= 0.1
    assert passed / trials <= 0.05


def test_each_quantile_has_a_gap_of_its_own():
    truth = np.arange(100.0)
    said = np.column_stack([np.full(100, 9.5), np.full(100, 69.5)])
    (low, _), (high, of) = gaps(truth, said, (0.1, 0.9))
    assert (low.observed, high.observed) == (0, pytest.approx(0.2))
    assert low.upper < high.lower
    assert (of.promised, of.seen) == (0.9, 0.7)


def test_the_factor_is_of_the_rarer_class_and_the_same_in_both_directions():
    truth = np.arange(1000) < 20
    often, both = in_the_large(truth, np.full(1000, 0.06))
    assert (often.observed, both.promised, both.seen) == pytest.approx((3, 0.06, 0.02))
    assert 1 < often.lower < 3 < often.upper
    seldom, _ = in_the_large(truth, np.full(1000, 0.02 / 3))
    assert seldom.observed == pytest.approx(3)
    mirrored, _ = in_the_large(~truth, np.full(1000, 0.94))
    assert mirrored.upper == pytest.approx(often.upper)
    assert in_the_large(truth, np.zeros(1000))[0].lower > 100


def test_a_class_said_as_often_as_it_is_seen_is_seldom_shown_to_be_off():
    rng, trials = np.random.default_rng(4), 400
    off = [in_the_large(rng.random(500) < 0.04, np.full(500, 0.04))[0] for _ in range(trials)]
    assert np.mean([each.lower > 1 for each in off]) <= 0.06
    far = [in_the_large(rng.random(500) < 0.04, np.full(500, 0.06))[0] for _ in range(trials)]
    assert np.mean([each.upper < 1.5 for each in far]) <= 0.07
