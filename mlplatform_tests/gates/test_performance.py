import dataclasses

from mlplatform.gates.performance import performance
from mlplatform.model_measures import Opponent, PerformanceSeen, TrivialSeen
from mlplatform.spec.performance_gates import PerformanceGate
from mlplatform.statistics.compared import Compared, Interval
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")
POLICY = PerformanceGate(metrics={"accuracy": {"minimum": 0.8}})
LIVE = Opponent(digest="b" * 64)


def interval(observed=0.86, lower=0.84, upper=0.88):
    return Interval(rows=1000, observed=observed, lower=lower, upper=upper, method="exact")


def trivial(metric="accuracy", better=0.3, lower=0.28, upper=0.32):
    said = {"what": "the majority class", "baseline": 0.56}
    return TrivialSeen(metric=metric, better=better, lower=lower, upper=upper, **said)


def compared(lower=-0.005, upper=0.015, **more):
    said = {
        "metric": "accuracy",
        "rows": 1000,
        "candidate": 0.86,
        "champion": 0.855,
        "better": 0.005,
    }
    said |= {"margin": 0.01, "power_if_equal": 0.6, "rows_needed": 4000, "gained": 30, "lost": 25}
    return Compared(**said | {"lower": lower, "upper": upper} | more)


def seen(**more):
    said = {
        "rows": 1000,
        "unusable": 0,
        "metrics": {"accuracy": interval()},
        "trivial": [trivial()],
    }
    return PerformanceSeen(**said | more)


class TestPerformance(GateContract):
    """What was measured of the candidate."""

    gate, policy, limit = staticmethod(performance), POLICY, 0.8
    good, bad = (seen(),), (seen(metrics={"accuracy": interval(0.7, 0.65, 0.75)}),)
    missing = (
        (None,),
        (seen(rows=0),),
        (seen(unusable=1),),
        (seen(single="all 1,000 test rows are of one class"),),
        (seen(metrics={}),),
        (seen(metrics={"accuracy": interval(NAN, NAN, NAN)}),),
        (seen(metrics={"accuracy": interval(0.86, NAN, 0.9)}),),
        (seen(trivial=[]),),
        (seen(trivial=[trivial(better=NAN, lower=NAN, upper=NAN)]),),
        (seen(champion=LIVE),),
        (seen(champion=LIVE, compared=[compared(NAN, NAN, better=NAN)]),),
        (seen(champion=Opponent(digest="b" * 64, unscored="its artifact is gone")),),
    )


def test_a_floor_between_the_bounds_is_inconclusive_and_says_how_many_rows_would_decide():
    verdict = performance(seen(metrics={"accuracy": interval(0.82, 0.79, 0.85)}), POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == (
        "accuracy 0.82, 95 % bounds 0.79 and 0.85, at least 0.8; about 5,142 rows would decide"
    )
    assert (verdict.observed, verdict.limit, verdict.interval) == (0.82, 0.8, (0.79, 0.85))


def test_of_what_is_better_when_smaller_the_upper_bound_has_to_hold():
    policy = PerformanceGate(metrics={"rmse": {"maximum": 2.0}})

    def judged(*bounds):
        only = {"metrics": {"rmse": interval(*bounds)}, "trivial": [trivial("rmse")]}
        return performance(seen(**only), policy)

    assert judged(1.5, 1.2, 1.9).passed
    assert judged(2.5, 2.2, 2.9).outcome is Outcome.FAIL
    assert judged(1.9, 1.7, 2.1).outcome is Outcome.INCONCLUSIVE
    assert judged(1.5, 1.2, 1.9).limit == 2.0


def test_the_baseline_has_to_be_beaten_in_one_metric_and_the_others_are_named():
    worse = trivial("auc", -0.01, -0.02, -0.001)
    unclear = trivial("auc", 0.01, -0.02, 0.03)
    beaten = performance(seen(trivial=[trivial(), worse]), POLICY)
    assert beaten.passed
    assert "not shown to be in auc than the majority class (0.56)" in beaten.because
    assert performance(seen(trivial=[worse]), POLICY).outcome is Outcome.FAIL
    assert performance(seen(trivial=[worse, unclear]), POLICY).outcome is Outcome.INCONCLUSIVE


def test_the_champion_is_compared_by_every_metric_that_has_a_margin():
    policy = PerformanceGate(metrics={"accuracy": {}, "auc": {}, "f1": {"margin": None}})
    metrics = {name: interval() for name in policy.metrics}
    both = [compared(), compared(metric="auc")]
    assert performance(seen(metrics=metrics, champion=LIVE, compared=both), policy).passed
    lacking = performance(seen(metrics=metrics, champion=LIVE, compared=both[:1]), policy)
    assert lacking.outcome is Outcome.INCONCLUSIVE
    assert "auc was not compared with champion bbbbbbbbbbbb (margin 0.01)" in lacking.because
    worse = [compared(), compared(-0.05, -0.02, metric="auc")]
    verdict = performance(seen(metrics=metrics, champion=LIVE, compared=worse), policy)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("auc ")
    assert [row["outcome"] for row in verdict.evidence["compared"]] == ["pass", "fail"]


def test_a_metric_that_was_asked_for_and_not_measured_fails():
    policy = PerformanceGate(metrics={"accuracy": {"minimum": 0.8}, "f1": {"margin": None}})
    verdict = performance(seen(), policy)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == "f1 was not measured on 1,000 rows"


def test_an_empty_policy_judges_what_was_measured_and_has_no_limit_of_its_own():
    verdict = performance(seen(champion=LIVE, compared=[compared()]), PerformanceGate())
    assert verdict.passed
    assert (verdict.limit, verdict.observed, verdict.baseline) == (None, 0.86, 0.855)
    doubt = performance(seen(champion=LIVE, compared=[compared(-0.02)]), PerformanceGate())
    assert doubt.outcome is Outcome.INCONCLUSIVE
    assert "about 4,000 rows would decide" in doubt.because


def test_every_kind_of_baseline_has_to_be_beaten():
    last = dataclasses.replace(trivial(), kind="last_value", what="the last value")
    worse = dataclasses.replace(trivial(), better=-0.1, lower=-0.2, upper=-0.01)
    assert performance(seen(trivial=[trivial(), last]), POLICY).passed
    verdict = performance(seen(trivial=[worse, last]), POLICY)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == "no better in accuracy than the majority class (0.56)"


def test_what_no_row_defines_has_no_number_in_the_sentence():
    one = [dataclasses.replace(trivial(), baseline=NAN, better=NAN, lower=NAN, upper=NAN)]
    because = performance(seen(trivial=one), POLICY).because
    assert because == "not shown to be better in accuracy than the majority class on 1,000 rows"
    few = {"accuracy": dataclasses.replace(interval(), rows=1, lower=NAN)}
    assert "on 1 row;" in performance(seen(metrics=few), POLICY).because
