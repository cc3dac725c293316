"""What a clock measured and found wanting stands: it is not measured until one try passes."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from assets.judges.common import BEFORE
from mlplatform.judging import model
from mlplatform.verdict import Outcome, Verdict
from mlplatform_tests.assets.conftest import Walk

PASSED = Verdict(gate="", outcome=Outcome.PASS, observed=1.0, because="1 of 1")
UNSURE = replace(PASSED, outcome=Outcome.INCONCLUSIVE, because="too few samples")
UNTIMED = replace(PASSED, outcome=Outcome.FAIL, observed=None, because="it was not timed")
BROKEN = replace(PASSED, outcome=Outcome.FAIL, evidence={"failed": {"server": "x"}})
FAILED = replace(PASSED, outcome=Outcome.FAIL, observed=9.0, because="9 ms, limit 1 ms")
WHY = ("--because", "it is needed now", "--expires", "7d")


def answer(verdict: Verdict, gate: str, _: object) -> Verdict:
    return replace(verdict, gate=gate)


@pytest.mark.parametrize("clocked", ["latency", "throughput"])
def test_a_failure_that_was_measured_is_not_measured_again(
    clocked: str, walked_to: Callable[..., Walk], monkeypatch: pytest.MonkeyPatch
):
    policies = {
        "model_gates__latency": {"inconclusive": "hold"},
        "model_gates__throughput": {"min_requests_per_second": 9, "inconclusive": "hold"},
    }
    walk = walked_to("evaluation", **policies)
    for gate in model.GATES:
        monkeypatch.setitem(model.GATES, gate, partial(answer, PASSED, gate))

    def tried(verdict: Verdict, gate: str = clocked) -> Verdict:
        monkeypatch.setitem(model.GATES, gate, partial(answer, verdict, gate))
        walk.run("evaluation")
        return walk.said("evaluation")[gate]

    for again in (UNSURE, UNTIMED, BROKEN, FAILED):
        assert tried(again).because == again.because
    for lucky in (PASSED, UNSURE, UNTIMED):
        kept = tried(lucky)
        assert (kept.outcome, kept.observed) == (Outcome.FAIL, 9.0)
        assert kept.because == f"{FAILED.because}; {BEFORE}"
    assert tried(FAILED, "calibration").outcome is Outcome.FAIL  # What computes is asked again.
    assert tried(PASSED, "calibration").passed
    assert not walk.run("evaluation").success
    assert walk.command("gate", "override", "census_income", clocked, *WHY).exit_code == 0
    assert walk.run("evaluation").success
    assert not walk.said("evaluation")[clocked].passed
