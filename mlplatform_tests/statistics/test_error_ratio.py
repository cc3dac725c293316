import numpy as np
import pytest

from mlplatform.statistics.error_ratio import error_estimates, group_errors, largest_ratio


def drawn(rng, scales, rows):
    """Absolute errors of groups with these mean errors, of a long tail, and the groups' codes."""
    code = np.repeat(np.arange(len(scales)), rows)
    return (rng.gamma(0.7, 1 / 0.7, len(code)) * np.asarray(scales)[code])[:, None], code


def seen(rng, scales, rows):
    return group_errors(*drawn(rng, scales, rows), len(scales))


def every(groups):
    return np.ones(groups, dtype=bool)


def test_means_and_their_covariance_are_numpys():
    rng = np.random.default_rng(0)
    errors, code = rng.gamma(2, 1, (60, 2)), np.repeat([0, 1], [20, 40])
    found = group_errors(errors, code, 2)
    assert found.mean == pytest.approx(np.stack([errors[:20].mean(0), errors[20:].mean(0)]))
    assert found.covariance[1] == pytest.approx(np.cov(errors[20:].T) / 40)


def test_the_ratio_lies_between_its_bounds_and_names_its_groups():
    found = largest_ratio(seen(np.random.default_rng(1), (1, 2, 1.1), 400), every(3), 0.05)
    assert (found.low, found.high) in {(0, 1), (2, 1)}
    assert 1 < found.lower < found.observed < found.upper


def test_a_group_without_any_error_has_no_ratio():
    found = largest_ratio(seen(np.random.default_rng(1), (0, 2), 60), every(2), 0.05)
    assert np.isnan(found.observed)
    assert error_estimates(seen(np.random.default_rng(1), (0, 2), 60), every(2), 0.05) == ()


def test_a_ratio_beyond_a_limit_is_seldom_held_to_be_within_and_equal_groups_seldom_beyond():
    rng, trials, within, beyond = np.random.default_rng(3), 400, 0, 0
    for _ in range(trials):
        within += largest_ratio(seen(rng, (1, 1.5), 60), every(2), 0.05).upper <= 1.5
        beyond += largest_ratio(seen(rng, (1,) * 8, 60), every(8), 0.05).lower > 1
    assert within <= 0.07 * trials
    assert beyond <= 0.05 * trials


def test_the_lower_bound_falls_with_the_number_of_groups_and_of_columns():
    found = seen(np.random.default_rng(4), (1, 1, 1, 2), 100)
    two = largest_ratio(found, np.array([True, False, False, True]), 0.05)
    four = largest_ratio(found, every(4), 0.05)
    assert four.lower / four.observed < two.lower / two.observed
    assert largest_ratio(found, every(4), 0.05 / 6).lower < four.lower


def test_replicates_of_models_that_err_alike_are_alike():
    errors, code = drawn(np.random.default_rng(5), (1, 2), 200)
    mine, theirs = error_estimates(
        group_errors(np.hstack([errors, errors]), code, 2), every(2), 0.05
    )
    assert mine.off == pytest.approx(theirs.off)
    spread = errors[:200].std(ddof=1) / errors[:200].mean() / 200**0.5
    assert mine.off[:, 0].std() == pytest.approx(spread, rel=0.1)
