"""The decision at its edges, and the line that a person reads."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.non_inferiority import in_words, non_inferiority
from mlplatform.statistics.compared import Compared
from mlplatform.verdict import Outcome

SEEN = Compared(
    metric="accuracy",
    rows=2_000,
    candidate=0.85,
    champion=0.852,
    better=-0.002,
    lower=-0.0085,
    upper=0.0045,
    margin=0.01,
    power_if_equal=0.57,
    rows_needed=None,
    gained=28,
    lost=32,
)
NAN = float("nan")
NONE = replace(SEEN, better=NAN, lower=NAN, upper=NAN, power_if_equal=None)


@pytest.mark.parametrize(
    ("lower", "upper", "outcome"),
    [
        (-0.01, 0.02, Outcome.PASS),
        (-0.0101, 0.02, Outcome.INCONCLUSIVE),
        (-0.03, -0.01, Outcome.INCONCLUSIVE),
        (-0.03, -0.0101, Outcome.FAIL),
        (NAN, NAN, Outcome.INCONCLUSIVE),
        (NAN, -0.02, Outcome.FAIL),
        (-math.inf, math.inf, Outcome.INCONCLUSIVE),
    ],
)
def test_the_bounds_decide_and_not_the_difference(lower, upper, outcome):
    assert non_inferiority(replace(SEEN, lower=lower, upper=upper)) is outcome


@given(st.floats(), st.floats(), st.floats(0, 1))
def test_only_a_bound_that_is_a_number_within_the_margin_passes(lower, upper, margin):
    outcome = non_inferiority(replace(SEEN, lower=lower, upper=upper, margin=margin))
    assert (outcome is Outcome.PASS) == (lower >= -margin)


def test_a_pass_is_said_with_its_bounds_margin_rows_and_flips():
    assert in_words(SEEN, "champion 3f2a9c") == (
        "accuracy -0.0020 against champion 3f2a9c on 2,000 rows, bounds -0.0085 and +0.0045, margin 0.0100, "
        "28 rows gained and 32 lost"
    )


def test_an_open_comparison_names_the_rows_that_would_decide_and_its_power():
    open_one = replace(SEEN, lower=-0.0121, rows_needed=4_120)
    assert in_words(open_one, "it").endswith(
        "; an equal model passes 57% of the time; about 4,120 rows would decide"
    )
    assert "no number of rows decides" in in_words(replace(open_one, rows_needed=None), "it")


def test_a_share_is_said_in_percent_and_flips_only_where_they_exist():
    said = in_words(replace(SEEN, metric="rmse", relative=True, gained=None, lost=None), "it")
    assert said.startswith("rmse -0.20 % against it")
    assert "gained" not in said


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(NONE, candidate=NAN, champion=NAN), "answers that are no numbers"),
        (replace(NONE, rows=1), r"on 1 row, .*more rows are needed"),
        (NONE, "labels of a single class"),
    ],
)
def test_what_cannot_be_compared_says_why(seen, why):
    assert non_inferiority(seen) is Outcome.INCONCLUSIVE
    assert re.search(why, in_words(seen, "champion 3f2a9c"))
