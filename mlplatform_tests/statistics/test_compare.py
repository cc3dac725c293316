"""Comparisons against scikit-learn, formulas written out, and the jackknife; and bad rows."""

import math

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.non_inferiority import non_inferiority
from mlplatform.statistics.compare import COMPARABLE, compare
from mlplatform.verdict import Outcome

MARGIN = 0.01
LESS_IS_BETTER = {"log_loss", "brier"}
SHARES = (0.1, 0.5, 0.9)


def binary(rows=400, seed=0):
    """Labels and two models that know something of them, in steps, so that some scores tie."""
    dice = np.random.default_rng(seed)
    truth = (dice.random(rows) < 0.3).astype(np.int8)
    shared = truth + dice.normal(size=rows)
    answers = [1 / (1 + np.exp(0.5 - shared - dice.normal(0, 0.4, rows))) for _ in range(2)]
    return truth, *(np.round(each, 2).astype(np.float32) for each in answers)


def several(rows=400, seed=0):
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, 4, rows).astype(np.int32)
    shared = 1.5 * np.eye(4)[truth] + dice.normal(size=(rows, 4))
    answers = [np.exp(shared + dice.normal(0, 0.5, (rows, 4))) for _ in range(2)]
    return truth, *((each / each.sum(1, keepdims=True)).astype(np.float32) for each in answers)


def numbers(rows=400, seed=0):
    dice = np.random.default_rng(seed)
    truth = dice.normal(size=rows).astype(np.float32)
    return truth, *((truth + dice.normal(0, of, rows)).astype(np.float32) for of in (0.9, 1.0))


BINARY = {
    "accuracy": lambda y, p: reference.accuracy_score(y, p >= 0.5),
    "precision": lambda y, p: reference.precision_score(y, p >= 0.5),
    "recall": lambda y, p: reference.recall_score(y, p >= 0.5),
    "f1": lambda y, p: reference.f1_score(y, p >= 0.5),
    "auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": lambda y, p: reference.log_loss(y, p.astype(np.float64)),
    "brier": reference.brier_score_loss,
}
SEVERAL = {
    "accuracy": lambda y, p: reference.accuracy_score(y, p.argmax(1)),
    "macro_f1": lambda y, p: reference.f1_score(y, p.argmax(1), average="macro"),
    "log_loss": lambda y, p: -np.mean(np.log(p[np.arange(len(y)), y])),
    "brier": lambda y, p: np.mean(((p - np.eye(4)[y]) ** 2).sum(1)),
}
CASES = [*((name, binary, BINARY) for name in BINARY), *((n, several, SEVERAL) for n in SEVERAL)]


def test_every_metric_of_each_kind_is_tried_here():
    assert set(BINARY) == set(COMPARABLE["binary"])
    assert set(SEVERAL) == set(COMPARABLE["multiclass"])


@pytest.mark.parametrize(("metric", "rows", "known"), CASES)
def test_values_are_those_of_scikit_learn_and_better_is_positive(metric, rows, known):
    truth, candidate, champion = rows()
    seen = compare(metric, truth, candidate, champion, MARGIN)
    values = [known[metric](truth, each) for each in (candidate, champion)]
    assert [seen.candidate, seen.champion] == pytest.approx(values, rel=1e-5)
    sign = -1 if metric in LESS_IS_BETTER else 1
    assert seen.better == pytest.approx(sign * (values[0] - values[1]), abs=1e-5)
    assert seen.lower < seen.better < seen.upper


@pytest.mark.parametrize(("metric", "rows", "known"), CASES)
def test_a_perfect_candidate_passes_and_its_reverse_fails(metric, rows, known):
    del known
    truth, _, champion = rows(4_000)
    perfect = np.eye(4)[truth] if champion.ndim > 1 else truth
    hers = np.asarray(perfect, np.float32)
    better = compare(metric, truth, hers, champion, MARGIN)
    worse = compare(metric, truth, champion, hers, MARGIN)
    assert non_inferiority(better) is Outcome.PASS
    assert non_inferiority(worse) is Outcome.FAIL
    assert (worse.lower, worse.upper) == pytest.approx((-better.upper, -better.lower))


@pytest.mark.parametrize(("metric", "rows"), [case[:2] for case in CASES])
def test_the_width_of_the_bounds_is_that_of_the_jackknife(metric, rows):
    truth, candidate, champion = rows(500, seed=3)
    seen = compare(metric, truth, candidate, champion, MARGIN)
    without = []
    for row in range(len(truth)):
        rest = (np.delete(each, row, axis=0) for each in (truth, candidate, champion))
        without.append(compare(metric, *rest, MARGIN).better)
    error = math.sqrt(np.var(without) * (len(truth) - 1))
    wide = (seen.upper - seen.lower) / 2 / 1.6449 / error
    # Allowances make them wider, by more where a row at the top of the ranking counts for several.
    assert 0.97 <= wide <= (1.35 if metric == "average_precision" else 1.12)


def test_the_auc_is_bounded_by_delongs_variance_written_out():
    """Sums over all pairs, as in the paper; 3,000 rows, of which one alone no longer counts."""
    truth, candidate, champion = binary(3_000)
    kernels = [
        (np.sign(each[truth == 1][:, None] - each[truth == 0]) + 1) / 2
        for each in (candidate, champion)
    ]
    apart = kernels[0] - kernels[1]
    of_positives = np.var(apart.mean(1), ddof=1) / apart.shape[0]
    error = math.sqrt(of_positives + np.var(apart.mean(0), ddof=1) / apart.shape[1])
    seen = compare("auc", truth, candidate, champion, MARGIN)
    assert seen.better == pytest.approx(apart.mean())
    assert seen.better - seen.lower == pytest.approx(1.6449 * error, rel=0.02)


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_numbers_are_compared_as_shares_of_the_champions(metric):
    truth, candidate, champion = numbers(4_000)
    of = reference.root_mean_squared_error if metric == "rmse" else reference.mean_absolute_error
    seen = compare(metric, truth, candidate, champion, MARGIN)
    mine, theirs = of(truth, candidate), of(truth, champion)
    assert (seen.candidate, seen.champion) == pytest.approx((mine, theirs))
    assert seen.better == pytest.approx(1 - mine / theirs)
    assert seen.relative
    assert seen.lower < seen.better < seen.upper < 1
    assert non_inferiority(seen) is Outcome.PASS
    assert non_inferiority(compare(metric, truth, champion, candidate, MARGIN)) is Outcome.FAIL


def test_quantiles_are_compared_by_pinball_loss():
    truth, *answers = numbers(2_000)
    mine, theirs = (each[:, None] + np.array([-1.3, 0, 1.3], np.float32) for each in answers)
    seen = compare("pinball", truth, mine, theirs, MARGIN, quantiles=SHARES)
    losses = [
        np.mean(
            [
                reference.mean_pinball_loss(truth, each[:, at], alpha=a)
                for at, a in enumerate(SHARES)
            ]
        )
        for each in (mine, theirs)
    ]
    assert (seen.candidate, seen.champion) == pytest.approx(tuple(losses), rel=1e-5)
    assert seen.better == pytest.approx(1 - losses[0] / losses[1], rel=1e-4)


@pytest.mark.parametrize("metric", COMPARABLE["binary"])
def test_surer_bounds_are_wider_and_nothing_is_drawn_by_chance(metric):
    rows = binary()
    seen, again = (compare(metric, *rows, MARGIN) for _ in range(2))
    surer = compare(metric, *rows, MARGIN, confidence=0.995)
    assert seen == again
    assert surer.lower < seen.lower < seen.upper < surer.upper


ALL = [*(("binary", m) for m in COMPARABLE["binary"]), *(("several", m) for m in SEVERAL)]
ALL += [("numbers", metric) for metric in COMPARABLE["numbers"]]
MADE = {"binary": binary, "several": several, "numbers": numbers}


@pytest.mark.parametrize(("kind", "metric"), ALL)
@pytest.mark.parametrize("who", [1, 2])
def test_one_answer_that_is_none_leaves_nothing_compared(kind, metric, who):
    rows = MADE[kind]()
    rows[who].reshape(-1)[7] = np.nan
    seen = compare(metric, *rows, MARGIN)
    assert math.isnan(seen.better)
    assert math.isnan(seen.lower)
    assert math.isnan(seen.upper)
    assert seen.power_if_equal is None
    assert non_inferiority(seen) is not Outcome.PASS


@pytest.mark.parametrize(("kind", "metric"), ALL)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_row_or_none_is_no_evidence(kind, metric, rows):
    seen = compare(metric, *(each[:rows] for each in MADE[kind]()), MARGIN)
    assert non_inferiority(seen) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("kind", "metric"), ALL)
@pytest.mark.parametrize("rows", [2, 3, 20])
def test_equal_models_do_not_pass_on_a_handful_of_rows(kind, metric, rows):
    truth, same, _ = (each[:rows] for each in MADE[kind]())
    seen = compare(metric, truth, same, same, MARGIN)
    assert non_inferiority(seen) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("kind", "metric"), ALL)
def test_equal_models_pass_on_many_rows(kind, metric):
    truth, same, _ = MADE[kind](20_000)
    seen = compare(metric, truth, same, same, MARGIN)
    assert seen.better == 0
    assert non_inferiority(seen) is Outcome.PASS


@pytest.mark.parametrize("metric", sorted(set(COMPARABLE["binary"]) - {"accuracy", "recall"}))
@pytest.mark.parametrize("label", [0, 1])
def test_labels_of_a_single_class_are_no_evidence(metric, label):
    _, candidate, champion = binary()
    seen = compare(metric, np.full(400, label, np.int8), candidate, champion, MARGIN)
    assert math.isnan(seen.lower)
    assert non_inferiority(seen) is Outcome.INCONCLUSIVE


def test_recall_without_a_positive_is_no_evidence():
    _, candidate, champion = binary()
    seen = compare("recall", np.zeros(400, np.int8), candidate, champion, MARGIN)
    assert non_inferiority(seen) is Outcome.INCONCLUSIVE


def test_flips_are_counted():
    truth = np.array([1, 1, 1, 0, 0], np.int8)
    seen = compare("f1", truth, np.array([1, 1, 0, 0, 1.0]), np.array([0, 0, 1, 0, 1.0]), MARGIN)
    assert (seen.gained, seen.lost) == (2, 1)
    assert compare("auc", truth, truth, truth, MARGIN).gained is None


@given(st.integers(2, 60), st.integers(0, 10_000), st.sampled_from(COMPARABLE["binary"]))
def test_whatever_the_rows_the_bounds_hold_the_difference_or_are_none(rows, seed, metric):
    seen = compare(metric, *binary(rows, seed), MARGIN)
    assert math.isnan(seen.lower) or seen.lower <= seen.better <= seen.upper


def test_an_unknown_metric_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"no comparison by 'gini' .*; known: accuracy, .*rmse"):
        compare("gini", *binary(), MARGIN)
    with pytest.raises(ValueError, match="known: accuracy, macro_f1"):
        compare("auc", *several(), MARGIN)


def test_rows_and_labels_that_do_not_fit_are_refused():
    truth, candidate, champion = binary()
    with pytest.raises(ValueError, match="answers of the same rows are needed"):
        compare("auc", truth, candidate[:-1], champion, MARGIN)
    with pytest.raises(ValueError, match="labels must be 0 to 1, got"):
        compare("auc", truth + 1, candidate, champion, MARGIN)


def test_the_rows_needed_of_recall_are_of_all_rows():
    """One row in ten is a positive, and only the positives decide."""
    dice = np.random.default_rng(12)
    labels = np.arange(4000) % 10 == 0
    one, other = (np.where(dice.random(400) < 0.9, 0.9, 0.1) for _ in range(2))
    alone = compare("recall", np.ones(400, np.int8), one, other, MARGIN).rows_needed
    mine, theirs = np.full(4000, 0.1), np.full(4000, 0.1)
    mine[labels], theirs[labels] = one, other
    among = compare("recall", labels.astype(np.int8), mine, theirs, MARGIN).rows_needed
    assert among == 10 * alone
