"""One way to ask what answers are worth, for every task."""

import numpy as np
import pytest

from mlplatform.evaluate.tasks import correct, errors, loss, measured
from mlplatform.features.predicts import Predicts
from mlplatform_tests.models import LABELS

OF = {name: Predicts.of(label) for name, label in LABELS.items()}
DICE = np.random.default_rng(5)
CASES = {
    "binary": (DICE.integers(0, 2, 50), DICE.random(50)),
    "multiclass": (DICE.integers(0, 3, 50), DICE.dirichlet(np.ones(3), 50)),
    "regression": (DICE.normal(size=50), DICE.normal(size=50)),
    "quantiles": (DICE.normal(size=50), np.sort(DICE.normal(size=(50, 3)), axis=1)),
}
EVEN = np.ones(50, np.float32)


@pytest.mark.parametrize("task", CASES)
def test_the_loss_is_the_metric_that_its_task_names(task):
    labels, answers = CASES[task]
    found = measured(OF[task], labels, answers)
    assert loss(OF[task], labels, answers, EVEN) == pytest.approx(found[OF[task].metric], rel=1e-6)


@pytest.mark.parametrize("task", CASES)
def test_a_row_of_weight_two_counts_as_two_rows_and_of_weight_nothing_as_none(task):
    labels, answers = CASES[task]
    weights = DICE.integers(0, 3, 50)
    again = np.repeat(np.arange(50), weights)
    expected = loss(OF[task], labels[again], answers[again], np.ones(len(again), np.float32))
    assert loss(OF[task], labels, answers, weights.astype(np.float32)) == pytest.approx(expected)


@pytest.mark.parametrize("task", CASES)
def test_an_answer_that_is_none_leaves_no_loss(task):
    labels, answers = CASES[task]
    broken = answers.copy()
    broken[3] = np.nan
    assert np.isnan(loss(OF[task], labels, broken, EVEN))
    kept = (errors if task in ("regression", "quantiles") else correct)(OF[task], labels, broken)
    assert np.flatnonzero(np.isnan(kept)).tolist() == [3]


def test_a_certain_and_wrong_answer_costs_what_training_counts_for_it():
    assert loss(OF["binary"], [1], [0.0], EVEN[:1]) == pytest.approx(-np.log(1e-7))
    assert loss(OF["multiclass"], [1], [[1.0, 0.0, 0.0]], EVEN[:1]) == pytest.approx(-np.log(1e-7))


@pytest.mark.parametrize("task", CASES)
def test_the_loss_is_that_of_training(task):
    from mlplatform.train.measure import measure
    from mlplatform.train.task import Rows, Task

    labels, answers = CASES[task]
    kind = np.int32 if task == "multiclass" else np.float32
    nothing = np.zeros((50, 0), np.float32)
    weights = DICE.random(50).astype(np.float32)
    rows = Rows(nothing, nothing.astype(np.int32), labels.astype(kind), weights)
    trained = measure(Task.of(LABELS[task]), answers.astype(np.float32), rows)["loss"]
    found = loss(OF[task], labels.astype(kind), answers.astype(np.float32), weights)
    assert found == pytest.approx(float(trained), rel=1e-5)
    assert Task.of(LABELS[task]).metric == OF[task].metric
