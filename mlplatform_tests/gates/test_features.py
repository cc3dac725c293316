"""Gates on features: what was known when, what tells the answer, and skew."""

import pytest

from mlplatform.gates.features import (
    PLATFORM_ULPS,
    availability,
    feature_leakage,
    request_skew,
    training_serving_skew,
)
from mlplatform.measures import (
    AvailabilitySeen,
    FeatureLeakSeen,
    MissingSeen,
    ParitySeen,
    RequestsSeen,
    ShiftSeen,
)
from mlplatform.spec.feature_gates import (
    AvailabilityGate,
    FeatureLeakageGate,
    RequestSkewGate,
    SkewGate,
)
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN = float("nan")


def known(**what):
    """A column of 10,000 values, none known late."""
    clean = {"feature": "delay", "column": "dep_delay", "found_by": "known_at"}
    return AvailabilitySeen(**{**clean, "rows": 10_000, "late": 0, **what})


def leak(**what):
    """A feature that says little about the label."""
    clean = {"feature": "delay", "rows": 10_000, "auc": 0.7, "information": 0.1, "given_away": 0.2}
    return FeatureLeakSeen(**{**clean, **what})


def along(path, **what):
    """A path along which a thousand rows of five features came out the same."""
    clean = {"rows": 1_000, "values": 5_000, "different": 0}
    clean["ulps"] = None if path == "batch" else 3
    return ParitySeen(path=path, **{**clean, **what})


def both(*more, **of_server):
    """What is compared of every model, the server changed by keywords."""
    return [along("batch"), along("server", **of_server), *more]


def served(**what):
    """A thousand requests that look like the training rows."""
    clean = {
        "requests": 1_000,
        "shifts": [shift()],
        "missing": [missing()],
    }
    return RequestsSeen(**{**clean, **what})


def shift(**what):
    """A number that has not moved."""
    clean = {"psi": 0.01, "expected_psi": 0.01, "ks": 0.02, "ks_p": 0.9}
    return ShiftSeen(**{"column": "age", "rows": 1_000, "reference_rows": 50_000, **clean, **what})


def missing(**what):
    """A column with 1 % of its values missing, as in the training rows."""
    clean = {"rows": 1_000, "missing": 10, "reference_rows": 50_000, "reference_missing": 500}
    return MissingSeen(**{"column": "age", **clean, **what})


class TestAvailability(GateContract):
    """Values that became known too late."""

    gate, policy, limit = staticmethod(availability), AvailabilityGate(max_late_share=0.01), 0.01
    good = ([known(late=100)],)
    bad = ([known(late=101)],)
    missing = ((None,), ([],))


class TestFeatureLeakage(GateContract):
    """Features that know the answer."""

    gate, policy, limit = staticmethod(feature_leakage), FeatureLeakageGate(max_auc=0.9), 0.9
    good = ([leak(auc=0.9)],)
    bad = ([leak(auc=0.91)],)
    missing = ((None,), ([],), ([leak(auc=None)],), ([leak(auc=NAN)],))


class TestTrainingServingSkew(GateContract):
    """The same rows along several paths."""

    gate, policy, limit = staticmethod(training_serving_skew), SkewGate(max_ulps=8), 8
    good = (both(ulps=8),)
    bad = (both(ulps=9),)
    missing = (
        (None,),
        ([],),
        ([along("batch")],),
        ([along("server")],),
        (both(rows=0),),
        (both(values=0),),
        (both(ulps=None),),
    )


class TestRequestSkew(GateContract):
    """Requests beside training rows."""

    gate, policy, limit = staticmethod(request_skew), RequestSkewGate(max_psi=0.25), 0.25
    good = (served(shifts=[shift(psi=0.26)]),)
    bad = (served(shifts=[shift(psi=0.27)]),)
    missing = (
        (None,),
        (served(shifts=[], missing=[]),),
        (served(shifts=[shift(psi=None)]),),
        (served(shifts=[shift(psi=NAN)]),),
    )


def test_a_column_declared_to_be_known_later_fails_however_many_rows_may_be_late():
    seen = [known(found_by="declared", late=1, worst="known when it landed")]
    verdict = availability(seen, AvailabilityGate(max_late_share=1.0))
    assert verdict.outcome is Outcome.FAIL
    assert "feature delay of dep_delay is known only after the event" in verdict.because
    assert "(known when it landed)" in verdict.because


def test_one_value_that_differs_from_its_recount_fails():
    seen = [known(found_by="recount", rows=200, late=1)]
    verdict = availability(seen, AvailabilityGate(max_late_share=1.0))
    assert verdict.outcome is Outcome.FAIL
    assert "1 of 200 values differ from a recount" in verdict.because


def test_an_aggregate_of_which_nothing_was_recounted_fails():
    assert not availability([known(found_by="recount", rows=0)], AvailabilityGate()).passed


def test_a_column_without_a_value_is_not_late():
    assert availability([known(rows=0)], AvailabilityGate()).passed


def test_rows_that_were_late_are_shown_with_feature_and_column():
    row = {"source_file": "a.csv", "source_line": 7}
    verdict = availability([known(late=1, examples=[row])], AvailabilityGate())
    assert verdict.evidence["examples"] == [{"feature": "delay", "column": "dep_delay", **row}]


def test_a_feature_that_tells_most_of_the_label_fails_unless_it_is_allowed():
    seen = [leak(information=0.71, worst="of 9 rows with 1, 100% are late"), leak(feature="age")]
    verdict = feature_leakage(seen, FeatureLeakageGate())
    assert not verdict.passed
    assert "delay alone tells 0.710 of the label's entropy, limit 0.7 (of 9 rows" in verdict.because
    allowed = feature_leakage(seen, FeatureLeakageGate(allow={"delay": "known at the gate"}))
    assert allowed.passed
    assert allowed.evidence["allowed"] == {"delay": "known at the gate"}


def test_a_feature_whose_values_give_away_rows_of_the_rarer_class_fails_beyond_the_limit():
    assert feature_leakage([leak(given_away=0.3)], FeatureLeakageGate()).passed
    given = leak(
        given_away=0.31, given="of 900 rows whose flag is yes, 97.0% are late, of all 5.0%"
    )
    verdict = feature_leakage([given], FeatureLeakageGate())
    assert verdict.outcome is Outcome.FAIL
    assert (
        "single values of delay give away 31.0% of the rarer class's rows, limit 30% "
        "(of 900 rows whose flag is yes, 97.0% are late, of all 5.0%)" in verdict.because
    )
    assert feature_leakage([given], FeatureLeakageGate(allow={"delay": "a test"})).passed


@pytest.mark.parametrize("nothing", [None, NAN])
def test_a_feature_of_which_nobody_counted_what_it_gives_away_fails(nothing):
    verdict = feature_leakage([leak(given_away=nothing)], FeatureLeakageGate())
    assert verdict.outcome is Outcome.FAIL
    assert "give away (not measured) of the rarer class's rows, limit 30%" in verdict.because


@pytest.mark.parametrize("path", ["batch", "server"])
def test_a_single_value_with_other_bits_fails_and_is_named(path):
    broken = along(
        path, different=1, features={"age__scaled": 1}, worst="row 7: age__scaled 1 not 2"
    )
    verdict = training_serving_skew(
        [broken, *(each for each in both() if each.path != path)], SkewGate(max_ulps=2**31)
    )
    assert verdict.outcome is Outcome.FAIL
    assert f"{path}: 1 of 5,000 feature values" in verdict.because
    assert "(age__scaled 1); row 7: age__scaled 1 not 2" in verdict.because


def test_features_may_differ_between_platforms_and_predictions_within_a_bound():
    gpu = along("cuda", different=40, ulps=PLATFORM_ULPS)
    assert training_serving_skew(both(gpu), SkewGate()).passed
    far = training_serving_skew(both(along("cuda", ulps=PLATFORM_ULPS + 1)), SkewGate())
    assert "cuda: predictions of a row lie up to 1,025 ulps apart, limit 1,024" in far.because
    assert not far.passed


def test_few_requests_pass_and_the_verdict_says_how_few():
    verdict = request_skew(RequestsSeen(requests=499), RequestSkewGate(min_requests=500))
    assert verdict.passed
    assert "nothing was compared: 499 requests are logged, and 500 are needed" in verdict.because


def test_enough_requests_of_which_nothing_was_compared_are_no_pass():
    verdict = request_skew(RequestsSeen(requests=500), RequestSkewGate(min_requests=500))
    assert verdict.outcome is Outcome.FAIL
    assert "no column of 500 requests was compared" in verdict.because


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        ({"shifts": [shift(ks=0.3, ks_p=1e-9)]}, "age: KS distance 0.3, limit 0.2"),
        ({"missing": [missing(missing=150)]}, "age misses 15.00% of the requests, 1.00%"),
        ({"missing": [missing(rows=0)]}, "age: missing values were not counted"),
    ],
)
def test_every_distance_of_requests_alone_fails_beyond_its_limit(moved, told):
    verdict = request_skew(served(**moved), RequestSkewGate())
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because


def test_a_large_effect_that_may_be_chance_passes():
    assert request_skew(served(shifts=[shift(ks=0.3, ks_p=0.01)]), RequestSkewGate()).passed
