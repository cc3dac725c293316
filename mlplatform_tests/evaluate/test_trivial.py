from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.tasks import measured
from mlplatform.evaluate.trivial import constant, last_values
from mlplatform.features.predicts import Predicts
from mlplatform.spec.label import Label

BINARY, NUMBERS = Predicts("binary"), Predicts("regression")
START = datetime(2024, 1, 1, tzinfo=UTC)
NUMBER = Label(column="y", task="regression")


def table(rows):
    """Rows of (days after the start or None, store, label)."""
    days, store, label = zip(*rows, strict=True)
    at = [None if day is None else START + timedelta(days=day) for day in days]
    return pa.table({"at": pa.array(at, pa.timestamp("us", "UTC")), "store": store, "y": label})


@given(st.lists(st.integers(0, 1), min_size=1, max_size=40), st.floats(0, 1))
def test_no_constant_is_better_on_these_rows(labels, other):
    labels = np.array(labels, np.int8)
    for metric in ("accuracy", "f1"):
        _, said = constant(BINARY, labels, metric)
        best = measured(BINARY, labels, said)[metric]
        rival = measured(BINARY, labels, np.full(len(labels), other))[metric]
        assert not rival > best
    _, said = constant(BINARY, labels, "log_loss")
    rival = measured(BINARY, labels, np.full(len(labels), other))
    best = measured(BINARY, labels, said)
    assert best["log_loss"] <= rival["log_loss"] + 1e-6
    assert best["brier"] <= rival["brier"] + 1e-6


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=40), st.integers(-50, 50))
def test_no_constant_number_is_better_on_these_rows(labels, other):
    labels = np.array(labels, np.float32)
    rival = measured(NUMBERS, labels, np.full(len(labels), other))
    for metric in ("rmse", "mae"):
        _, said = constant(NUMBERS, labels, metric)
        assert measured(NUMBERS, labels, said)[metric] <= rival[metric] + 1e-4
    predicts = Predicts("regression", quantiles=(0.2, 0.9))
    _, said = constant(predicts, labels, "pinball")
    rival = measured(predicts, labels, np.full((len(labels), 2), other))
    assert measured(predicts, labels, said)["pinball"] <= rival["pinball"] + 1e-4


def test_several_classes_are_answered_with_the_majority_class():
    predicts = Predicts("multiclass", ("a", "b", "c"))
    what, said = constant(predicts, np.array([2, 2, 0], np.int32), "accuracy")
    assert what == "the majority class"
    assert said.shape == (3, 3)
    assert (said.argmax(1) == 2).all()


def test_the_last_value_is_the_latest_strictly_before_of_the_same_entity():
    history = table(
        [(1, "a", 10.0), (3, "a", 30.0), (2, "b", 20.0), (5, "a", 50.0), (None, "a", 9.0)]
    )
    rows = table(
        [
            (3, "a", 0.0),
            (4, "a", 0.0),
            (2, "b", 0.0),
            (9, "b", 0.0),
            (9, "c", 0.0),
            (None, "a", 0.0),
        ]
    )
    last = last_values(NUMBER, rows, history, "at", "store")
    assert last.known.tolist() == [True, True, False, True, False, False]
    assert last.answers[last.known].tolist() == [10.0, 30.0, 20.0]
    assert last.what == "the last value of each store"


def test_without_an_entity_the_last_value_is_of_all_rows():
    history = table([(1, "a", 10.0), (2, "b", 20.0)])
    last = last_values(NUMBER, table([(2, "a", 0.0), (7, "a", 0.0)]), history, "at")
    assert last.answers.tolist() == [10.0, 20.0]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("ab"), st.integers(0, 99)), min_size=1),
    st.tuples(st.integers(0, 6), st.sampled_from("abc")),
)
def test_the_last_value_is_what_a_loop_finds(history, row):
    found = last_values(NUMBER, table([(*row, 0)]), table(history), "at", "store")
    before = [
        (day, at, y) for at, (day, of, y) in enumerate(history) if of == row[1] and day < row[0]
    ]
    assert found.known.tolist() == [bool(before)]
    if before:
        assert found.answers[0] == max(before)[2]


@pytest.mark.parametrize(
    ("label", "values", "wanted"),
    [
        (Label(column="y", positive="yes"), ["yes", "no"], [1.0, 0.0]),
        (
            Label(column="y", task="multiclass", classes=["no", "yes"]),
            ["yes", "no"],
            [[0, 1], [1, 0]],
        ),
        (Label(column="y", task="regression", quantiles=[0.1, 0.9]), [3.0, 4.0], [[3, 3], [4, 4]]),
    ],
)
def test_last_values_are_answers_of_the_task(label, values, wanted):
    history = table([(day, "a", value) for day, value in enumerate(values)])
    rows = table([(day + 1, "a", values[0]) for day in range(2)])
    assert last_values(label, rows, history, "at").answers.tolist() == wanted
