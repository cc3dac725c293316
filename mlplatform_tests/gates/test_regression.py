import dataclasses

from mlplatform.gates.regression import regression
from mlplatform.model_measures import Opponent, RegressionSeen, SliceCompared
from mlplatform.spec.performance_gates import RegressionGate
from mlplatform.statistics.compared import Compared
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")
LIVE, POLICY = Opponent(digest="b" * 64), RegressionGate(margin=0.02)


def part(name="all", better=0.001, lower=-0.03, upper=0.04, **more):
    said = {"metric": "accuracy", "rows": 500, "candidate": 0.9, "champion": 0.9, "margin": 0.02}
    said |= {"better": better, "lower": lower, "upper": upper, "gained": 9, "lost": 8}
    said |= {"power_if_equal": 0.5, "rows_needed": None}
    return SliceCompared(slice=name, rows=500, compared=Compared(**said | more))


def seen(*slices, **more):
    return RegressionSeen(**{"champion": LIVE, "slices": slices, "rows": 1000} | more)


class TestRegression(GateContract):
    """Candidate against champion on each slice."""

    gate, policy, limit = staticmethod(regression), POLICY, -0.02
    good = (seen(part(), part("sex=Female", -0.01, -0.05, 0.02), small={"sex=Other": 3}),)
    bad = (seen(part(), part("sex=Female", -0.08, -0.12, -0.03)),)
    missing = (
        (None,),
        (seen(),),
        (seen(part(), rows=0),),
        (seen(part(), unusable=2),),
        (seen(part(), single="all 1,000 test rows are of one class"),),
        (seen(part(better=NAN, lower=NAN, upper=NAN)),),
        (seen(part(), champion=Opponent(digest="b" * 64, unscored="its artifact is gone")),),
    )


def test_a_drop_beyond_the_margin_that_is_not_shown_passes_and_says_what_could_hide():
    verdict = regression(*TestRegression.good, POLICY)
    assert verdict.passed
    assert verdict.because == (
        "none of 2 slices is shown to be worse by more than 0.02 against champion bbbbbbbbbbbb; the largest drop"
        " that these rows could hide is 0.0500 of accuracy, of sex=Female with 500 rows; slices too small to"
        " judge: 1"
    )
    assert (verdict.observed, verdict.interval) == (-0.01, (-0.05, 0.02))


def test_every_slice_is_in_the_evidence_with_its_outcome():
    evidence = regression(*TestRegression.bad, POLICY).evidence
    assert [(row["slice"], row["outcome"]) for row in evidence["slices"]] == [
        ("all", "pass"),
        ("sex=Female", "fail"),
    ]
    assert evidence["champion"] == "b" * 64


def test_a_slice_that_nothing_bounds_is_no_pass():
    verdict = regression(seen(part(), part("sex=Other", NAN, NAN, NAN)), POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert (
        "sex=Other: accuracy on 500 rows against champion bbbbbbbbbbbb cannot be bounded"
        in verdict.because
    )


def test_errors_of_numbers_are_told_as_a_share_of_the_champions():
    worse = part("all", -0.08, -0.12, -0.03, metric="rmse", relative=True, gained=None, lost=None)
    assert "all: rmse on 500 rows against champion bbbbbbbbbbbb -8.00%, at best -3.00%" in (
        regression(seen(worse), POLICY).because
    )


def test_a_first_model_passes():
    first = dataclasses.replace(seen(), champion=None)
    assert regression(first, POLICY).passed


def test_a_slice_that_looks_worse_than_the_margin_by_luck_does_not_fail():
    assert regression(seen(part(), part("sex=Female", -0.04, -0.09, 0.01)), POLICY).passed


def test_rows_that_could_hide_nearly_anything_are_inconclusive():
    for lower, outcome in ((-0.45, Outcome.INCONCLUSIVE), (-0.09, Outcome.PASS)):
        verdict = regression(seen(part(lower=lower, upper=0.9)), POLICY)
        assert verdict.outcome is outcome
    few = dataclasses.replace(part(lower=-0.8, upper=0.9), rows=2)
    assert regression(seen(few), POLICY).because == (
        "all: 2 rows against champion bbbbbbbbbbbb could hide a drop of 0.8000 of accuracy, more than 0.1000"
        " (margin 0.02); more rows are needed"
    )
    share = part(lower=-0.8, upper=0.9, metric="rmse", relative=True)
    assert "a drop of 80.00% of rmse, more than 10.00%" in regression(seen(share), POLICY).because
    wide = RegressionGate(margin=0.2)
    assert regression(seen(part(lower=-0.35, upper=0.9, margin=0.2)), wide).passed
    assert regression(seen(part(), part("sex=Female", lower=-0.45)), POLICY).passed


def test_a_model_that_is_shown_to_be_better_hides_no_drop():
    verdict = regression(seen(part(better=0.85, lower=0.8, upper=0.9)), POLICY)
    assert verdict.because == (
        "all is not shown to be worse by more than 0.02 against champion bbbbbbbbbbbb; these rows could hide no drop"
    )


def test_a_single_row_is_no_plural():
    one = dataclasses.replace(part(lower=NAN, upper=NAN, better=NAN), rows=1)
    assert "on 1 row against" in regression(seen(one), POLICY).because
