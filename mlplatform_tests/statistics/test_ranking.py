"""Placements against every pair counted by hand; the areas are held to scikit-learn in `evaluate/test_metrics.py`."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.ranking import auc, average_precision, placements


@st.composite
def two_classes(draw):
    rows = draw(st.integers(2, 40))
    truth = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)))
    truth[:2] = True, False
    levels = st.sampled_from([0.0, 0.2, 0.5, 0.51, 1.0])
    return truth, np.array(draw(st.lists(levels, min_size=rows, max_size=rows)))


@given(two_classes())
def test_a_placement_is_the_share_of_the_other_class_on_the_right_side(rows):
    truth, score = rows
    above = (np.sign(score[truth][:, None] - score[~truth]) + 1) / 2
    found = placements(truth, score)
    assert found[truth] == pytest.approx(above.mean(1))
    assert found[~truth] == pytest.approx(above.mean(0))
    assert auc(truth, score) == pytest.approx(above.mean())


@given(two_classes())
def test_turning_the_scores_around_turns_the_area_around(rows):
    truth, score = rows
    assert auc(truth, -score) == pytest.approx(1 - auc(truth, score))
    assert average_precision(truth, score) >= truth.mean() / 2


@pytest.mark.parametrize("truth", [[True, True], [False, False], [True]])
def test_a_single_class_has_no_areas(truth):
    truth, score = np.array(truth), np.linspace(0, 1, len(truth))
    assert math.isnan(auc(truth, score))
    assert math.isnan(average_precision(truth, score))
