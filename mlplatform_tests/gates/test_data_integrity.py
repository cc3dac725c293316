"""What a model was made from has to be on record, judged and allowed."""

import pytest

from mlplatform.gates.data_integrity import data_integrity
from mlplatform.model_measures import IntegritySeen
from mlplatform.spec.trust_gates import DataIntegrityGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

VERSIONS = {"p/model": "0:abc", "p/dataset": "3:def"}
FLAG = {"was_flagged_by_manual_review": "label_leakage: AUC 0.99, limit 0.9"}


class TestDataIntegrity(GateContract):
    """A record without problems, and one with."""

    gate = staticmethod(data_integrity)
    policy, limit = DataIntegrityGate(), 0.0
    good = (IntegritySeen(versions=VERSIONS),)
    bad = (IntegritySeen(versions=VERSIONS, forbidden=FLAG),)
    missing = ((None,), (IntegritySeen(versions={}),))


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        ({"forbidden": FLAG}, "the model reads what it must not: was_flagged_by_manual_review ("),
        ({"refused": ["row_count fail: 3 rows"]}, "not passed: row_count fail: 3 rows"),
        (
            {"missing": ["the lineage names no p/split"]},
            "not on record: the lineage names no p/spl",
        ),
    ],
)
def test_each_kind_of_problem_alone_fails_and_is_named(problem, why):
    verdict = data_integrity(IntegritySeen(versions=VERSIONS, **problem), DataIntegrityGate())
    assert (verdict.outcome, verdict.observed) == (Outcome.FAIL, 1.0)
    assert verdict.because.startswith(f"1 problem: {why}")


def test_many_problems_are_counted_and_three_of_a_kind_told():
    missing = [f"thing {i} is gone" for i in range(5)]
    seen = IntegritySeen(versions=VERSIONS, missing=missing, forbidden=FLAG)
    verdict = data_integrity(seen, DataIntegrityGate())
    assert verdict.observed == 6
    assert verdict.because.endswith("thing 2 is gone and 2 more")
    assert verdict.evidence["missing"] == missing
