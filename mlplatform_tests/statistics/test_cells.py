"""The spread of cells against that of single rows drawn again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.evaluate.metrics import binary
from mlplatform.statistics.cells import cells, replicates

BINS = 10


def seen(rows: int, seed: int = 0):
    """Truth and scores of a model that is good and a little off."""
    rng = np.random.default_rng(seed)
    score = rng.beta(0.7, 1.6, rows)
    return rng.random(rows) < 0.85 * score + 0.1, score


def of_rows(truth, score):
    of_truth = np.where(truth, score, 1 - score)
    return {"log_loss": -np.log(of_truth), "brier": (1 - of_truth) ** 2}


@pytest.mark.parametrize("rows", [80, 3000])
def test_replicates_spread_as_those_of_rows_drawn_one_by_one(rows):
    truth, score = seen(rows)
    drawn = replicates(cells(truth, score, of_rows(truth, score), BINS))
    rng = np.random.default_rng(1)
    plain = []
    for _ in range(400):
        again = rng.integers(0, rows, rows)
        plain.append(binary(truth[again], score[again]))
    for metric in ("auc", "average_precision", "log_loss", "brier"):
        wanted = np.std([each[metric] for each in plain])
        assert np.std(drawn.away[metric]) == pytest.approx(wanted, rel=0.15), metric
        assert abs(np.mean(drawn.away[metric])) < 0.5 * wanted
    errors = [each["calibration_error"] for each in plain]
    ours = np.abs(drawn.gaps).sum(1)
    assert np.std(ours) == pytest.approx(np.std(errors), rel=0.2)
    assert np.mean(ours) == pytest.approx(np.mean(errors), rel=0.1)


def test_more_cells_hardly_change_the_spread():
    truth, score = seen(20_000)
    few, many = (
        replicates(cells(truth, score, of_rows(truth, score), BINS, most)) for most in (128, 240)
    )
    for metric, away in few.away.items():
        assert np.std(away) == pytest.approx(np.std(many.away[metric]), rel=0.08), metric


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=200))
@settings(max_examples=30, deadline=None)
def test_the_metrics_of_cells_of_single_scores_are_those_of_the_rows(pairs):
    truth = np.array([p[0] for p in pairs])
    score = np.array([p[1] / 20 for p in pairs])
    found = cells(truth, score, {"brier": (score - truth) ** 2}, BINS)
    assert found.positives.sum() == truth.sum()
    assert found.positives.sum() + found.negatives.sum() == len(pairs)
    assert found.score @ (found.positives + found.negatives) == pytest.approx(score.sum())
    exact = binary(truth, score)
    drawn = replicates(found)
    assert np.abs(drawn.gap).sum() == pytest.approx(exact["calibration_error"])
    own = found.negatives @ found.means["brier"][0] + found.positives @ found.means["brier"][1]
    assert own / len(pairs) == pytest.approx(exact["brier"])


def test_no_cell_spans_two_bins_of_the_calibration_error():
    truth, score = seen(50_000)
    found = cells(truth, score, {}, BINS)
    assert len(found.score) < 150
    by_row = np.bincount((score * BINS).astype(int), minlength=BINS)
    by_cell = np.bincount(found.bin_of, found.negatives + found.positives, BINS)
    assert by_cell.tolist() == by_row.tolist()


@pytest.mark.parametrize("rows", [5000, 100_000])
def test_a_mean_spreads_as_its_standard_error_says(rows):
    truth, score = seen(rows)
    loss = of_rows(truth, score)["log_loss"]
    drawn = replicates(cells(truth, score, {"log_loss": loss}, BINS)).away["log_loss"]
    assert np.std(drawn) == pytest.approx(loss.std() / np.sqrt(rows), rel=0.02)


def test_values_that_differ_within_a_cell_spread_a_mean_too():
    """All scores are one cell, so its mean alone would not vary."""
    rng = np.random.default_rng(2)
    value = rng.normal(size=5000)
    drawn = replicates(cells(np.ones(5000, bool), np.full(5000, 0.5), {"v": value}, BINS))
    assert np.std(drawn.away["v"]) == pytest.approx(1 / np.sqrt(5000), rel=0.1)


def test_a_single_class_has_no_ranking_and_equal_rows_equal_replicates():
    truth, score = seen(100)
    alone = replicates(cells(np.zeros(100, bool), score, {}, BINS))
    assert np.isnan(alone.away["auc"]).all()
    assert np.isnan(alone.away["average_precision"]).all()
    first, second = (replicates(cells(truth, score, {}, BINS)).away["auc"] for _ in range(2))
    assert first.tolist() == second.tolist()
