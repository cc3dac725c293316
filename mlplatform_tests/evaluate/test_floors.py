"""Floors: a model truly beyond one passes at most once in twenty, on few rows too."""

import numpy as np
import pytest

from mlplatform.evaluate.floors import floors, losses, rows_needed
from mlplatform.evaluate.intervals import intervals
from mlplatform.features.predicts import Predicts
from mlplatform.spec.metric_names import NAMES, answer
from mlplatform.statistics import mean_bounds, unseen_rows
from mlplatform.statistics.proportion import exact

BINARY, NUMBERS = Predicts("binary"), Predicts("regression")
CLASSES = Predicts("multiclass", ("x", "y", "z"))
QUANTILES = Predicts("regression", quantiles=(0.1, 0.9))
TRIALS = 120
AT_MOST = 0.05 + 2 * (0.05 * 0.95 / TRIALS) ** 0.5


def blunders(dice, rows, share=0.03):
    return dice.random(rows) < share


def numbers(dice, rows):
    """An rmse of 0.529."""
    truth = dice.normal(0, 1, rows)
    return truth, truth + np.where(blunders(dice, rows), 3.0, 0.1) * dice.choice([-1, 1], rows)


def two(dice, rows):
    """A log loss of 0.276, by 3 % of answers that are surely wrong."""
    truth = (dice.random(rows) < 0.5).astype(np.int8)
    return truth, np.where(blunders(dice, rows), 1 - truth, truth) * 0.9998 + 0.0001


def several(dice, rows):
    """The same of three classes."""
    truth = dice.integers(0, 3, rows)
    said = np.where(blunders(dice, rows), (truth + 1) % 3, truth)
    return truth, np.where(np.eye(3)[said] == 1, 0.9998, 0.0001)


@pytest.mark.parametrize("rows", [30, 60, 100])
@pytest.mark.parametrize(
    ("predicts", "drawn", "metric", "limit"),
    [
        (NUMBERS, numbers, "rmse", 0.5),
        (BINARY, two, "log_loss", 0.25),
        (CLASSES, several, "log_loss", 0.25),
    ],
)
def test_losses_beyond_a_floor_by_rare_blunders_seldom_pass(predicts, drawn, metric, limit, rows):
    dice, passed = np.random.default_rng(rows), 0
    for _ in range(TRIALS):
        of = losses(predicts, *drawn(dice, rows))[metric]
        upper = mean_bounds.bounds(of.each, 0.0, of.most, 0.95)[1]
        passed += upper**of.root <= limit
    assert passed / TRIALS <= AT_MOST


@pytest.mark.parametrize("rows", [10, 40, 200])
def test_a_macro_f1_below_a_floor_seldom_passes(rows):
    dice, passed = np.random.default_rng(rows), 0
    for _ in range(TRIALS):
        truth = dice.integers(0, 3, rows)
        said = np.where(dice.random(rows) < 0.85, truth, (truth + 1) % 3)
        passed += unseen_rows.macro_f1(truth, said, 3, 0.95)[0] >= 0.87
    assert passed / TRIALS <= AT_MOST


@pytest.mark.parametrize("rows", [60])
def test_an_area_below_a_floor_by_rare_blunders_seldom_passes(rows):
    """One positive in twenty is below every negative: an AUC of 0.95."""
    dice, passed = np.random.default_rng(rows), 0
    for _ in range(TRIALS):
        truth = dice.random(rows) < 0.3
        said = np.where(truth & ~blunders(dice, rows, 0.05), 0.6, 0.3) + 0.1 * dice.random(rows)
        said = np.where(truth & (said < 0.5), 0.1, said)
        if truth.any():
            passed += unseen_rows.ranked("auc", truth, said, 0.95)[0] >= 0.955
    assert passed / TRIALS <= AT_MOST


def test_a_perfect_answer_to_few_rows_is_not_sure():
    truth = np.arange(12) % 3
    of = floors(CLASSES, truth, np.eye(3)[truth], ["macro_f1"])
    assert of["macro_f1"].observed == of["macro_f1"].upper == 1
    assert 0.6 < of["macro_f1"].lower < 0.9
    two_of = floors(BINARY, truth == 1, (truth == 1).astype(float), NAMES["binary"])
    assert 0.3 < two_of["auc"].lower < 0.9
    assert 0.3 < two_of["average_precision"].lower < 0.9
    assert two_of["log_loss"].upper > 2


@pytest.mark.parametrize("predicts", [BINARY, CLASSES, NUMBERS, QUANTILES])
def test_on_many_rows_they_are_those_of_the_reports(predicts):
    dice, rows = np.random.default_rng(5), 30_000
    truth = dice.normal(0, 1, rows) if predicts.task == "regression" else dice.integers(0, 2, rows)
    said = truth * 0.3 + 0.7 * dice.random(rows)
    if predicts is CLASSES:
        said = np.column_stack([1 - said, said, 0 * said])
    if predicts is QUANTILES:
        said = np.column_stack([said - 1, said + 1])
    names = NAMES[answer(predicts.task, quantiles=bool(predicts.quantiles))]
    reported = intervals(predicts, truth, said, 0.9)
    for name, of in floors(predicts, truth, said, names).items():
        near = 0.12 * (reported[name].upper - reported[name].lower)
        assert of.observed == reported[name].observed
        assert of.lower == pytest.approx(reported[name].lower, abs=near), name
        assert of.upper == pytest.approx(reported[name].upper, abs=2 * near), name


def test_what_is_not_defined_has_no_bounds():
    assert np.isnan(floors(BINARY, np.ones(9, np.int8), np.full(9, 0.5), ["auc"])["auc"].lower)
    assert np.isnan(floors(NUMBERS, np.zeros(0), np.zeros(0), ["rmse"])["rmse"].lower)
    assert np.isnan(floors(NUMBERS, np.zeros(2), np.array([0.0, np.nan]), ["rmse"])["rmse"].upper)


def test_rows_needed_of_a_share_are_of_all_rows_and_decide_four_times_in_five():
    """Of recall the positives decide, one row in ten."""
    dice, rows = np.random.default_rng(6), 2000
    truth = np.arange(rows) % 10 == 0
    said = np.where(truth & (np.arange(rows) % 100 != 0), 0.9, 0.1)
    needed = rows_needed(BINARY, truth, said, {"recall": 0.86, "accuracy": 0.985})
    assert set(needed) == {"recall", "accuracy"}
    decided = 0
    for _ in range(TRIALS):
        hits = dice.binomial(needed["recall"] // 10, 0.9)
        decided += exact(hits, needed["recall"] // 10, 0.9)[0] >= 0.86
    assert 0.65 <= decided / TRIALS <= 0.95
