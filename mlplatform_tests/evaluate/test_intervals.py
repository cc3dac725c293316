"""Bounds of every metric: against rows drawn one by one, and against truth that is known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.evaluate.intervals import RATES, intervals
from mlplatform.evaluate.tasks import measured
from mlplatform.features.predicts import Predicts

BINARY = Predicts()
THREE = Predicts("multiclass", ("a", "b", "c"))
NUMBER = Predicts("regression")
PAIR = Predicts("regression", quantiles=(0.1, 0.5, 0.9))


def people(task: Predicts, rows: int, seed: int = 0):
    """Labels and answers of a fair model of that task."""
    rng = np.random.default_rng(seed)
    if task is BINARY:
        score = rng.beta(0.7, 1.6, rows)
        return (rng.random(rows) < 0.85 * score + 0.1).astype(int), score
    if task is THREE:
        answers = rng.dirichlet((1, 0.7, 0.5), rows)
        return (answers.cumsum(1) < rng.random((rows, 1))).sum(1).clip(0, 2), answers
    truth = rng.normal(size=rows) * 2
    said = 0.7 * truth + 0.1
    if task is NUMBER:
        return truth + rng.normal(size=rows), said
    wide = rng.uniform(0.8, 1.6, rows)[:, None]
    return truth + rng.normal(size=rows), said[:, None] + wide * [-1.0, 0.0, 1.0]


@pytest.mark.parametrize("task", [BINARY, THREE, NUMBER, PAIR], ids=str)
def test_every_metric_that_is_measured_has_bounds_around_it(task):
    labels, answers = people(task, 600)
    found = intervals(task, labels, answers)
    wanted = measured(task, labels, answers)
    del wanted["rows"]
    assert set(found) == {*wanted, *(RATES if task is BINARY else ())}
    for metric, value in wanted.items():
        assert found[metric].observed == pytest.approx(value, abs=1e-12)
        assert found[metric].lower <= value <= found[metric].upper, metric
        assert found[metric].lower < found[metric].upper


@pytest.mark.parametrize("task", [BINARY, THREE, NUMBER, PAIR], ids=str)
def test_bounds_agree_with_rows_drawn_one_by_one(task):
    labels, answers = people(task, 2000)
    rng, plain = np.random.default_rng(1), []
    for _ in range(300):
        again = rng.integers(0, 2000, 2000)
        plain.append(measured(task, labels[again], answers[again]))
    for metric, found in intervals(task, labels, answers).items():
        if metric == "calibration_error" or metric in RATES:
            continue  # Chance makes plain replicates of the one larger; the others are no metric.
        drawn = np.array([each[metric] for each in plain])
        wide = 2 * 1.96 * drawn.std()
        assert found.upper - found.lower == pytest.approx(wide, rel=0.2), metric
        assert (found.upper + found.lower) / 2 == pytest.approx(drawn.mean(), abs=0.15 * wide)


TRIED = 80


@pytest.mark.parametrize("task", [BINARY, THREE, NUMBER, PAIR], ids=str)
def test_bounds_hold_the_truth_as_often_as_they_say(task):
    """One-sided 95 % each, and Monte Carlo error; a plain bootstrap of small tables is no better."""
    truth = measured(task, *people(task, 200_000, seed=99))
    wrong: dict[str, np.ndarray] = {}
    for seed in range(TRIED):
        for metric, found in intervals(task, *people(task, 400, seed), 0.9).items():
            if metric in truth:
                sides = [found.lower > truth[metric], found.upper < truth[metric]]
                wrong[metric] = wrong.get(metric, np.zeros(2)) + sides
    for metric, counted in wrong.items():
        assert (counted / TRIED <= 0.06 + 3 * math.sqrt(0.06 * 0.94 / TRIED)).all(), metric


def test_shares_and_f1_are_exact_and_of_the_rows_they_are_a_share_of():
    labels, scores = [1, 1, 1, 0, 0, 0, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.1, 0.1, 0.1, 0.1]
    found = intervals(BINARY, labels, scores, 0.9)
    assert {m: (i.rows, i.method) for m, i in found.items() if i.method == "exact"} == {
        "accuracy": (8, "exact"), "precision": (3, "exact"), "recall": (3, "exact"),
        "f1": (4, "exact"), "positive_share": (8, "exact"), "selection_rate": (8, "exact"),
        "true_positive_rate": (3, "exact"), "false_positive_rate": (5, "exact"),
    }  # fmt: skip
    assert found["f1"].observed == pytest.approx(2 / 3)
    assert found["f1"].lower == pytest.approx(2 * 0.097611 / 1.097611, abs=1e-5)  # 2 of 4.
    assert found["false_positive_rate"].observed == pytest.approx(1 / 5)


def test_a_perfect_order_of_few_rows_is_not_taken_for_certain():
    found = intervals(BINARY, [0] * 9 + [1] * 5, [0.1] * 9 + [0.9] * 5)
    assert found["auc"].observed == 1
    assert found["auc"].lower == pytest.approx(0.4782, abs=1e-4)  # 5 of 5.
    right = intervals(BINARY, [0, 1] * 10, [0.0, 1.0] * 10)
    for metric in ("log_loss", "brier", "calibration_error"):
        assert right[metric].observed < 1e-9
        assert right[metric].upper > 0.1
    sure = intervals(THREE, [0, 1, 2] * 5, np.eye(3)[[0, 1, 2] * 5])
    assert sure["macro_auc"].lower < 0.6


@pytest.mark.parametrize("task", [BINARY, THREE, NUMBER, PAIR], ids=str)
@pytest.mark.parametrize("rows", [0, 1, 50])
def test_answers_that_are_none_have_neither_value_nor_bounds(task, rows):
    labels, _ = people(task, rows)
    nothing = np.full((rows, *task.width), np.nan)
    for found in intervals(task, labels, nothing).values():
        assert all(math.isnan(v) for v in (found.observed, found.lower, found.upper))
        assert found.method == "none"


@pytest.mark.parametrize("task", [BINARY, THREE, NUMBER, PAIR], ids=str)
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_hardly_any_rows_bound_hardly_anything_and_do_no_harm(task, rows):
    for metric, found in intervals(task, *people(task, rows)).items():
        bounded = found.lower <= found.observed <= found.upper
        assert bounded or found.method == "none", metric


def test_a_single_class_has_no_area_under_a_curve_and_keeps_the_rest():
    found = intervals(BINARY, [0] * 30, np.linspace(0, 0.9, 30))
    assert found["auc"].method == found["average_precision"].method == "none"
    assert (found["recall"].rows, found["recall"].method) == (0, "none")
    assert found["brier"].lower < found["brier"].observed < found["brier"].upper
    one = intervals(THREE, [1] * 30, people(THREE, 30)[1])
    assert one["macro_auc"].method == "none"
    assert one["log_loss"].method == "bootstrap"


def test_a_label_that_does_not_vary_has_no_r2():
    found = intervals(NUMBER, [2.0] * 40, np.linspace(1, 3, 40))
    assert found["r2"].method == "none"
    assert found["rmse"].lower < found["rmse"].observed


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), max_size=40))
@settings(max_examples=30, deadline=None)
def test_a_higher_confidence_never_has_narrower_bounds_and_equal_rows_have_equal_ones(pairs):
    labels, scores = [p[0] for p in pairs], [p[1] / 8 for p in pairs]
    narrow, wide = (intervals(BINARY, labels, scores, c) for c in (0.9, 0.99))
    again = intervals(BINARY, labels, scores, 0.9)
    assert repr(narrow) == repr(again)
    for metric, found in narrow.items():
        if found.method != "none":
            assert wide[metric].lower <= found.lower + 1e-12
            assert wide[metric].upper >= found.upper - 1e-12
