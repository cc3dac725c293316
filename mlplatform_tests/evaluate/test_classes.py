"""Metrics of several classes against scikit-learn's, and by hand."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from mlplatform.evaluate.classes import confusion, correct, multiclass


@given(st.integers(2, 5), st.integers(8, 80), st.integers(0, 1000))
def test_metrics_are_those_of_scikit_learn(classes, rows, seed):
    dice = np.random.default_rng(seed)
    labels = np.append(np.arange(classes), dice.integers(0, classes, rows))
    scores = dice.dirichlet(np.ones(classes), len(labels))
    scores[0] = np.eye(classes)[-1]  # Certain, and wrong.
    said, every = scores.argmax(1), np.arange(classes)
    one_hot = np.eye(classes)[labels]
    wanted = {
        "accuracy": reference.accuracy_score(labels, said),
        "macro_f1": reference.f1_score(labels, said, average="macro"),
        "macro_auc": reference.roc_auc_score(one_hot, scores, average="macro"),
        "log_loss": reference.log_loss(labels, scores, labels=every),
        "brier": float(np.mean(((scores - one_hot) ** 2).sum(1))),
    }
    found = multiclass(labels, scores)
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-9)


def test_metrics_by_hand():
    found = multiclass([0, 1, 2], [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]])
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert found["log_loss"] == pytest.approx(-(math.log(0.8) + math.log(0.3)) / 3)
    assert found["calibration_error"] == pytest.approx((0.2 + 0.6 + 0.0) / 3)


def test_a_class_that_no_row_has_takes_no_part_in_the_means():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = multiclass([0, 1], [[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]])
    assert (found["macro_f1"], found["macro_auc"]) == (1.0, 1.0)


def test_a_single_class_has_an_accuracy_but_no_ranking():
    found = multiclass([1, 1], [[0.2, 0.8], [0.6, 0.4]])
    assert found["accuracy"] == 0.5
    assert math.isnan(found["macro_auc"])


def test_rows_that_are_no_probabilities_make_every_metric_unknown_and_none_are_none():
    for wrong in ([0.5, 0.6], [np.nan, 1.0], [1.5, -0.5]):
        found = multiclass([0, 1], [[0.5, 0.5], wrong])
        assert found.pop("rows") == 2
        assert all(math.isnan(value) for value in found.values())
    assert multiclass([], np.zeros((0, 3)))["rows"] == 0


def test_correctness_is_kept_row_by_row_and_unknown_without_probabilities():
    kept = correct([0, 1, 1], [[0.5, 0.5], [0.4, 0.6], [np.nan, 0.6]])
    np.testing.assert_array_equal(kept, [1, 1, np.nan])


def test_a_confusion_counts_rows_by_label_then_answer():
    cells = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert cells.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_labels_and_scores_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="a score a class and label"):
        multiclass([0, 1], [0.5, 0.5])
    with pytest.raises(ValueError, match=r"labels must be 0 to 1, got \[0, 2\]"):
        multiclass([0, 2], [[0.5, 0.5]] * 2)
