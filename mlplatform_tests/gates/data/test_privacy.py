"""Gates on what must not be there: personal data, test rows in training."""

import json
from dataclasses import asdict

from mlplatform.gates.data import overlap, sensitive_data
from mlplatform.measures import OverlapSeen, SensitiveSeen
from mlplatform.spec.data_gates import OverlapGate, SensitiveDataGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data.made import measured


def looks(share: float = 0.5, *, looked_at: int = 200) -> SensitiveSeen:
    """A column of which a share looks like e-mail addresses."""
    return SensitiveSeen(
        column="contact",
        kind="e-mail addresses",
        share=share,
        looked_at=looked_at,
        masked=("xxxx@xxxx.xxx",),
    )


class TestSensitiveData(GateContract):
    """Columns that look like personal data."""

    gate, policy, limit = staticmethod(sensitive_data), SensitiveDataGate(max_share=0.01), 0.01
    good, bad = (measured(sensitive=[looks(0.01)]),), (measured(sensitive=[looks(0.02)]),)
    missing = (
        (measured(),),
        (measured(rows=0, sensitive=[]),),
        (measured(sensitive=[looks(0.0, looked_at=0)]),),
    )


class TestOverlap(GateContract):
    """Test rows that also train."""

    gate, policy, limit = staticmethod(overlap), OverlapGate(max_share=0.01), 0.01
    good = (OverlapSeen(test_rows=1000, shared_rows=10),)
    bad = (OverlapSeen(test_rows=1000, shared_rows=11),)
    missing = (
        (None,),
        (OverlapSeen(test_rows=0, shared_rows=0),),
        (OverlapSeen(test_rows=10, shared_rows=0, entity="id", test_entities=0),),
    )


def test_a_table_without_personal_data_passes():
    assert sensitive_data(measured(sensitive=[]), SensitiveDataGate()).passed


def test_only_the_shape_of_personal_data_is_shown():
    verdict = sensitive_data(measured(sensitive=[looks()]), SensitiveDataGate())
    assert verdict.outcome is Outcome.FAIL
    expected = "50.0% of 200 distinct values of contact look like e-mail addresses"
    assert verdict.because.startswith(f"{expected} (like xxxx@xxxx.xxx), limit 0.1%; drop or")
    assert json.dumps(asdict(verdict)).count("@") == 2


def test_personal_data_that_is_allowed_with_a_reason_passes():
    allowing = SensitiveDataGate(allow={"contact": "support staff, by contract"})
    assert sensitive_data(measured(sensitive=[looks()]), allowing).passed


def test_one_entity_on_both_sides_fails_and_is_counted():
    seen = OverlapSeen(
        test_rows=1000, shared_rows=0, entity="patient", test_entities=50, shared_entities=1
    )
    verdict = overlap(seen, OverlapGate())
    assert verdict.outcome is Outcome.FAIL
    assert "1 of 50 values of patient in the test also train or validate" in verdict.because


def test_the_official_split_of_adult_passes():
    """52 rows of its test file equal one of its training file."""
    assert overlap(OverlapSeen(test_rows=16_281, shared_rows=52), OverlapGate()).passed
