import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import expit, softmax
from sklearn.isotonic import IsotonicRegression

from mlplatform.train.calibrate import TEMPERATURE, calibrated
from mlplatform.train.fitted import Fitted
from mlplatform.train.measure import measure
from mlplatform.train.task import Rows, Task


def predicting(task: Task) -> Fitted:
    """A model whose vectors are its predictions."""

    def predict(params, vectors, ids):
        return vectors[:, 0] if task.kind == "binary" else vectors

    return Fitted(task=task, params={}, predict=predict, history={}, best=1)


def rows(predicted: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> Rows:
    vectors = predicted.reshape(len(labels), -1).astype(np.float32)
    ones = np.ones(len(labels), np.float32)
    return Rows(
        vectors, np.zeros((len(labels), 0), np.int32), labels, ones if weights is None else weights
    )


def overconfident(seed: int, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, count)
    return expit(3 * logits), (rng.random(count) < expit(logits)).astype(np.float32)


def after(fitted: Fitted, data: Rows) -> np.ndarray:
    return np.asarray(fitted.predict(fitted.params, data.vectors, data.ids))


def test_a_temperature_undoes_too_much_confidence():
    data = rows(*overconfident(0))
    fitted = calibrated(predicting(Task("binary")), data, "temperature")
    assert float(fitted.params[TEMPERATURE][0]) == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("how", ["temperature", "isotonic"])
def test_calibration_lowers_the_loss_of_rows_it_has_not_seen(how):
    task = Task("binary")
    fitted = calibrated(predicting(task), rows(*overconfident(0)), how)
    data = rows(*overconfident(1))
    before = measure(task, data.vectors[:, 0], data)
    found = measure(task, after(fitted, data), data)
    assert float(found["loss"]) < float(before["loss"]) - 0.05
    assert float(found["auc"]) == pytest.approx(float(before["auc"]), abs=0.003)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2, 6]))
def test_the_isotonic_function_is_scikit_learns(seed, decimals):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(300), decimals).astype(np.float32)
    labels = (rng.random(300) < scores).astype(np.float32)
    weights = rng.integers(0, 3, 300).astype(np.float32) + np.float32(0.5)
    data = rows(scores, labels, weights)
    fitted = calibrated(predicting(Task("binary")), data, "isotonic")
    asked = rows(rng.random(500), np.zeros(500))
    reference = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, sample_weight=weights)
    floor = 0.5 / 301
    expected = np.clip(reference.predict(asked.vectors[:, 0]), floor, 1 - floor)
    np.testing.assert_allclose(after(fitted, asked), expected, atol=2e-3)


def test_rows_that_do_not_count_change_nothing():
    scores, labels = overconfident(2, 500)
    weights = np.ones(1000, np.float32)
    weights[500:] = 0
    data = rows(np.tile(scores, 2), np.concatenate([labels, 1 - labels]), weights)
    for how in ("temperature", "isotonic"):
        one = calibrated(predicting(Task("binary")), data, how)
        other = calibrated(predicting(Task("binary")), rows(scores, labels), how)
        asked = rows(*overconfident(3, 50))
        np.testing.assert_allclose(after(one, asked), after(other, asked), atol=2e-3)


@pytest.mark.parametrize("how", ["temperature", "isotonic"])
def test_probabilities_of_several_classes_add_up_and_lose_less(how):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (6000, 3))
    labels = np.array([rng.choice(3, p=p) for p in softmax(logits, axis=1)], np.int32)
    task, data = Task("multiclass", 3), rows(softmax(3 * logits, axis=1), labels)
    fitted = calibrated(predicting(task), data, how)
    found = after(fitted, data)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert float(measure(task, found, data)["loss"]) < float(
        measure(task, data.vectors, data)["loss"]
    )


def test_no_calibration_is_the_model_itself():
    fitted = predicting(Task("binary"))
    assert calibrated(fitted, rows(*overconfident(0, 10)), "none") is fitted
