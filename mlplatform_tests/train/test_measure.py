import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics

from mlplatform.train.measure import auc, measure
from mlplatform.train.task import Rows, Task


def rows(labels: np.ndarray, weights: np.ndarray | None = None) -> Rows:
    nothing = np.zeros((len(labels), 0), np.float32)
    return Rows(
        nothing,
        nothing.astype(np.int32),
        labels,
        np.ones(len(labels), np.float32) if weights is None else weights,
    )


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2]), st.sampled_from([7, 1000]))
def test_the_auc_is_scikit_learns_with_ties_and_without(seed, decimals, count):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 3 == 0).astype(np.float32)
    scores = np.round(rng.normal(size=count) + labels, decimals).astype(np.float32)
    assert float(auc(scores, labels)) == pytest.approx(
        metrics.roc_auc_score(labels, scores), abs=1e-5
    )


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_metrics_of_classes_are_scikit_learns_with_weights(seed):
    rng = np.random.default_rng(seed)
    labels, weights = rng.integers(0, 2, 200), rng.random(200).astype(np.float32)
    labels[:2] = (0, 1)
    probability = rng.random(200).astype(np.float32)
    found = measure(Task("binary"), probability, rows(labels.astype(np.float32), weights))
    loss = metrics.log_loss(labels, probability.astype(np.float64), sample_weight=weights)
    right = metrics.accuracy_score(labels, probability >= 0.5, sample_weight=weights)
    assert float(found["loss"]) == pytest.approx(loss, rel=1e-4)
    assert float(found["accuracy"]) == pytest.approx(right, abs=1e-5)

    of_three = rng.dirichlet(np.ones(3), 200).astype(np.float32)
    classes = rng.integers(0, 3, 200).astype(np.int32)
    found = measure(Task("multiclass", 3), of_three, rows(classes, weights))
    loss = metrics.log_loss(
        classes, of_three.astype(np.float64), sample_weight=weights, labels=[0, 1, 2]
    )
    assert float(found["loss"]) == pytest.approx(loss, rel=1e-4)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_metrics_of_numbers_are_scikit_learns_with_weights(seed):
    rng = np.random.default_rng(seed)
    labels, weights = rng.normal(3, 2, 200).astype(np.float32), rng.random(200).astype(np.float32)
    predicted = (labels + rng.normal(size=200)).astype(np.float32)
    found = measure(Task("regression"), predicted, rows(labels, weights))
    squared = metrics.mean_squared_error(labels, predicted, sample_weight=weights)
    assert float(found["loss"]) == pytest.approx(squared**0.5, rel=1e-4)
    assert float(found["mae"]) == pytest.approx(
        metrics.mean_absolute_error(labels, predicted, sample_weight=weights), rel=1e-4
    )
    assert float(found["r2"]) == pytest.approx(
        metrics.r2_score(labels, predicted, sample_weight=weights), abs=1e-4
    )


def test_the_loss_of_quantiles_is_the_mean_pinball_loss():
    labels = np.random.default_rng(0).normal(size=500).astype(np.float32)
    predicted = np.tile(np.float32([-1, 0, 1]), (500, 1))
    task = Task("regression", 3, (0.1, 0.5, 0.9))
    found = measure(task, predicted, rows(labels))
    each = [
        metrics.mean_pinball_loss(labels, predicted[:, at], alpha=q)
        for at, q in enumerate(task.quantiles)
    ]
    assert float(found["loss"]) == pytest.approx(np.mean(each), rel=1e-5)
    assert float(found["coverage"]) == pytest.approx((np.abs(labels) <= 1).mean(), abs=1e-6)
