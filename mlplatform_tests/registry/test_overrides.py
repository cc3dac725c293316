"""Decisions are kept, never changed; and tables of an earlier release take new rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlplatform.errors import OverrideError
from mlplatform.gates import record
from mlplatform.gates.override import Override
from mlplatform.lake import Lake, Lineage
from mlplatform.registry import gate_log, overrides
from mlplatform.registry.gate_log import Subject
from mlplatform.registry.record import Candidate, records, register
from mlplatform.verdict import Outcome, Verdict

WHO = Lineage(asset="census/gate_overrides", run_id="cli-ann", code_version="test")
AGAIN = replace(WHO, run_id="another")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GIVEN = Override(
    gate="accuracy", subject="census/evaluation", subject_digest="e" * 64, model_digest="a" * 64,
    policy_hash="p" * 64, outcome=Outcome.FAIL, by="ann", because="the label was late",
    at=NOON, until=NOON + DAY,
)  # fmt: skip
ENTRY = {
    "gate": "accuracy", "outcome": "fail", "by": "ann", "because": "the label was late",
    "at": NOON.isoformat(), "until": (NOON + DAY).isoformat(),
}  # fmt: skip


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path)


def test_decisions_are_read_back_in_the_order_they_were_made(lake):
    table = lake.table("census/gate_overrides")
    assert overrides.given(table) == []
    made = [GIVEN, replace(GIVEN, by="bob", at=NOON + DAY / 2, withdrawn=True)]
    for each in made:
        overrides.keep(table, each, WHO)
    overrides.keep(table, GIVEN, WHO)  # A retried command decides nothing new.
    assert overrides.given(table) == made


def candidate(lake: Lake, told: tuple = ()) -> Candidate:
    return Candidate(
        model_digest=lake.artifacts.put({"params.safetensors": b"1"}), metrics={"auc": 0.9},
        verdict=Outcome.PASS, verdict_digests={}, code_version="c", data_versions={},
        overrides=told,
    )  # fmt: skip


def test_a_registered_model_says_what_it_was_let_past_and_how_that_stands(lake):
    model = register(lake, "census", candidate(lake, (ENTRY,)), WHO, NOON)
    assert records(lake.table("census/registered_model"))[0].overrides == (ENTRY,)
    table = lake.table("census/gate_overrides")
    overrides.keep(table, GIVEN, WHO)

    def standing(now: datetime) -> list[str]:
        return [o["standing"] for o in overrides.passed_by(lake, "census", model.model_digest, now)]

    assert standing(NOON) == ["in force"]
    assert standing(NOON + DAY) == ["expired"]
    overrides.keep(table, replace(GIVEN, withdrawn=True, at=NOON + DAY / 2), WHO)
    assert standing(NOON + DAY / 2) == ["withdrawn"]


def test_a_model_registered_clean_shows_the_override_of_its_newest_verdict(lake):
    model = register(lake, "census", candidate(lake), WHO, NOON)
    said = Verdict(
        gate="overall", outcome=Outcome.PASS, because="1", evidence={"overrides": [ENTRY]}
    )
    row = record.rows(
        [said], subject="census/evaluation", subject_digest="e", model_digest=model.model_digest,
        policy_hash="p", run_id="r", decided_at=NOON,
    )  # fmt: skip
    lake.table("census/gate_verdict").append(row, WHO, token="one")
    found = overrides.passed_by(lake, "census", model.model_digest, NOON)
    assert found == [{**ENTRY, "standing": "in force"}]
    assert overrides.passed_by(lake, "census", "0" * 64, NOON) == []


def test_what_a_policy_let_through_is_told_apart_from_what_a_person_did(lake):
    gates = {
        "latency": {"outcome": "inconclusive", "because": "latency inconclusive, which its policy"},
        "accuracy": {"outcome": "inconclusive", "because": "overridden by ann"},
        "budget": {"outcome": "pass", "because": "budget pass"},
    }
    evidence = {"gates": gates, "overrides": [ENTRY]}
    for outcome in (Outcome.PASS, Outcome.FAIL):
        said = Verdict(gate="overall", outcome=outcome, because="1", evidence=evidence)
        row = record.rows(
            [said], subject="census/evaluation", subject_digest="e", model_digest="a" * 64,
            policy_hash="p", run_id="r", decided_at=NOON,
        )  # fmt: skip
        lake.table("census/gate_verdict").append(row, WHO, token=outcome)
        gates = {}
        evidence = {"gates": gates, "overrides": []}
    assert overrides.by_policy(lake, "census", "a" * 64) == [
        "latency inconclusive, which its policy"
    ]
    assert overrides.by_policy(lake, "census", "b" * 64) == []


def test_a_verdict_of_the_future_is_forgotten_and_kept_again(lake):
    table, subject = lake.table("census/gates"), Subject(table="t", digest="d", policy_hash="p")
    said = Verdict(gate="accuracy", outcome=Outcome.PASS, because="1")
    gate_log.keep(table, subject, [said], WHO, NOON - DAY)
    gate_log.keep(table, subject, [replace(said, outcome=Outcome.FAIL)], WHO, NOON + DAY)
    assert gate_log.said(table, subject, NOON) == {}
    assert gate_log.keep(table, subject, [said], AGAIN, NOON) == [said]
    assert gate_log.said(table, subject, NOON) == {"accuracy": said}


def test_the_newest_verdict_is_found_by_how_a_digest_begins(lake):
    table = lake.table("census/gates")
    for n, model in enumerate(["a1", "a2", ""]):
        subject = Subject(table="t", digest=f"d{n}", policy_hash="p", model_digest=model)
        said = Verdict(gate="accuracy", outcome=Outcome.FAIL, because=f"{n}")
        gate_log.keep(table, subject, [said], WHO, NOON + n * DAY)

    def found(digest: str) -> str | None:
        row = gate_log.newest(table, "accuracy", digest)
        return row["because"] if row else None

    assert [found(d) for d in ("", "a1", "a2", "d2", "d0")] == ["2", "0", "1", "2", None]
    gate_log.keep(table, subject, [replace(said, because="late")], AGAIN, NOON)
    assert found("d2") == "late"  # Whatever a clock said before.
    with pytest.raises(OverrideError, match="2 digests begin 'a': a1, a2; give more of it"):
        found("a")
