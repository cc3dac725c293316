"""Every metric against scikit-learn's, which is the reference here and not a dependency there."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlplatform.evaluate.metrics import binary, correct

rows = st.lists(
    st.tuples(
        st.integers(0, 1), st.floats(0, 1, width=32) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
    ),
    min_size=2,
    max_size=60,
).filter(lambda pairs: len({label for label, _ in pairs}) == 2)


@given(rows)
def test_metrics_are_those_of_scikit_learn(pairs):
    labels, scores = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    said = scores >= 0.5
    wanted = {
        "accuracy": reference.accuracy_score(labels, said),
        "precision": reference.precision_score(labels, said, zero_division=0),
        "recall": reference.recall_score(labels, said),
        "f1": reference.f1_score(labels, said),
        "auc": reference.roc_auc_score(labels, scores),
        "average_precision": reference.average_precision_score(labels, scores),
        "log_loss": reference.log_loss(labels, scores.astype(np.float64)),
        "brier": reference.brier_score_loss(labels, scores),
    }
    found = binary(labels, scores)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


def test_metrics_by_hand():
    """Two of four right; of the four pairs of a positive and a negative, three are in order."""
    found = binary([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1])
    assert found["accuracy"] == 0.5
    assert found["auc"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert found["calibration_error"] == pytest.approx((0.1 + 0.6 + 0.6 + 0.1) / 4)
    assert (found["rows"], found["positive_share"]) == (4, 0.5)


def test_a_score_that_is_no_probability_makes_every_metric_unknown():
    for wrong in (float("nan"), float("inf"), -0.1, 1.1):
        found = binary([1, 0], [0.9, wrong])
        assert found.pop("rows") == 2
        assert all(math.isnan(value) for value in found.values())


def test_no_rows_have_no_metrics():
    found = binary([], [])
    assert found.pop("rows") == 0
    assert all(math.isnan(value) for value in found.values())


def test_a_single_class_has_an_accuracy_but_no_ranking():
    found = binary([0, 0], [0.1, 0.6])
    assert found["accuracy"] == 0.5
    assert math.isnan(found["auc"])
    assert math.isnan(found["average_precision"])


def test_a_certain_and_wrong_answer_costs_a_finite_log_loss():
    assert binary([1, 0], [0.0, 0.0])["log_loss"] == pytest.approx(36.04 / 2, abs=0.01)


def test_correctness_is_kept_row_by_row_and_unknown_without_a_probability():
    kept = correct([1, 0, 1, 0, 1], [0.5, 0.5, 0.4, 0.4, float("nan")])
    np.testing.assert_array_equal(kept, [1, 0, 0, 1, np.nan])


def test_labels_and_scores_that_do_not_pair_up_are_an_error():
    with pytest.raises(ValueError, match="one score per label"):
        binary([1, 0], [0.5])
    with pytest.raises(ValueError, match=r"labels must be 0 or 1, got \[1, 2\]"):
        binary([1, 2], [0.5, 0.5])
