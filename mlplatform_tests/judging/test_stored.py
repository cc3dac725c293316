"""A build is told what the gates before the evaluation said of the very versions a model was made from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mlplatform.gates import record
from mlplatform.gates.override import Override
from mlplatform.judging.stored import stored
from mlplatform.judging.upstream import Upstream
from mlplatform.lake import Lineage
from mlplatform.provenance import policy
from mlplatform.registry import overrides
from mlplatform.verdict import Outcome, Severity, Verdict
from mlplatform_tests.judging.planted import Loans

WHO = Lineage(asset="loans/gates", run_id="run-1", code_version="test")
NOW = datetime.now(UTC)
OTHER = "other" * 12


@pytest.fixture
def loans(tmp_path: Path) -> Loans:
    return Loans(tmp_path, "amount")


def judge(loans: Loans, gate: str, outcome: Outcome, digest: str, under: str = "", **more):
    said = Verdict(gate=gate, outcome=outcome, because="3 of 800 rows", **more)
    row = record.rows(
        [said], subject="loans/x", subject_digest=digest, run_id="run", decided_at=NOW,
        policy_hash=under or policy.in_force(loans.pipeline),
    )  # fmt: skip
    loans.lake.table("loans/gates").append(row, WHO, token=f"{gate}:{outcome}:{under}")


def told(loans: Loans, gate: str, *, any_policy: bool = True) -> Verdict:
    found = stored(loans.lake, loans.pipeline, loans.model, any_policy=any_policy).verdicts
    [mine] = [verdict for verdict in found if verdict.gate == gate]
    return mine


def test_every_required_gate_that_judges_no_evaluation_answers(loans: Loans):
    gates = {v.gate for v in stored(loans.lake, loans.pipeline, loans.model).verdicts}
    some = {"row_count", "overlap", "budget", "training_serving_skew", "program_matches_training"}
    assert some | {"files_landed", "split_sound", "features_finite"} <= gates
    assert not gates & {"latency", "performance", "data_integrity", "label_leakage"}


def test_a_gate_that_never_judged_these_bytes_stops(loans: Loans):
    judge(loans, "budget", Outcome.PASS, "another model" * 5)
    said = told(loans, "budget")
    assert said.stops
    assert f"0 verdicts about {loans.model.digest[:12]}" in said.because


@pytest.mark.parametrize(
    ("gate", "noun"),
    [
        ("row_count", "dataset"), ("features_finite", "features"), ("split_sound", "split"),
        ("budget", "model"), ("files_landed", "source"),
    ],
)  # fmt: skip
def test_what_it_said_of_these_bytes_is_what_is_told(loans: Loans, gate: str, noun: str):
    digest = getattr(loans, noun).digest
    judge(loans, gate, Outcome.PASS, digest)
    assert told(loans, gate).passed
    judge(loans, gate, Outcome.FAIL, digest)
    assert told(loans, gate).stops
    assert told(loans, gate).because == "3 of 800 rows"


def test_what_was_said_under_another_policy_warns_a_build_and_releases_nothing(loans: Loans):
    judge(loans, "row_count", Outcome.PASS, loans.dataset.digest, OTHER)
    said = told(loans, "row_count")
    assert (said.passed, said.stops, said.severity) == (False, False, Severity.WARN)
    note = f"judged under another policy ({OTHER[:12]}…); the walk will ask again"
    assert said.because == f"{note}. It had said pass: 3 of 800 rows"
    assert told(loans, "row_count", any_policy=False).stops
    upstream = Upstream.of(loans.lake, loans.pipeline, loans.model)
    assert upstream.said.about("row_count", loans.dataset.digest) is None


def test_the_policy_in_force_is_heard_before_any_other(loans: Loans):
    judge(loans, "row_count", Outcome.PASS, loans.dataset.digest)
    judge(loans, "row_count", Outcome.FAIL, loans.dataset.digest, OTHER)
    assert told(loans, "row_count").passed


def test_a_failure_under_another_policy_still_stops(loans: Loans):
    judge(loans, "row_count", Outcome.FAIL, loans.dataset.digest, OTHER)
    assert told(loans, "row_count").stops


@pytest.mark.parametrize("under", ["", OTHER])
def test_what_a_person_let_through_is_let_through(loans: Loans, under: str):
    judge(loans, "row_count", Outcome.FAIL, loans.dataset.digest, under)
    decided = Override(
        gate="row_count", subject="loans/dataset", subject_digest=loans.dataset.digest,
        policy_hash=under or policy.in_force(loans.pipeline), outcome=Outcome.FAIL, by="ann",
        because="the label was late", at=NOW, until=NOW + timedelta(days=1),
    )  # fmt: skip
    overrides.keep(loans.lake.table("loans/gate_overrides"), decided, WHO)
    found = stored(loans.lake, loans.pipeline, loans.model, any_policy=True)
    assert [(each["gate"], each["by"]) for each in found.overridden] == [("row_count", "ann")]
    assert told(loans, "row_count").stops is (under == "")  # Of another policy it is a warning.
