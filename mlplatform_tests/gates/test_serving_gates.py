"""Gates on what a model costs to serve, by their exam and by hand."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from mlplatform.gates.latency import latency
from mlplatform.gates.size import artifact_size
from mlplatform.gates.throughput import throughput
from mlplatform.model_measures import LatencySeen, Opponent, RatioSeen, ThroughputSeen, TimedSeen
from mlplatform.spec.serving_gates import LatencyGate, SizeGate, ThroughputGate
from mlplatform.statistics.compared import Interval
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Inconclusive, Outcome

NAN, INF = float("nan"), float("inf")
PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
CHAMPION = Opponent(digest="c" * 64)


def ratio(percentile=50, observed=1.0, lower=0.98, upper=1.02, noise=0.01):
    return RatioSeen(
        percentile=percentile, observed=observed, lower=lower, upper=upper, noise=noise
    )


def timed(path="program", p99=10.0, lower=9.0, upper=11.0, samples=1000, ratios=()):
    return TimedSeen(
        path=path, samples=samples, p50=1.0, p99=p99, p99_lower=lower, p99_upper=upper,
        ratios=ratios, edges=[1.0, 20.0], counts=[samples],
    )  # fmt: skip


def seen(program=None, server=None, champion=None, **others):
    both = [program or timed(), server or timed("server")]
    return LatencySeen(timed=both, champion=champion, host="a processor, 2 cores", **others)


def beside(*ratios):
    """Candidate and champion, equal but for these ratios of the program."""
    equal = {50: ratio(50), 99: ratio(99, lower=0.7, upper=1.5, noise=0.2)}
    of_program = {**equal, **{each.percentile: each for each in ratios}}
    return seen(
        timed(ratios=list(of_program.values())),
        timed("server", ratios=list(equal.values())),
        CHAMPION,
    )


class TestLatency(GateContract):
    """What was timed."""

    gate, policy, limit = staticmethod(latency), LatencyGate(max_p99_ms=20), 20
    good, bad = (seen(),), (seen(timed(p99=22.0, lower=20.1, upper=24.0)),)
    missing = (
        (None,),
        (LatencySeen(timed=[]),),
        (LatencySeen(timed=[timed()], failed={"server": "it does not start"}),),
        (seen(timed(p99=NAN)),),
        (seen(timed(p99=-1.0)),),
        (seen(timed(upper=NAN)),),
        (seen(timed(upper=INF)),),
        (seen(timed(samples=999)),),
        (seen(timed(p99=900.0, lower=1.0, upper=1.0)),),
        (seen(timed(p99=5.0, lower=9.0, upper=1.0)),),
        (seen(timed(p99=5.0, lower=9.0, upper=8.0)),),
        (LatencySeen(timed=[timed(p99=90.0, lower=80.0, upper=99.0), timed(), timed("server")]),),
        (LatencySeen(timed=[timed(), timed("server"), timed("server")]),),
        (seen(champion=CHAMPION),),
        (beside(ratio(NAN, NAN, NAN, NAN)),),
        (beside(ratio(50, upper=INF, lower=-INF)),),
        (beside(ratio(50, noise=NAN)),),
        (beside(ratio(50, noise=-1.0)),),
        (beside(ratio(50, observed=9.0, lower=1.0, upper=1.0)),),
        (beside(ratio(99, observed=0.1, lower=1.0, upper=1.0)),),
        (seen(champion=Opponent(digest="c" * 64, unscored="its artifact is gone")),),
    )


class TestThroughput(GateContract):
    """What a server answered."""

    @staticmethod
    def measured(observed=1200.0, lower=1000.0, upper=1400.0, requests=3600, **others):
        """Return 1,200 requests a second, or others."""
        rate = Interval(rows=requests, observed=observed, lower=lower, upper=upper, method="normal")
        counted = {"errors": 0, "clients": 16, "p99_ms": 20.0, **others}
        return ThroughputSeen(requests=requests, per_second=rate, **counted)

    gate, policy = staticmethod(throughput), ThroughputGate(min_requests_per_second=1000)
    limit = 1000
    good, bad = (measured(),), (measured(upper=999.0, lower=800.0, observed=900.0),)
    missing = (
        (None,),
        (measured(failed="the server does not start"),),
        (measured(requests=0),),
        (measured(lower=NAN),),
        (measured(upper=INF),),
        (measured(observed=NAN),),
        (measured(lower=999.0),),
        (measured(errors=1),),
    )

    def test_a_busy_host_is_no_evidence_against_the_server(self):
        """At 700 a second with half of the host for others, 1,400 are possible without them."""
        slow = self.measured(observed=690.0, lower=680.0, upper=700.0)
        assert throughput(slow, self.policy).outcome is FAIL
        verdict = throughput(replace(slow, others=0.5), self.policy)
        assert verdict.outcome is INCONCLUSIVE
        assert "others used 50% of the host meanwhile" in verdict.because
        assert "on a host that is less busy" in verdict.because
        assert throughput(replace(slow, others=0.2), self.policy).outcome is FAIL

    def test_an_error_fails_however_many_answers_are_good(self):
        """No error is a request."""
        answered = self.measured(errors=3, first_error="429 Too Many Requests: try again")
        verdict = throughput(answered, self.policy)
        assert verdict.outcome is FAIL
        assert "3 of 3,603 requests failed, the first with 429 Too Many" in verdict.because


class TestArtifactSize(GateContract):
    """Bytes of the artifact."""

    gate, policy, limit = staticmethod(artifact_size), SizeGate(max_megabytes=20), 20
    good, bad = (20_000_000,), (20_000_001,)
    missing = ((None,), (0,), (NAN,), (-1,))


@pytest.mark.parametrize(
    ("bounds", "outcome"),
    [
        ((9.0, 20.0), PASS),
        ((9.0, 20.1), INCONCLUSIVE),
        ((20.0, 30.0), INCONCLUSIVE),
        ((20.1, 30.0), FAIL),
    ],
)
def test_a_limit_is_held_by_bounds_and_not_by_what_was_observed(bounds, outcome):
    policy = LatencyGate(max_p99_ms=20, max_served_p99_ms=20)
    for path in ("program", "server"):
        found = seen(**{path: timed(path, 19.0 if bounds[0] < 19 else 21.0, *bounds)})
        assert latency(found, policy).outcome is outcome


def test_fewer_than_a_thousand_samples_decide_nothing_under_any_policy():
    with pytest.raises(ValidationError, match="greater than or equal to 1000"):
        LatencyGate(min_samples=999)


def test_numbers_that_contradict_each_other_are_said():
    verdict = latency(seen(timed(p99=900.0, lower=1.0, upper=1.0)), LatencyGate())
    assert verdict.outcome is FAIL
    assert verdict.because.startswith(
        "p99 of the exported program 900 ms is not between its bounds 1 and 1"
    )
    twice = LatencySeen(timed=[timed(), timed(), timed("server")])
    assert "the exported program has 2 measurements" in latency(twice, LatencyGate()).because


def test_the_server_has_a_limit_of_its_own():
    slow = seen(server=timed("server", 30.0, 29.0, 31.0))
    assert latency(slow, LatencyGate(max_p99_ms=20, max_served_p99_ms=40)).passed
    verdict = latency(slow, LatencyGate(max_p99_ms=20, max_served_p99_ms=25))
    assert verdict.outcome is FAIL
    assert verdict.because == "p99 of the server 30 ms (29 to 31), limit 25 ms"


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (ratio(50, 1.05, 1.04, 1.10), PASS),
        (ratio(50, 1.05, 0.99, 1.11), INCONCLUSIVE),
        (ratio(50, 1.2, 1.11, 1.3, noise=0.01), INCONCLUSIVE),
        (ratio(50, 1.2, 1.12, 1.3, noise=0.01), FAIL),
        (ratio(50, 1.2, 1.18, 1.3, noise=0.10), INCONCLUSIVE),
        (ratio(99, 1.3, 0.9, 2.0, noise=0.2), PASS),
        (ratio(99, 1.3, 0.9, 2.1, noise=0.2), INCONCLUSIVE),
        (ratio(99, 3.0, 1.3, 4.0, noise=0.2), INCONCLUSIVE),
        (ratio(99, 3.0, 1.4, 4.0, noise=0.2), FAIL),
    ],
)
def test_a_slowdown_fails_where_shown_and_passes_where_p50_is_shown_to_have_none(found, outcome):
    verdict = latency(beside(found), LatencyGate(max_slowdown=0.1, max_p99_ms=21))
    assert verdict.outcome is outcome
    if outcome is not PASS:
        assert f"p{found.percentile} of the exported program" in verdict.because


def test_a_blurred_tail_holds_nobody_up_where_p99_is_shown_to_be_within_half_its_limit():
    """p99 is at most 11 ms here; a tail that is shown to be longer fails all the same."""
    blurred = beside(ratio(99, 1.3, 0.9, 9.0, noise=0.2))
    assert latency(blurred, LatencyGate(max_p99_ms=22)).passed
    assert latency(blurred, LatencyGate(max_p99_ms=21)).outcome is INCONCLUSIVE
    longer = beside(ratio(99, 3.0, 1.4, 9.0, noise=0.2))
    assert latency(longer, LatencyGate(max_p99_ms=22)).outcome is FAIL


def test_what_cannot_tell_names_the_samples_that_would():
    """Bounds 6 % away that must be 3 % away: four times the samples."""
    verdict = latency(beside(ratio(50, 1.07, 1.01, 1.13)), LatencyGate(max_slowdown=0.1))
    assert "1,000 samples cannot tell, about 4,000 would" in verdict.because
    hopeless = latency(beside(ratio(50, 1.1, 1.0, 1.2)), LatencyGate(max_slowdown=0.1))
    assert "nor would 10,000,000" in hopeless.because


def test_a_busy_host_is_told_where_it_may_be_why():
    unsure = replace(beside(ratio(50, 1.07, 1.01, 1.13)), others=0.8)
    assert latency(unsure, LatencyGate()).because.endswith("others used 80% of the host meanwhile")
    assert "others" not in latency(replace(beside(), others=0.8), LatencyGate()).because


def test_a_champion_that_cannot_be_timed_is_said_with_the_way_out():
    gone = Opponent(digest="c" * 64, unscored="its artifact is gone")
    verdict = latency(seen(champion=gone), LatencyGate(inconclusive="person"))
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.inconclusive is Inconclusive.PERSON
    assert "champion cccccccccccc could not be timed: its artifact is gone" in verdict.because
    assert "mlplatform gate override" in verdict.because


def test_a_policy_without_slowdown_compares_nothing_and_a_first_model_is_said_to_be_one():
    assert latency(seen(champion=CHAMPION), LatencyGate(max_slowdown=None)).passed
    assert "the first model" in latency(seen(), LatencyGate()).because


def test_half_a_comparison_is_none():
    """Only p50 of the server was compared."""
    half = seen(timed(ratios=[ratio(50), ratio(99)]), timed("server", ratios=[ratio(50)]), CHAMPION)
    verdict = latency(half, LatencyGate())
    assert verdict.outcome is INCONCLUSIVE
    assert "was not timed by server" in verdict.because
