import dataclasses

from mlplatform.gates.fairness import fairness
from mlplatform.model_measures import FairnessSeen, GapSeen, Opponent
from mlplatform.spec.performance_gates import FairnessGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")
POLICY = FairnessGate(max_accuracy_gap=0.1, max_equalized_odds=None)
RATES = {"Female": {"accuracy": 0.8, "accuracy_rows": 500}, "Male": {"accuracy": 0.9}}
IMPACT = FairnessGate(max_accuracy_gap=None, max_equalized_odds=None, min_disparate_impact=0.8)


def gap(observed=0.05, lower=0.03, upper=0.08, **more):
    about = {"column": "sex", "criterion": "accuracy_gap", "rates": RATES}
    worst = "accuracy 0.800 for Female, 0.900 for Male"
    return GapSeen(observed=observed, lower=lower, upper=upper, **{**about, "worst": worst} | more)


def seen(*gaps, **more):
    return FairnessSeen(**{"rows": 1000, "unusable": 0, "gaps": gaps} | more)


class TestFairness(GateContract):
    """Gaps with bounds, and the columns to judge."""

    gate, policy, limit = staticmethod(fairness), POLICY, 0.1
    good = (seen(gap()), ["sex"])
    bad = (seen(gap(0.2, 0.15, 0.3)), ["sex"])
    missing = (
        (None, ["sex"]),
        (seen(gap()), []),
        (seen(), ["sex"]),
        (seen(gap()), ["sex", "race"]),
        (seen(gap(), rows=0), ["sex"]),
        (seen(gap(), unusable=3), ["sex"]),
        (seen(gap(), single="all 1,000 test rows are of one class"), ["sex"]),
        (seen(gap(None, None, None)), ["sex"]),
        (seen(gap(NAN, NAN, NAN)), ["sex"]),
        (seen(gap(0.05, 0.03, NAN)), ["sex"]),
        (seen(gap(), champion=Opponent(digest="b" * 64, unscored="its artifact is gone")), ["sex"]),
    )


def test_bounds_on_both_sides_of_the_limit_are_inconclusive_and_say_how_many_rows_would_decide():
    verdict = fairness(seen(gap(0.08, 0.04, 0.12)), ["sex"], POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == (
        "sex: accuracy gap 0.080, 95 % bounds 0.040 and 0.120, limit 0.1 (accuracy 0.800 for Female, 0.900 for"
        " Male); about 9,141 rows would decide"
    )
    assert (verdict.observed, verdict.interval) == (0.08, (0.04, 0.12))


def test_a_gap_over_the_limit_by_luck_does_not_fail():
    assert fairness(seen(gap(0.12, 0.02, 0.2)), ["sex"], POLICY).outcome is Outcome.INCONCLUSIVE


def test_a_ratio_is_better_when_larger():
    def impact(*bounds):
        found = gap(*bounds, criterion="disparate_impact")
        return fairness(seen(found), ["sex"], IMPACT).outcome

    assert impact(0.9, 0.85, 0.95) is Outcome.PASS
    assert impact(0.7, 0.6, 0.75) is Outcome.FAIL
    assert impact(0.82, 0.75, 0.9) is Outcome.INCONCLUSIVE


def test_nobody_selected_is_inconclusive_and_says_so():
    found = gap(None, None, None, criterion="disparate_impact")
    verdict = fairness(seen(found), ["sex"], IMPACT)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "no row is selected" in verdict.because


def test_small_groups_are_named_in_the_sentence_and_the_evidence():
    verdict = fairness(seen(gap(small={"Other": 12})), ["sex"], POLICY)
    assert verdict.passed
    assert "too few rows to judge: Other with 12" in verdict.because
    assert verdict.evidence["small"] == {"sex": {"Other": 12}}
    alone = fairness(seen(gap(None, None, None, small={"Male": 12})), ["sex"], POLICY)
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert "2 groups with 50+ rows of each rate are needed" in alone.because


def test_a_gap_shown_to_exceed_the_champions_fails_though_it_holds_its_limit():
    grown = fairness(seen(gap(increase=(0.09, 0.06, 0.12))), ["sex"], POLICY)
    assert grown.outcome is Outcome.FAIL
    assert "+0.090 against the champion, at least +0.060, where 0.05 is the most" in grown.because
    assert fairness(seen(gap(increase=(0.09, 0.04, 0.12))), ["sex"], POLICY).passed
    off = POLICY.model_copy(update={"max_increase": None})
    assert fairness(seen(gap(increase=(0.09, 0.06, 0.12))), ["sex"], off).passed


def test_a_champion_without_answers_is_inconclusive_and_names_the_way_out():
    champion = Opponent(digest="b" * 64, unscored="its artifact is gone")
    verdict = fairness(seen(gap(), champion=champion), ["sex"], POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "champion bbbbbbbbbbbb (margin 0.05): its artifact is gone" in verdict.because
    assert "mlplatform gate override" in verdict.because
    off = POLICY.model_copy(update={"max_increase": None})
    assert fairness(seen(gap(), champion=champion), ["sex"], off).passed


def test_no_limit_at_all_is_no_pass():
    off = POLICY.model_copy(update={"max_accuracy_gap": None})
    verdict = fairness(seen(), ["sex"], off)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.limit is None


def test_the_worst_column_is_shown_and_every_gap_is_in_the_evidence():
    race = dataclasses.replace(gap(0.09, 0.07, 0.1), column="race")
    verdict = fairness(seen(gap(), race), ["sex", "race"], POLICY)
    assert verdict.passed
    assert verdict.observed == 0.09
    assert [row["column"] for row in verdict.evidence["groups"]] == ["sex", "race"]
    assert {row["outcome"] for row in verdict.evidence["groups"]} == {"pass"}
