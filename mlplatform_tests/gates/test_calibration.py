from mlplatform.gates.calibration import calibration
from mlplatform.model_measures import CalibrationSeen
from mlplatform.spec.performance_gates import CalibrationGate
from mlplatform.statistics.compared import Interval
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")
POLICY = CalibrationGate(max_error=0.1)


def seen(observed=0.05, lower=0.02, upper=0.08, *, rows=1000, **more):
    error = Interval(rows=rows, observed=observed, lower=lower, upper=upper, method="bootstrap")
    said = {"what": "expected calibration error", "worst": "said 0.650, seen 0.480 on 90 rows"}
    return CalibrationSeen(error=error, **said | more)


class TestCalibration(GateContract):
    """The error with its bounds."""

    gate, policy, limit = staticmethod(calibration), POLICY, 0.1
    good, bad = (seen(),), (seen(0.2, 0.15, 0.25),)
    missing = (
        (None,),
        (seen(NAN, NAN, NAN),),
        (seen(0.05, 0.02, NAN),),
        (seen(NAN, NAN, NAN, rows=0),),
        (seen(unusable=3),),
        (seen(single="all 1,000 test rows are of one class"),),
    )


def test_an_error_over_the_limit_by_noise_does_not_fail():
    verdict = calibration(seen(0.12, 0.04, 0.14), POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "rows would decide" in verdict.because


def test_the_sentence_says_what_was_seen_and_where_it_is_worst():
    assert calibration(seen(), POLICY).because == (
        "expected calibration error 0.0500 on 1,000 rows, 95 % bounds 0.0200 and 0.0800, limit 0.1"
        " (said 0.650, seen 0.480 on 90 rows)"
    )


def test_answers_that_are_none_fail_and_one_class_is_inconclusive():
    assert calibration(seen(unusable=3), POLICY).outcome is Outcome.FAIL
    one = calibration(seen(single="all 9 test rows are of one class"), POLICY)
    assert one.outcome is Outcome.INCONCLUSIVE
    assert one.because.startswith("all 9 test rows are of one class, so nothing can be told")
