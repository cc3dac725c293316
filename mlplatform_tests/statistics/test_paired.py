"""Bounds by hand and by simulation: how often would a worse model get through?"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.paired import paired_difference, power_if_equal, rows_needed

MARGIN = 0.01
REPLICATES = 1_000


def counted(rows, gained, lost, **how):
    candidate, champion = np.ones(rows), np.ones(rows)
    candidate[:lost] = 0
    champion[lost : lost + gained] = 0
    return paired_difference(candidate, champion, **how)


def test_the_bounds_are_those_of_the_published_example():
    """Tango (1998), section 6: 32 pairs, 9 and 3 discordant, two-sided 95 %: -0.027 to 0.390."""
    seen = counted(32, 9, 3, confidence=0.975)
    assert (round(seen.lower, 3), round(seen.upper, 3)) == (-0.027, 0.390)
    assert seen.observed == 6 / 32


def test_models_that_never_disagree_are_bounded_by_the_rows_seen():
    """By hand: -d with n·d / (1 - d) = 1.645², so d = 2.7055 / (n + 2.7055)."""
    assert counted(1000, 0, 0).lower == pytest.approx(-2.7055 / 1002.7055, rel=1e-4)


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 5_000))
    gained = draw(st.integers(0, rows))
    return rows, gained, draw(st.integers(0, rows - gained))


@given(tables())
def test_bounds_hold_the_difference_and_mirror_when_the_models_are_swapped(table):
    rows, gained, lost = table
    seen, mirrored = counted(rows, gained, lost), counted(rows, lost, gained)
    assert -1 <= seen.lower <= seen.observed <= seen.upper <= 1
    assert (mirrored.lower, mirrored.upper) == (-seen.upper, -seen.lower)


@given(tables())
def test_more_rows_of_the_same_kind_never_widen_the_bounds(table):
    rows, gained, lost = table
    once, twice = counted(rows, gained, lost), counted(2 * rows, 2 * gained, 2 * lost)
    assert twice.lower >= once.lower - 1e-9
    assert twice.upper <= once.upper + 1e-9


def shares(true_difference, rows, disagreement=0.06):
    """How often bounds pass and fail the margin, over simulated pairs of models."""
    up, down = (disagreement + true_difference) / 2, (disagreement - true_difference) / 2
    drawn = np.random.default_rng(7).multinomial(rows, [up, down, 1 - up - down], REPLICATES)
    seen = [counted(rows, int(gained), int(lost)) for gained, lost, _ in drawn]
    passed = np.mean([pair.lower >= -MARGIN for pair in seen])
    return passed, np.mean([pair.upper < -MARGIN for pair in seen])


# Three standard errors of a share of 5 % over the replicates.
NOISE = 3 * math.sqrt(0.05 * 0.95 / REPLICATES)


@pytest.mark.parametrize("rows", [500, 2_000, 10_000])
@pytest.mark.parametrize("disagreement", [0.0101, 0.06])
def test_a_model_at_the_margin_passes_at_most_one_time_in_twenty(rows, disagreement):
    passed, failed = shares(-MARGIN, rows, disagreement)
    assert passed <= 0.05 + NOISE
    assert failed <= 0.05 + NOISE


@pytest.mark.parametrize("rows", [500, 2_000])
def test_a_model_twice_the_margin_worse_passes_hardly_ever(rows):
    assert shares(-2 * MARGIN, rows)[0] <= 0.02


def test_an_equal_model_passes_as_often_as_the_power_says_and_hardly_ever_fails():
    passed, failed = shares(0.0, 2_000)
    assert passed == pytest.approx(power_if_equal(counted(2_000, 60, 60), MARGIN), abs=0.05)
    assert failed <= 0.01


def test_the_rows_named_do_decide_four_times_in_five():
    needed = rows_needed(counted(1_000, 30, 30), MARGIN)
    assert needed is not None
    assert shares(0.0, needed)[0] == pytest.approx(0.8, abs=0.05)


def test_no_number_of_rows_decides_a_difference_that_is_the_margin():
    assert rows_needed(counted(1_000, 25, 35), MARGIN) is None


def test_rows_that_do_not_pair_up_are_an_error():
    with pytest.raises(ValueError, match="rows in pairs are needed, got 2 and 3"):
        paired_difference(np.ones(2), np.ones(3))
