import dataclasses

from mlplatform.gates.fairness import fairness
from mlplatform.model_measures import FairnessSeen, GapSeen, Opponent
from mlplatform.spec.performance_gates import FairnessGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")
POLICY = FairnessGate(max_increase=0.05, max_accuracy_gap=0.1, max_equalized_odds=None)
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


CHAMPION = Opponent(digest="b" * 64)


def grown(*increase, policy=POLICY, **more):
    found = gap(increase=increase or None, **more)
    return fairness(seen(found, champion=CHAMPION), ["sex"], policy)


def test_an_increase_over_the_champion_has_three_answers_and_each_names_it():
    failed = grown(0.09, 0.06, 0.12)
    assert failed.outcome is Outcome.FAIL
    said = "+0.090 against champion bbbbbbbbbbbb, 95 % bounds +0.060 and +0.120, at most 0.05"
    assert said in failed.because
    open_ = grown(0.07, 0.01, 0.12)
    assert open_.outcome is Outcome.INCONCLUSIVE
    assert "+0.070 against champion bbbbbbbbbbbb" in open_.because
    assert "at most 0.05; about 20,567 rows would decide" in open_.because
    passed = grown(0.01, -0.02, 0.04)
    assert passed.passed
    assert "+0.010 against champion bbbbbbbbbbbb" in passed.because
    assert passed.evidence["groups"][0]["increase"] == [0.01, -0.02, 0.04]
    off = POLICY.model_copy(update={"max_increase": None})
    assert grown(0.09, 0.06, 0.12, policy=off).passed


def test_an_increase_that_is_not_known_is_no_pass():
    for increase in ((), (NAN, NAN, NAN), (0.01, -0.02, NAN)):
        verdict = grown(*increase)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "cannot compare with champion bbbbbbbbbbbb" in verdict.because
        assert "mlplatform gate override" in verdict.because


def test_a_failed_gap_stays_failed_whatever_the_champion_is_like():
    verdict = grown(-0.1, -0.2, 0.3, observed=0.3, lower=0.2, upper=0.4)
    assert verdict.outcome is Outcome.FAIL


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


def test_of_many_small_groups_five_are_named_and_the_others_counted():
    many = {f"g{n}": n % 40 for n in range(3000)}
    verdict = fairness(seen(gap(small=many)), ["sex"], POLICY)
    assert "too few rows to judge: g1039 with 39, " in verdict.because
    assert "and 2,995 more" in verdict.because
    assert len(verdict.because) < 400
    assert len(verdict.evidence["small"]["sex"]) == 3000


def test_of_many_gaps_that_decide_five_are_told_and_all_are_in_the_evidence():
    columns = [f"c{n}" for n in range(30)]
    gaps = [dataclasses.replace(gap(0.3, 0.2, 0.4), column=name) for name in columns]
    off = POLICY.model_copy(update={"intersections": None})
    verdict = fairness(seen(*gaps), columns, off)
    assert verdict.because.startswith("c0: accuracy gap 0.300")
    assert verdict.because.endswith("; and 25 gaps more")
    assert len(verdict.evidence["findings"]) == 30


def test_limits_that_are_never_judged_are_not_quoted():
    nothing = seen(task="multiclass", single="all 1,000 test rows are of one class")
    verdict = fairness(nothing, ["sex"], FairnessGate())
    assert "the limit is 0.1 of accuracy gap" in verdict.because
    assert "equalized" not in verdict.because
    numbers = fairness(seen(task="regression"), ["sex"], FairnessGate())
    assert numbers.outcome is Outcome.INCONCLUSIVE
    assert "0 gaps have a limit" in numbers.because


def test_a_ratio_of_errors_is_judged_like_a_gap():
    policy = FairnessGate(max_error_ratio=1.5)

    def ratio(*bounds):
        found = gap(*bounds, criterion="error_ratio")
        return fairness(seen(found, task="regression"), ["sex"], policy)

    assert ratio(1.2, 1.1, 1.3).passed
    assert ratio(1.8, 1.6, 2.3).outcome is Outcome.FAIL
    assert ratio(1.4, 1.2, 1.6).outcome is Outcome.INCONCLUSIVE
    assert "a group has no error" in ratio(None, None, None).because


def test_intersections_are_judged_by_limits_of_their_own_and_missed_where_they_were_not_measured():
    columns = [gap(), dataclasses.replace(gap(), column="race")]
    missing = fairness(seen(*columns), ["sex", "race"], POLICY)
    assert missing.outcome is Outcome.FAIL
    assert "sex & race: no gap was measured; the limit is 0.1 of accuracy gap" in missing.because
    both = dataclasses.replace(gap(0.12, 0.05, 0.15), column="sex & race")
    measured = seen(*columns, both)
    assert fairness(measured, ["sex", "race"], POLICY).outcome is Outcome.INCONCLUSIVE
    wider = FairnessGate(
        max_accuracy_gap=0.1, max_equalized_odds=None, intersections={"max_accuracy_gap": 0.15}
    )
    assert fairness(measured, ["sex", "race"], wider).passed
    off = POLICY.model_copy(update={"intersections": None})
    assert fairness(seen(*columns), ["sex", "race"], off).passed


def test_the_worst_column_is_shown_and_every_gap_is_in_the_evidence():
    race = dataclasses.replace(gap(0.09, 0.07, 0.1), column="race")
    alone = POLICY.model_copy(update={"intersections": None})
    verdict = fairness(seen(gap(), race), ["sex", "race"], alone)
    assert verdict.passed
    assert verdict.observed == 0.09
    assert [row["column"] for row in verdict.evidence["groups"]] == ["sex", "race"]
    assert {row["outcome"] for row in verdict.evidence["groups"]} == {"pass"}
