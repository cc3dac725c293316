"""Metrics of numbers against scikit-learn's, and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlplatform.evaluate.numbers import quantiles, regression

VALUES = st.floats(-1e3, 1e3, width=32)
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=60).filter(
    lambda pairs: np.std([one for one, _ in pairs]) > 1e-3
)


@given(PAIRS)
def test_metrics_of_the_mean_are_those_of_scikit_learn(pairs):
    truth, said = np.array(pairs).T
    wanted = {
        "rmse": reference.root_mean_squared_error(truth, said),
        "mae": reference.mean_absolute_error(truth, said),
        "r2": reference.r2_score(truth, said),
        "bias": float(np.mean(said - truth)),
    }
    found = regression(truth, said)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, rel=1e-9, abs=1e-9)


@given(PAIRS, st.lists(st.sampled_from([0.05, 0.25, 0.5, 0.9]), min_size=1, unique=True))
def test_pinball_is_that_of_scikit_learn(pairs, shares):
    shares = sorted(shares)
    truth, middle = np.array(pairs).T
    said = middle[:, None] + np.array(shares) * 10
    wanted = np.mean(
        [reference.mean_pinball_loss(truth, said[:, k], alpha=q) for k, q in enumerate(shares)]
    )
    found = quantiles(truth, said, shares)
    assert found["pinball"] == pytest.approx(wanted)
    assert ("coverage" in found) == (len(shares) > 1)
    if 0.5 in shares:
        median = said[:, shares.index(0.5)]
        assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, median))


def test_coverage_is_of_the_outermost_two():
    found = quantiles([1.0, 5.0, 9.0, 30.0], [[0.0, 5.0, 10.0]] * 4, [0.1, 0.5, 0.9])
    assert found["coverage"] == 0.75
    assert found["coverage_gap"] == pytest.approx(-0.05)
    assert found["interval_width"] == 10.0


def test_an_answer_that_is_no_number_makes_every_metric_unknown():
    for wrong in (float("nan"), float("inf")):
        for found in (
            regression([1.0, 2.0], [1.0, wrong]),
            quantiles([1.0, 2.0], [[1.0, 2.0], [1.0, wrong]], [0.1, 0.9]),
        ):
            assert found.pop("rows") == 2
            assert all(math.isnan(value) for value in found.values())
    assert regression([], [])["rows"] == 0


def test_a_constant_label_has_an_error_and_no_variance_to_explain():
    found = regression([3.0, 3.0], [3.0, 5.0])
    assert found["mae"] == 1.0
    assert math.isnan(found["r2"])


def test_labels_and_answers_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="1 predicted numbers a label are needed"):
        regression([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="2 predicted numbers a label are needed"):
        quantiles([1.0], [1.0], [0.1, 0.9])
    with pytest.raises(ValueError, match="1 labels are no finite numbers"):
        regression([1.0, np.nan], [1.0, 1.0])
