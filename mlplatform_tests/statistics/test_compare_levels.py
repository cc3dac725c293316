"""How often comparisons err, of models whose true difference is known.

The large simulation is `benchmarks/gate_simulation.py`.
"""

from statistics import NormalDist

import numpy as np
import pytest

from mlplatform.gates.non_inferiority import non_inferiority
from mlplatform.statistics.compare import compare
from mlplatform.verdict import Outcome

MARGIN = 0.02
PAIRS = 500
NORMAL = NormalDist()


def f1_rows(better, dice, rows):
    """Of positives 60 % are found, by the candidate more or fewer, and 30 % of negatives are taken for them.

    With as many of either class F1 is 2r / (r + 1 + 0.3) of recall r: solved here for r. Both models
    look at the same place of a row, but for a fifth of the rows, which each looks up anew.
    """
    f1 = 2 * 0.6 / (0.6 + 1 + 0.3) + better
    recall = f1 * 1.3 / (2 - f1)
    truth, place = dice.random(rows) < 0.5, dice.random(rows)
    anew = [np.where(dice.random(rows) < 0.2, dice.random(rows), place) for _ in range(2)]
    pairs = zip(anew, (recall, 0.6), strict=True)
    answers = [np.where(truth, at < found, at < 0.3) for at, found in pairs]
    return truth.astype(np.int8), *(each.astype(np.float32) for each in answers)


def auc_rows(better, dice, rows):
    """Normal scores: the area is that of a normal distribution at the distance over the root of 2."""
    truth = dice.random(rows) < 0.3
    shared, *own = dice.normal(size=(3, rows))
    far = [2**0.5 * NORMAL.inv_cdf(area) for area in (0.85 + better, 0.85)]
    each = [d * truth + 0.8**0.5 * shared + 0.2**0.5 * e for d, e in zip(far, own, strict=True)]
    return truth.astype(np.int8), *(1 / (1 + np.exp(-score)) for score in each)


def brier_rows(better, dice, rows):
    """The champion knows the chance of each row; a candidate that is off by e is worse by its square."""
    chance = 0.2 + 0.6 * dice.random(rows)
    truth = dice.random(rows) < chance
    off = max(-better, 0.0) ** 0.5 * dice.choice([-1, 1], rows)
    both = 0.1 * dice.choice([-1, 1], (2, rows)) if better == 0 else (0 * off, 0 * off)
    return truth.astype(np.int8), np.clip(chance + off + both[0], 0, 1), chance + both[1]


MADE = {"f1": f1_rows, "auc": auc_rows, "brier": brier_rows}
ROWS = {"f1": 2_000, "auc": 700, "brier": 400}


def judged(metric, better):
    dice = np.random.default_rng(11)
    pairs = range(PAIRS)
    seen = [compare(metric, *MADE[metric](better, dice, ROWS[metric]), MARGIN) for _ in pairs]
    outcomes = [non_inferiority(each) for each in seen]
    shares = {outcome: outcomes.count(outcome) / PAIRS for outcome in Outcome}
    return shares, np.mean([each.power_if_equal for each in seen])


@pytest.mark.parametrize("metric", MADE)
def test_a_model_at_the_margin_passes_once_in_twenty_and_fails_once_in_twenty(metric):
    """Three standard errors of a share of 5 % over the pairs are 2.9 %."""
    shares, _ = judged(metric, -MARGIN)
    assert 0.02 <= shares[Outcome.PASS] <= 0.05 + 0.029
    assert 0.02 <= shares[Outcome.FAIL] <= 0.05 + 0.029


@pytest.mark.parametrize("metric", MADE)
def test_an_equal_model_passes_as_often_as_stated_and_hardly_ever_fails(metric):
    shares, power = judged(metric, 0.0)
    assert 0.3 < power < 0.97
    assert shares[Outcome.PASS] == pytest.approx(power, abs=0.07)
    assert shares[Outcome.FAIL] <= 0.01


@pytest.mark.parametrize("metric", MADE)
def test_a_model_worse_by_twice_the_margin_hardly_ever_passes(metric):
    shares, _ = judged(metric, -2 * MARGIN)
    assert shares[Outcome.PASS] <= 0.02
