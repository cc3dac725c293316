"""Code, libraries and seed have to be on record."""

from dataclasses import replace

import pytest

from mlplatform.gates.reproducibility import reproducibility
from mlplatform.model_measures import ReproducibilitySeen
from mlplatform.spec.trust_gates import ReproducibilityGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome, Severity

WHOLE = ReproducibilitySeen(commit="c0ffee" * 6, dirty=False, lock="ab" * 32, seed=0)
NOTHING = ReproducibilitySeen(commit="", dirty=None, lock="", seed=None)


class TestReproducibility(GateContract):
    """Code, libraries, chance."""

    gate = staticmethod(reproducibility)
    policy, limit = ReproducibilityGate(), 0.0
    good = (WHOLE,)
    bad = (replace(WHOLE, dirty=True),)
    missing = ((None,), (NOTHING,), (replace(WHOLE, seed=None),), (replace(WHOLE, dirty=None),))


@pytest.mark.parametrize(
    ("lacks", "why"),
    [
        ({"commit": ""}, "trained outside of a git checkout"),
        ({"dirty": None}, "nobody said whether files differed from commit c0ffeec0ffee"),
        ({"dirty": True}, "files differed from commit c0ffeec0ffee; commit them and train again"),
        ({"lock": ""}, "the installed libraries are not on record"),
        ({"seed": None}, "no seed is on record"),
    ],
)
def test_each_thing_that_is_not_on_record_is_a_finding(lacks, why):
    verdict = reproducibility(replace(WHOLE, **lacks), ReproducibilityGate())
    assert (verdict.outcome, verdict.observed) == (Outcome.FAIL, 1.0)
    assert verdict.because.startswith("1 of 3 things are not on record")
    assert why in verdict.because


def test_everything_that_is_not_on_record_is_told_at_once():
    verdict = reproducibility(NOTHING, ReproducibilityGate())
    assert verdict.observed == 3
    assert all(word in verdict.because for word in ("checkout", "libraries", "seed"))


def test_it_warns_unless_it_is_told_to_block():
    assert not reproducibility(NOTHING, ReproducibilityGate()).stops
    assert reproducibility(NOTHING, ReproducibilityGate(severity=Severity.BLOCK)).stops


def test_seed_0_is_a_seed():
    assert reproducibility(WHOLE, ReproducibilityGate()).passed
