"""What was asked for, all of it, about these bytes: everything else is not a pass."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import GateRefusedError
from mlplatform.gates import require_passed
from mlplatform.gates.overall import overall
from mlplatform.gates.record import GATES_SCHEMA, rows
from mlplatform.verdict import Outcome, Severity, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL, OTHER = "a" * 64, "b" * 64
POLICY, OLD_POLICY = "p" * 64, "q" * 64
REQUIRED = {"row_count": "d" * 64, "accuracy": MODEL}


def row(gate, outcome=Outcome.PASS, *, digest=None, policy=POLICY, minutes=0):
    said = Verdict(gate=gate, outcome=outcome, because=f"{gate} saw 3")
    subject = digest if digest is not None else REQUIRED.get(gate, MODEL)
    return rows(
        [said],
        subject="census/model",
        subject_digest=subject,
        model_digest=subject,
        policy_hash=policy,
        run_id="run",
        decided_at=NOON + timedelta(minutes=minutes),
    )


def judged(*tables):
    return overall(pa.concat_tables(tables) if tables else None, REQUIRED, POLICY)


def test_all_required_gates_passed_is_a_pass():
    verdict = judged(row("row_count"), row("accuracy"))
    assert verdict.passed
    assert (verdict.observed, verdict.limit) == (2, 2)
    assert verdict.because == "2 of 2 required gates passed"


DATA = row("row_count")
NOT_A_PASS = {
    "missing": ([], "accuracy: no verdict"),
    "failed": ([row("accuracy", Outcome.FAIL)], "accuracy fail: accuracy saw 3"),
    "inconclusive": ([row("accuracy", Outcome.INCONCLUSIVE)], "accuracy inconclusive"),
    "foreign": ([row("accuracy", digest=OTHER)], "accuracy: judged bbbbbbbbbbbb, not aaaaaaaaaaaa"),
    "other policy": (
        [row("accuracy", policy=OLD_POLICY)],
        "judged under another policy (qqqqqqqqqqqq)",
    ),
    "passed, then failed": (
        [row("accuracy"), row("accuracy", Outcome.FAIL, minutes=1)],
        "accuracy fail",
    ),
    "a pass dated after it, then failed": (
        [row("accuracy", minutes=1), row("accuracy", Outcome.FAIL)],
        "accuracy fail",
    ),
    "failed, then another passed": (
        [row("accuracy", Outcome.FAIL), row("accuracy", digest=OTHER, minutes=1)],
        "accuracy fail",
    ),
    "failed, then passed under the old policy": (
        [row("accuracy", Outcome.FAIL), row("accuracy", policy=OLD_POLICY, minutes=1)],
        "accuracy fail",
    ),
    "same time, the later row failed": (
        [row("accuracy"), row("accuracy", Outcome.FAIL)],
        "accuracy fail",
    ),
    "another gate of the same model": ([row("latency")], "accuracy: no verdict"),
    "a word that is no outcome": (
        [
            row("accuracy").set_column(
                GATES_SCHEMA.get_field_index("outcome"),
                GATES_SCHEMA.field("outcome"),
                pa.array(["passed"]),
            )
        ],
        "accuracy: unknown outcome 'passed'",
    ),
}


@pytest.mark.parametrize("case", NOT_A_PASS)
def test_anything_else_is_not_a_pass_and_says_why(case):
    tables, why = NOT_A_PASS[case]
    verdict = judged(DATA, *tables)
    wanted = Outcome.INCONCLUSIVE if case == "inconclusive" else Outcome.FAIL
    assert verdict.outcome is wanted
    assert why in verdict.because
    assert verdict.because.startswith("1 of 2 required gates passed")


def test_a_failure_that_was_judged_again_and_passed_is_a_pass():
    assert judged(DATA, row("accuracy", Outcome.FAIL), row("accuracy", minutes=1)).passed


@pytest.mark.parametrize(("minutes", "passes"), [(5, True), (6, False)])
def test_a_verdict_of_the_future_is_none(minutes, passes):
    table = pa.concat_tables([DATA, row("accuracy", minutes=minutes)])
    verdict = overall(table, REQUIRED, POLICY, now=NOON)
    assert verdict.passed == passes
    assert ("judged at 2026-03-01 12:06 UTC, which is in the future" in verdict.because) != passes


def test_no_rows_and_no_required_gate_are_failures():
    assert judged().outcome is Outcome.FAIL
    verdict = overall(pa.concat_tables([DATA, row("accuracy")]), {}, POLICY)
    assert verdict.outcome is Outcome.FAIL
    assert "0 gates are required" in verdict.because


def test_an_unknown_digest_matches_nothing_not_even_a_row_without_one():
    verdict = overall(row("row_count", digest=""), {"row_count": ""}, POLICY)
    assert verdict.outcome is Outcome.FAIL


written = st.lists(
    st.tuples(
        st.sampled_from(["row_count", "accuracy"]),
        st.sampled_from(list(Outcome)),
        st.sampled_from(["right", OTHER]),
        st.sampled_from([POLICY, OLD_POLICY]),
        st.integers(0, 3),
    ),
    max_size=8,
)


@given(written)
def test_a_pass_needs_a_newest_valid_pass_of_every_gate(entries):
    tables = [
        row(g, o, digest=None if d == "right" else d, policy=p, minutes=m)
        for g, o, d, p, m in entries
    ]
    ours = [e for e in entries if e[2:4] == ("right", POLICY)]
    last = {gate: outcome for gate, outcome, *_ in ours}
    wanted = [last.get(gate) for gate in REQUIRED] == [Outcome.PASS] * 2
    assert judged(*tables).passed == wanted


def released(*tables, policy=POLICY, model=MODEL, evaluation=MODEL):
    return require_passed(
        pa.concat_tables(tables) if tables else None,
        model_digest=model,
        evaluation_digest=evaluation,
        baseline_digest="",
        policy_hash=policy,
        now=NOON,
    )


def test_a_passing_verdict_about_these_bytes_lets_them_through():
    assert released(row("overall", Outcome.FAIL), row("overall", minutes=1))["outcome"] == "pass"


REFUSALS = {
    "its verdict was decided at 2026-03-01 12:09 UTC, which is in the future": [
        row("overall", minutes=9)
    ],
    "it has no gate verdict": [],
    "its verdict is fail: overall saw 3": [row("overall", minutes=1), row("overall", Outcome.FAIL)],
    "its verdict is inconclusive": [row("overall", Outcome.INCONCLUSIVE)],
    "the verdict is about bbbbbbbbbbbb": [row("overall", digest=OTHER)],
    "from policy qqqqqqqqqqqq, the policy in force is pppppppppppp": [
        row("overall", policy=OLD_POLICY)
    ],
}


@pytest.mark.parametrize("why", REFUSALS)
def test_a_model_is_refused_in_words(why):
    with pytest.raises(GateRefusedError, match=f"model {MODEL[:12]} is not released.*{why}"):
        released(*REFUSALS[why])


def test_a_verdict_of_a_single_gate_releases_nothing():
    with pytest.raises(GateRefusedError, match="it has no gate verdict"):
        released(row("accuracy"))


def test_a_model_without_a_digest_is_refused():
    with pytest.raises(GateRefusedError, match="not released"):
        released(row("overall", digest=""), model="")


def test_a_pass_about_an_earlier_evaluation_releases_nothing():
    with pytest.raises(GateRefusedError, match="about an earlier evaluation"):
        released(row("overall"), evaluation=OTHER)


def test_severity_does_not_make_a_failure_pass():
    said = Verdict(gate="accuracy", outcome=Outcome.FAIL, severity=Severity.WARN, because="0")
    about = {"subject_digest": MODEL, "policy_hash": POLICY, "run_id": "run", "decided_at": NOON}
    table = rows([said], subject="census/model", **about)
    assert not overall(table, {"accuracy": MODEL}, POLICY).passed
