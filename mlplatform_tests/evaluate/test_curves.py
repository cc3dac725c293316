import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.curves import ROC_POINTS, Curves, curves, curves_of
from mlplatform.evaluate.metrics import binary
from mlplatform.features.predicts import Predicts

SEPARATED = ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])


def test_a_roc_curve_rises_from_nothing_to_everything():
    assert curves(*SEPARATED).roc == ((0, 0), (0, 0.5), (0, 1), (0.5, 1), (1, 1))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=80))
def test_the_area_under_the_roc_curve_is_the_auc(pairs):
    labels, scores = [p[0] for p in pairs], [p[1] / 4 for p in pairs]
    drawn = curves(labels, scores).roc
    if len(set(labels)) == 1:
        assert drawn == ()
        return
    x, y = zip(*drawn, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(binary(labels, scores)["auc"])


def test_a_large_roc_curve_is_thinned_and_keeps_its_ends_and_area():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 5_000)
    scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1)
    drawn = curves(labels, scores).roc
    assert len(drawn) <= ROC_POINTS
    assert (drawn[0], drawn[-1]) == ((0, 0), (1, 1))
    x, y = zip(*drawn, strict=True)
    assert np.trapezoid(y, x) == pytest.approx(binary(labels, scores)["auc"], abs=0.002)


def test_calibration_bins_hold_equal_rows_and_the_share_of_positives():
    bins = curves([0, 1] * 50, np.linspace(0, 1, 100)).calibration
    assert [part.rows for part in bins] == [10] * 10
    assert [part.share for part in bins] == [0.5] * 10
    assert bins[0].score < bins[-1].score
    assert bins[0].lower < 0.5 < bins[0].upper


def test_scores_are_counted_by_class_and_the_ends_belong_to_the_outer_bins():
    drawn = curves([0, 0, 1, 1], [0.0, 0.04, 0.51, 1.0])
    assert drawn.negatives == (2, *[0] * 19)
    assert drawn.positives == (*[0] * 10, 1, *[0] * 8, 1)


def test_rows_without_a_probability_are_left_out_of_the_pictures():
    assert curves([0, 1], [float("nan"), float("nan")]) == Curves()
    assert sum(curves([0, 1], [float("nan"), 0.5]).positives) == 1


def test_several_classes_have_a_confusion_and_the_calibration_of_their_answers():
    labels, said = np.array([0, 1, 2, 1]), np.eye(3)[[0, 1, 1, 1]] * 0.7 + 0.1
    drawn = curves_of(Predicts("multiclass", ("a", "b", "c")), labels, said)
    assert drawn.confusion == ((1, 0, 0), (0, 2, 0), (0, 1, 0))
    assert sum(b.share * b.rows for b in drawn.calibration) == 3
    assert [b.score for b in drawn.calibration] == pytest.approx([0.8] * 4)


def test_numbers_are_shown_in_ten_parts_by_what_was_predicted():
    said = np.arange(100.0)
    drawn = curves_of(Predicts("regression"), said + 3, said).numbers
    assert [b.rows for b in drawn] == [10] * 10
    assert [b.label - b.predicted for b in drawn] == [3.0] * 10
    assert all(b.lower < b.label < b.upper for b in drawn)


def test_quantiles_are_shown_by_the_share_of_labels_at_most_each():
    predicts = Predicts("regression", quantiles=(0.1, 0.9))
    drawn = curves_of(predicts, np.arange(10.0), [[1.0, 7.0]] * 10).calibration
    assert [(b.score, b.share) for b in drawn] == [(0.1, 0.2), (0.9, 0.8)]


@pytest.mark.parametrize("predicts", [Predicts("regression"), Predicts("multiclass", ("a",))])
def test_without_a_usable_answer_nothing_is_drawn(predicts):
    nothing = np.full((2, *predicts.width), np.nan)
    assert curves_of(predicts, [0, 0], nothing) == Curves()
    nearly = curves_of(Predicts("regression"), [0.0, 1.0], [np.nan, 1.0])
    assert [b.rows for b in nearly.numbers] == [1]
