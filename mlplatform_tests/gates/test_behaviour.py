"""Cases become a verdict: bounds decide samples, counts decide the rest, and what was not tried fails."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.behaviour import behaviour
from mlplatform.model_measures import BehaviourSeen, CaseSeen
from mlplatform.spec.trust_gates import BehaviourGate
from mlplatform.statistics.share_limit import one_sided
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Inconclusive, Outcome

POLICY = BehaviourGate(max_flips=0.1)


def case(failed, tried=2000, max_share=0.1, **more):
    bounds = one_sided(failed, tried) if tried and 0 <= failed <= tried else (0.0, 1.0)
    given = {"name": "sex set", "kind": "invariance", "lower": bounds[0], "upper": bounds[1]}
    return CaseSeen(**{**given, "tried": tried, "failed": failed, "max_share": max_share, **more})


def judged(*cases, policy=POLICY):
    return behaviour(BehaviourSeen(cases=cases), policy)


def exact(failed, tried, max_share=0.0, kind="minimum"):
    share = failed / tried
    return case(failed, tried, max_share, kind=kind, name="plain", lower=share, upper=share)


class TestBehaviour(GateContract):
    """Shares of 2,000 rows."""

    gate = staticmethod(behaviour)
    policy, limit = POLICY, 0.1
    good = (BehaviourSeen(cases=(case(100), case(0))),)
    bad = (BehaviourSeen(cases=(case(100), case(600, worst="sex f → m: 0.1 → 0.9"))),)
    missing = (
        (None,),
        (BehaviourSeen(cases=()),),
        (BehaviourSeen(cases=(case(0, 0),)),),
        (BehaviourSeen(cases=(case(0, 0, error="answers are NaN"),)),),
        (BehaviourSeen(cases=(case(3, 2),)),),
        (BehaviourSeen(cases=(case(1, lower=math.nan, upper=math.nan),)),),
    )


@given(st.integers(0, 300), st.integers(1, 300), st.sampled_from([0.05, 0.1, 0.5, 1.0]))
def test_of_a_sample_only_a_bound_on_the_right_side_decides(failed, tried, limit):
    failed = min(failed, tried)
    seen = case(failed, tried, limit)
    outcome = judged(seen).outcome
    assert (outcome is Outcome.PASS) == (seen.upper <= limit)
    assert (outcome is Outcome.FAIL) == (seen.lower > limit)


def test_too_few_rows_say_how_many_decide_and_how_often_these_do():
    verdict = judged(case(8, 100))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    (said,) = verdict.evidence["cases"]
    assert said["rows_needed"] > 1000
    assert 0 < said["power"] < 0.5
    assert f"about {said['rows_needed']:,} rows are needed" in verdict.because
    assert f"100 decide {said['power']:.0%} of the time" in verdict.because


def test_what_a_tie_does_is_policy():
    policy = BehaviourGate(inconclusive=Inconclusive.WARN)
    assert judged(case(8, 100)).stops
    assert not judged(case(8, 100), policy=policy).stops


def test_a_case_that_allows_none_passes_when_enough_rows_show_none():
    """No number of rows bounds a share by 0: those tried have to do."""
    assert judged(case(0, 30, 0.0)).outcome is Outcome.PASS
    assert judged(case(0, 29, 0.0)).outcome is Outcome.INCONCLUSIVE
    assert judged(case(1, 100_000, 0.0)).outcome is Outcome.FAIL


@pytest.mark.parametrize("kind", ["minimum", "function"])
def test_what_is_no_sample_is_counted(kind):
    assert judged(exact(0, 1, kind=kind)).outcome is Outcome.PASS
    assert judged(exact(1, 2, kind=kind)).outcome is Outcome.FAIL
    assert judged(exact(1, 10, 0.1, kind=kind)).outcome is Outcome.PASS


def test_one_case_that_fails_fails_all_and_is_told_with_its_example():
    bad = case(600, worst="sex f → m: probability of 'yes' 0.1 → 0.9, which has to stay the same")
    verdict = judged(case(100), exact(0, 2), bad)
    assert verdict.outcome is Outcome.FAIL
    assert (verdict.observed, verdict.limit) == (0.3, 0.1)
    assert verdict.interval == (bad.lower, bad.upper)
    assert verdict.because.startswith(
        "1 of 3 cases fail: 'sex set' (invariance): 600 of 2,000 fail"
    )
    assert verdict.because.endswith(f"such as {bad.worst}")
    assert [said["outcome"] for said in verdict.evidence["cases"]] == ["pass", "pass", "fail"]


def test_a_case_that_could_not_be_tried_outweighs_all_that_failed():
    untried = case(0, 0, error="the test rows have no column 'name'")
    verdict = judged(case(2000), untried)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.observed is None
    assert "could not be tried (0 rows, 10.00% allowed): the test rows have no" in verdict.because
    assert verdict.evidence["cases"][1]["error"] == untried.error


def test_the_sentence_names_three_of_many_and_the_evidence_has_them_all():
    verdict = judged(*(dataclasses.replace(case(600), name=f"case {i}") for i in range(5)))
    assert verdict.because.count("(invariance)") == 3
    assert verdict.because.endswith("; and 2 more")
    assert len(verdict.evidence["cases"]) == 5


def test_all_cases_that_hold_are_told_by_the_one_nearest_to_its_limit():
    verdict = judged(case(0, max_share=0.0), case(100, name="nearest"), case(20, max_share=0.5))
    assert verdict.outcome is Outcome.PASS
    assert verdict.because.startswith("all 3 cases hold; nearest to its limit: 'nearest'")


def nothing(name="race set"):
    return case(0, 0, name=name, inapplicable="none of 9 rows tried has another value of it")


def test_what_the_rows_give_nothing_to_try_for_counts_neither_way_and_is_said():
    verdict = judged(nothing(), case(100))
    assert verdict.outcome is Outcome.PASS
    assert verdict.because.startswith("all 1 cases hold")
    assert verdict.because.endswith(
        "; 'race set' does not apply (0 rows, 10.00% allowed): none of 9 rows tried has another value of it"
    )
    assert verdict.evidence["cases"][0]["worst"].startswith("does not apply")
    assert judged(nothing(), case(600)).outcome is Outcome.FAIL


def test_where_nothing_can_be_tried_nothing_is_known():
    verdict = judged(nothing(), nothing("sex set"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "2 of 2 cases are undecided: 'race set' (invariance): does not apply" in verdict.because


@pytest.mark.parametrize("more", [{"error": "answers are NaN"}, {"tried": 3, "failed": 3}])
def test_a_case_that_was_tried_or_broke_is_not_left_out(more):
    seen = dataclasses.replace(nothing(), **more)
    assert judged(seen, case(100)).outcome is not Outcome.PASS
