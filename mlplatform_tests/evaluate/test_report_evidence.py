"""Sections that show a gate's evidence: whatever is in it, and whatever is not."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.evaluate.charts_latency import histogram
from mlplatform.evaluate.charts_strip import WIDTH, Axis, strip
from mlplatform.evaluate.report import render
from mlplatform.evaluate.report_performance import in_margins, outcome_of_difference
from mlplatform.evaluate.report_slices import ranked
from mlplatform.verdict import Outcome, Verdict
from mlplatform_tests.evaluate.test_report import Page, cached, section, small

GATES = (
    "performance",
    "regression",
    "fairness",
    "behaviour",
    "latency",
    "throughput",
    "data_integrity",
)
LISTS = (
    "compared",
    "slices",
    "groups",
    "cases",
    "paths",
    "trivial",
    "ratios",
    "rates",
    "small",
    "increase",
)
KEYS = (*LISTS, "lower", "upper", "slice", "outcome")


def test_flips_margins_and_the_rows_it_would_need_are_told():
    said = section(render(cached("binary")), "champion")
    for words in (
        "204 gained, 180 lost",
        "needs 14,200 rows",
        "power 61%",
        "margin 0.01",
        "the majority class",
    ):
        assert words in said


def test_slices_stand_by_how_surely_they_are_weak():
    metric, rows = ranked(cached("binary"))
    assert metric == "accuracy"
    assert rows[0]["kind"] == "weak"
    whole = cached("binary").metrics["accuracy"]
    gap = [max(whole - row["upper"], 0.0) for row in rows]
    assert gap == sorted(gap, reverse=True)
    assert "▼ weaker" in section(render(cached("binary")), "slices")


def test_of_an_error_the_larger_is_the_weaker():
    metric, rows = ranked(cached("regression"))
    assert metric == "mae"
    assert rows[0]["lower"] > cached("regression").metrics["mae"]


def test_regression_names_the_slices_that_are_too_small():
    said = section(render(cached("binary")), "regression")
    assert "Too small to judge: race=Other (60 rows)" in said
    assert said.index("sex=Female & race=Black") < said.index("race=White")


def test_fairness_shows_gaps_against_limits_and_rates_with_intervals():
    said = section(render(cached("binary")), "fairness")
    for words in (
        "Equalized odds",
        "At least",
        "of 1,210 rows",
        "Female and Male",
        "+0.0040",
    ):
        assert words in said


def test_each_behaviour_case_says_what_failed_and_the_worst_example():
    said = section(render(cached("binary")), "behaviour")
    for words in (
        "252 of 2,000",
        "sex Male → Female moved the answer",
        "Could not be tried: behaviour.py, line 12",
    ):
        assert words in said


def test_latency_shows_both_paths_the_noise_floor_and_the_limit():
    said = section(render(cached("binary")), "latency")
    for words in (
        "The exported program",
        "The server, over HTTP",
        "± 9.0%",
        "limit 50 ms →",
        "Intel Xeon",
    ):
        assert words in said


def test_what_data_integrity_names_stands_beside_what_the_model_was_made_from():
    seen = {
        "missing": ["no lineage of features"],
        "forbidden": {"was_flagged": "tells the label"},
        "refused": [],
    }
    verdict = Verdict(gate="data_integrity", outcome=Outcome.FAIL, because="leaks", evidence=seen)
    said = section(render(small(verdicts=[verdict])), "provenance")
    assert "was_flagged: tells the label" in said
    assert "no lineage of features" in said


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    "left",
    [
        {},
        dict.fromkeys(LISTS),
        {name: [{}] for name in LISTS},
        dict.fromkeys(LISTS, 3),
    ],
)
def test_evidence_that_lacks_everything_leaves_the_page_whole(gate, left):
    verdict = Verdict(gate=gate, outcome=Outcome.FAIL, because="broken evidence", evidence=left)
    given_ = replace(cached("binary"), verdicts=[verdict])
    assert "broken evidence" in Page(render(given_)).text


json_like = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(GATES), st.dictionaries(st.sampled_from(LISTS), json_like))
def test_no_evidence_breaks_the_page(gate, evidence):
    page = render(
        small(verdicts=[Verdict(gate=gate, outcome=Outcome.FAIL, because="b", evidence=evidence)])
    )
    assert Page(page).open == []
    assert not re.search(r"\bnan\b", page.lower())


def row(better, lower, upper, margin):
    return {"better": better, "lower": lower, "upper": upper, "margin": margin}


def test_a_difference_is_told_by_its_bounds_and_not_by_itself():
    assert outcome_of_difference(row(0.0, -0.009, 0.1, 0.01)) is Outcome.PASS
    assert outcome_of_difference(row(-0.05, -0.1, -0.011, 0.01)) is Outcome.FAIL
    assert outcome_of_difference(row(0.02, -0.02, 0.06, 0.01)) is Outcome.INCONCLUSIVE
    assert outcome_of_difference(row(0.02, None, 0.06, 0.01)) is Outcome.INCONCLUSIVE
    assert outcome_of_difference(row(0.02, math.nan, 0.06, 0.01)) is Outcome.INCONCLUSIVE


def test_of_a_difference_the_gates_own_word_counts():
    assert outcome_of_difference({**row(0.0, -0.009, 0.1, 0.01), "outcome": "fail"}) is Outcome.FAIL
    assert (
        outcome_of_difference({**row(0.0, -0.009, 0.1, 0.01), "outcome": "?"})
        is Outcome.INCONCLUSIVE
    )


def test_differences_are_drawn_in_margins_and_without_one_in_their_own_reach():
    assert in_margins(row(0.01, -0.02, 0.03, 0.01)) == pytest.approx((1, -2, 3))
    assert in_margins(row(0.01, -0.02, 0.03, 0.0)) == pytest.approx((1 / 3, -2 / 3, 1))


numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=1, max_size=6), numbers)
def test_everything_is_within_the_axis_around_it(values, limit):
    axis = Axis.around(values, limit=limit)
    assert axis.low < axis.high
    assert all(axis.low <= value <= axis.high for value in [*values, limit])


@given(numbers, numbers, numbers)
def test_a_strip_stays_within_its_frame(value, lower, upper):
    low, high = sorted((lower, upper))
    drawn = strip(Axis.around([value, low, high], limit=0.0), value, (low, high))
    places = [float(v) for name, v in Page(drawn).attributes if name in {"x1", "x2", "cx"} and v]
    assert all(-0.01 <= place <= WIDTH + 0.01 for place in places)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_has_a_shape_of_its_own(outcome):
    drawn = strip(Axis(0.0, 1.0), 0.5, outcome=outcome)
    shape = {Outcome.FAIL: "<path", Outcome.INCONCLUSIVE: 'fill="#fff"', Outcome.PASS: "<circle"}
    assert shape[outcome] in drawn
    assert ("<circle" in drawn) == (outcome is not Outcome.FAIL)


@given(
    st.lists(st.floats(0.01, 1e4), min_size=2, max_size=12, unique=True),
    st.none() | st.floats(0.01, 1e5),
)
def test_a_histogram_is_drawn_of_any_times(edges, limit):
    rising = sorted(edges)
    drawn = histogram(
        "server", rising, [1] * (len(rising) - 1), marks=[("p50", rising[0])], limit=limit
    )
    assert "nan" not in drawn
    assert (f"limit {limit:g} ms" in drawn) if limit is not None else "limit" not in drawn
