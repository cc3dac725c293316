"""Protected columns set to their other values: what counts as another answer, and what gives nothing to try."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.gates.behaviour import behaviour as gate
from mlplatform.model_measures import BehaviourSeen
from mlplatform.spec.trust_gates import BehaviourGate
from mlplatform.statistics.share_limit import one_sided
from mlplatform.verdict import Outcome
from mlplatform_tests.evaluate.test_behaviour import ROWS, ages, fair, people, tried


def by_sex(male, female):
    return lambda rows: np.where(pc.equal(rows["sex"], "m").to_numpy(), male, female)


def test_every_protected_column_is_flipped_without_being_declared():
    def predict(rows):
        return np.where(pc.equal(rows["sex"], "m").to_numpy(), 0.9, 0.1)

    by_sex, by_name = tried(predict, groups=["sex", "name"], policy=BehaviourGate(max_flips=0.2))
    assert (by_sex.name, by_sex.failed, by_sex.tried) == (
        *("sex set to any other of its values", ROWS, ROWS),
    )
    assert by_sex.max_share == 0.2
    assert by_name.failed == 0


@pytest.mark.parametrize(
    ("male", "female", "failed"),
    [
        (0.49, 0.01, ROWS),  # No class flips.
        (0.95, 0.74, ROWS),
        (0.7, 0.51, 0),
        (0.015, 0.005, ROWS),  # Of rare positives thrice as many are expected among men,
        (0.985, 0.995, ROWS),  # or of rare negatives.
        (0.015, 0.008, 0),
    ],
)
def test_a_probability_that_moves_far_or_doubles_has_changed_without_a_flip(male, female, failed):
    (case,) = tried(by_sex(male, female), groups=["sex"])
    assert case.failed == failed
    assert (case.worst == "") == (failed == 0)
    policy = BehaviourGate(max_move=None, max_factor=None)
    assert tried(by_sex(male, female), groups=["sex"], policy=policy)[0].failed == 0


def test_a_probability_that_doubles_below_the_average_decides_nothing():
    """Half of the rows are at 0.9 either way: nobody acts upon 0.004 or 0.001 beside them."""

    def predict(rows):
        return np.where(ages(rows) > 45, 0.9, by_sex(0.004, 0.001)(rows))

    assert tried(predict, groups=["sex"])[0].failed == 0


def test_sex_that_alone_decides_8_percent_of_rows_fails_under_an_empty_policy():
    rows = people(4000)
    few = np.sort(ages(rows))[-320]

    def predict(asked):
        return np.where((ages(asked) >= few) & pc.equal(asked["sex"], "m").to_numpy(), 0.6, 0.45)

    cases = tried(predict, groups=["sex"], rows=rows)
    assert 0.06 < cases[0].failed / cases[0].tried < 0.1
    assert gate(BehaviourSeen(cases=cases), BehaviourGate()).outcome is Outcome.FAIL


def test_an_equal_flip_of_many_columns_is_the_worst_of_so_many():
    """The bound below which a case fails allows for the choice of the worst column."""
    suite = {"robustness": [{"name": "missing", "change": "missing", "max_share": 0.1}]}

    def predict(rows):
        return np.where(pc.is_valid(rows["age"]).to_numpy(), 0.9, 0.1)

    several, one = (
        tried(predict, suite, people(100).select(columns))[0]
        for columns in (["age", "name", "sex"], ["age"])
    )
    assert (several.failed, one.failed) == (100, 100)
    assert several.lower == one_sided(100, 100, 3)[0] < one.lower == one_sided(100, 100)[0]


@pytest.mark.parametrize(
    ("label", "width"),
    [
        ({"column": "wage", "task": "regression"}, None),
        ({"column": "wage", "task": "regression", "quantiles": [0.1, 0.5, 0.9]}, 3),
    ],
)
def test_a_number_flips_when_it_moves_by_a_tenth_of_the_labels_deviation(label, width):
    deviation = ages(people()).std()

    def model(moves):
        def predict(rows):
            found = 5 + moves * deviation * pc.equal(rows["sex"], "m").to_numpy().astype(float)
            return found if width is None else np.stack([found] * width, axis=1)

        return predict

    assert tried(model(0.09), groups=["sex"], label=label)[0].failed == 0
    assert tried(model(0.11), groups=["sex"], label=label)[0].failed == ROWS


@pytest.mark.parametrize("value", ["m", None])
def test_a_group_column_without_a_second_value_gives_nothing_to_try(value):
    rows = people().set_column(2, "sex", pa.array([value] * ROWS, pa.string()))
    (flipped,) = tried(fair, rows=rows, groups=["sex"])
    assert flipped.inapplicable == "none of 1,000 rows tried has another value of it"
    assert (flipped.tried, flipped.failed, flipped.error) == (0, 0, "")
    broken = tried(lambda asked: fair(asked) * np.nan, rows=rows, groups=["sex"])
    assert "answers are NaN" in broken[0].error
