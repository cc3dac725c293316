"""What replies say of each kind of prediction, and which can be none."""

import numpy as np
import pytest

from mlplatform.features.predicts import Predicts
from mlplatform.serve.outputs import are_answers, names_of, spoken
from mlplatform_tests.models import LABELS

OF = {task: Predicts.of(label) for task, label in LABELS.items()}


@pytest.mark.parametrize(
    ("task", "answers", "said"),
    [
        ("binary", [0.25], {"probabilities": [0.25]}),
        (
            "multiclass",
            [[0.5, 0.25, 0.25]],
            {"probabilities": [[0.5, 0.25, 0.25]], "classes": ["low", "mid", "high"]},
        ),
        ("regression", [-3.5], {"predictions": [-3.5]}),
        (
            "quantiles",
            [[1.0, 2.0, 3.0]],
            {"quantiles": [[1.0, 2.0, 3.0]], "levels": [0.1, 0.5, 0.9]},
        ),
    ],
)
def test_predictions_are_said_by_the_names_of_their_task(task, answers, said):
    assert spoken(OF[task], answers) == said
    assert names_of(OF[task])[1:] == ("vectors", "ids")


@pytest.mark.parametrize("task", LABELS)
def test_a_row_of_plain_numbers_is_judged_as_an_array_is(task):
    """One row's check is written for speed; it must not differ from the array's."""
    dice = np.random.default_rng(1)
    good = {
        "binary": dice.random(5),
        "multiclass": dice.dirichlet(np.ones(3), 5),
        "regression": dice.normal(size=5),
        "quantiles": np.sort(dice.normal(size=(5, 3)), axis=1),
    }[task]
    for wrong in (None, np.nan, np.inf, -0.5, 1.5):
        answers = good.copy()
        if wrong is not None:
            answers[3] = wrong
        expected = bool(OF[task].usable(answers).all())
        assert are_answers(OF[task], answers.tolist()) == expected
    assert are_answers(OF[task], [])
