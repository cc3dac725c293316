"""What a person may let through, how long, and that it is that verdict and no other."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import GateRefusedError, OverrideError
from mlplatform.gates import require_passed
from mlplatform.gates.overall import overall
from mlplatform.gates.override import (
    FIXED,
    LONGEST,
    Override,
    Standing,
    covering,
    current,
    expiry,
    reason,
    require_overridable,
    require_valid,
    valid,
)
from mlplatform.gates.record import rows
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MODEL, OTHER, CHAMPION = "a" * 64, "b" * 64, "c" * 64
POLICY = "p" * 64
GIVEN = Override(
    gate="accuracy", subject="census/evaluation", subject_digest=MODEL, model_digest=MODEL,
    policy_hash=POLICY, outcome=Outcome.FAIL, by="ann", because="the label was late",
    at=NOON - DAY, until=NOON + DAY,
)  # fmt: skip


def said(outcome, gate="accuracy", *, undecided=Inconclusive.HOLD, baseline="", digest=MODEL):
    verdict = Verdict(gate=gate, outcome=outcome, inconclusive=undecided, because="0.7 of 900 rows")
    return rows(
        [verdict], subject="census/evaluation", subject_digest=digest, model_digest=MODEL,
        baseline_digest=baseline, policy_hash=POLICY, run_id="run", decided_at=NOON,
    )  # fmt: skip


def judged(*tables, overrides=(), now=NOON, **more):
    gates = {row["gate"] for table in tables for row in table.to_pylist()}
    wanted = dict.fromkeys(sorted(gates), MODEL)
    return overall(pa.concat_tables(tables), wanted, POLICY, overrides=overrides, now=now, **more)


def test_an_overridden_failure_is_let_through_and_named():
    verdict = judged(said(Outcome.FAIL), said(Outcome.PASS, "latency"), overrides=[GIVEN])
    assert verdict.passed
    assert (verdict.observed, verdict.limit) == (2, 2)
    assert verdict.because == (
        "1 of 2 required gates passed, 1 overridden; accuracy fail, overridden by ann until "
        "2026-03-02 12:00 UTC: the label was late"
    )
    assert verdict.evidence["gates"]["accuracy"]["outcome"] == "fail"
    assert verdict.evidence["overrides"] == [
        {
            "gate": "accuracy",
            "outcome": "fail",
            "by": "ann",
            "because": "the label was late",
            "at": (NOON - DAY).isoformat(),
            "until": (NOON + DAY).isoformat(),
        }
    ]


NOT_COVERED = {
    "expired": replace(GIVEN, until=NOON),
    "of another gate": replace(GIVEN, gate="latency"),
    "of another model": replace(GIVEN, subject_digest=OTHER),
    "under another policy": replace(GIVEN, policy_hash="q" * 64),
    "against another champion": replace(GIVEN, baseline_digest=CHAMPION),
    "of too little evidence only": replace(GIVEN, outcome=Outcome.INCONCLUSIVE),
    "withdrawn": replace(GIVEN, withdrawn=True),
    "by nobody": replace(GIVEN, by=" "),
    "without a reason": replace(GIVEN, because="ok  ok   ok"),
    "given in the future": replace(GIVEN, at=NOON + DAY / 2),
    "for years": replace(GIVEN, until=NOON + LONGEST),
}


@pytest.mark.parametrize("why", NOT_COVERED)
def test_an_override_lets_nothing_else_through(why):
    verdict = judged(said(Outcome.FAIL), overrides=[NOT_COVERED[why]])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == "0 of 1 required gates passed; accuracy fail: 0.7 of 900 rows"
    assert verdict.evidence["overrides"] == []


def test_without_a_time_no_override_counts():
    assert not judged(said(Outcome.FAIL), overrides=[GIVEN], now=None).passed


def test_a_missing_verdict_is_let_through_by_nobody():
    verdict = overall(None, {"accuracy": MODEL}, POLICY, overrides=[GIVEN], now=NOON)
    assert (verdict.outcome, verdict.because[-20:]) == (Outcome.FAIL, "accuracy: no verdict")


def test_an_overridden_failure_lets_no_other_failure_through():
    verdict = judged(said(Outcome.FAIL), said(Outcome.FAIL, "latency"), overrides=[GIVEN])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith(
        "0 of 2 required gates passed, 1 overridden; latency fail: 0.7 of 900 rows; accuracy fail"
    )


def test_whoever_overrode_a_failure_also_let_too_little_evidence_through():
    assert judged(said(Outcome.INCONCLUSIVE), overrides=[GIVEN]).passed


@pytest.mark.parametrize("gate", sorted(FIXED))
def test_no_row_of_the_table_lets_a_gate_through_that_nobody_may_override(gate):
    verdict = judged(said(Outcome.FAIL, gate), overrides=[replace(GIVEN, gate=gate)])
    assert verdict.outcome is Outcome.FAIL
    assert "0.7 of 900 rows" in verdict.because


def test_a_decision_that_breaks_a_rule_stands_as_invalid_and_is_not_kept():
    assert valid(GIVEN, NOON)
    forged = replace(GIVEN, until=GIVEN.at + LONGEST + DAY)
    assert forged.standing(NOON) is Standing.INVALID
    with pytest.raises(OverrideError, match="accuracy is not overridden: it holds for more than"):
        require_valid(forged, NOON)


def test_the_account_is_told_where_it_has_another_name():
    assert replace(GIVEN, login="ann").who == GIVEN.who == "ann"
    eve = replace(GIVEN, by="eve", login="root")
    assert eve.sentence.startswith("overridden by eve (login root) until 2026-03-02")
    verdict = judged(said(Outcome.FAIL), overrides=[eve])
    assert "overridden by eve (login root) until" in verdict.because
    assert verdict.evidence["overrides"][0]["by"] == "eve (login root)"


decisions = st.lists(
    st.builds(
        Override, gate=st.sampled_from(["accuracy", "latency"]), subject=st.just("t"),
        subject_digest=st.sampled_from([MODEL, OTHER]), policy_hash=st.just(POLICY),
        outcome=st.sampled_from([Outcome.FAIL, Outcome.INCONCLUSIVE]), by=st.just("x"),
        because=st.just("because of it"), at=st.just(NOON), withdrawn=st.booleans(),
        until=st.sampled_from([NOON - DAY, NOON, NOON + DAY]),
    ),
    max_size=6,
)  # fmt: skip


@given(decisions)
def test_the_newest_decision_about_a_verdict_is_the_one_that_counts(made):
    about = ("accuracy", MODEL, "", POLICY)
    ours = [each for each in made if each.about == about]
    wanted = ours[-1] if ours and ours[-1].in_force(NOON) else None
    found = covering(made, about, Outcome.INCONCLUSIVE, NOON)
    assert found == wanted
    assert len({each.about for each in made}) == len(current(made))


def test_an_inconclusive_verdict_holds_warns_or_asks_a_person():
    hold, warn, person = (said(Outcome.INCONCLUSIVE, undecided=what) for what in Inconclusive)
    assert judged(hold).outcome is Outcome.INCONCLUSIVE
    passed = judged(warn, said(Outcome.PASS, "latency"))
    assert passed.passed
    assert passed.because == (
        "1 of 2 required gates passed, 1 inconclusive and let through by policy; accuracy "
        "inconclusive, which its policy lets through: 0.7 of 900 rows"
    )
    assert passed.evidence["gates"]["accuracy"]["outcome"] == "inconclusive"
    asked = judged(person)
    assert asked.outcome is Outcome.INCONCLUSIVE
    assert asked.because.endswith(
        'a person decides: mlplatform gate override census accuracy --because "…" --expires 7d'
    )


def test_a_policy_that_warns_of_too_little_evidence_lets_no_failure_through():
    assert judged(said(Outcome.FAIL, undecided=Inconclusive.WARN)).outcome is Outcome.FAIL


def test_a_gate_that_compared_with_another_champion_has_not_judged():
    table = said(Outcome.PASS, baseline=CHAMPION)
    assert judged(table, baselines={"accuracy": CHAMPION}).passed
    for live, told in (("", "no champion"), (OTHER, "bbbbbbbbbbbb")):
        verdict = judged(said(Outcome.PASS, baseline=live), baselines={"accuracy": CHAMPION})
        assert verdict.outcome is Outcome.FAIL
        assert f"accuracy: judged against {told}" in verdict.because


def shipped(verdict, now=NOON, baseline=""):
    table = rows(
        [verdict], subject="census/evaluation", subject_digest=MODEL, model_digest=MODEL,
        policy_hash=POLICY, run_id="run", decided_at=NOON,
    )  # fmt: skip
    return require_passed(
        table, model_digest=MODEL, evaluation_digest=MODEL, baseline_digest=baseline,
        policy_hash=POLICY, now=now,
    )  # fmt: skip


def test_a_verdict_that_passed_by_an_override_ships_nothing_once_that_has_ended():
    verdict = judged(said(Outcome.FAIL), overrides=[GIVEN])
    assert shipped(verdict)["outcome"] == "pass"
    with pytest.raises(GateRefusedError, match=r"overridden by ann until 2026-03-02 .* is past"):
        shipped(verdict, now=NOON + DAY)


def test_a_verdict_that_compares_with_another_champion_ships_nothing():
    with pytest.raises(GateRefusedError, match="compares it with no champion, not cccccccccccc"):
        shipped(judged(said(Outcome.PASS)), baseline=CHAMPION)


REFUSED = {
    "split_sound cannot be overridden: without it": ("split_sound", Outcome.FAIL, Severity.BLOCK),
    "data_integrity cannot be overridden": ("data_integrity", Outcome.FAIL, Severity.BLOCK),
    "overall cannot be overridden": ("overall", Outcome.FAIL, Severity.BLOCK),
    "accuracy passed, so there is nothing": ("accuracy", Outcome.PASS, Severity.BLOCK),
    "accuracy said fail, which only warns": ("accuracy", Outcome.FAIL, Severity.WARN),
    "accuracy cannot be overridden: it has not judged": ("accuracy", None, Severity.BLOCK),
}


@pytest.mark.parametrize("why", REFUSED)
def test_only_a_verdict_that_is_there_and_stops_is_overridden(why):
    gate, outcome, severity = REFUSED[why]
    verdict = outcome and Verdict(gate=gate, outcome=outcome, severity=severity, because="0")
    with pytest.raises(OverrideError, match=why):
        require_overridable(gate, verdict)
    require_overridable("accuracy", Verdict(gate="accuracy", outcome=Outcome.FAIL, because="0"))


def test_a_reason_is_a_line_of_ten_characters():
    assert reason("  a new\nyear, and more ") == "a new year, and more"
    with pytest.raises(OverrideError, match=r"'ok ok ok'; give a reason of 10 characters"):
        reason("   ok  ok \n ok   ")


def test_an_override_ends_in_days_or_with_a_day():
    assert expiry("7d", NOON) == NOON + 7 * DAY
    assert expiry("2026-03-01", NOON) == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    assert expiry("90d", NOON) == NOON + LONGEST


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0d", "not in the future"),
        ("2026-02-28", "not in the future"),
        ("91d", "at most 90d, which is 2026-05-30"),
        ("2026-12-31", "at most 90d"),
        ("2026-02-30", "give days as in 7d"),
        ("soon", "give days as in 7d, or a date as in 2026-12-31"),
        ("-3d", "give days as in 7d"),
        ("", "give days as in 7d"),
    ],
)
def test_any_other_end_is_an_error(text, why):
    with pytest.raises(OverrideError, match=why):
        expiry(text, NOON)


def test_an_override_stands_until_its_end_or_its_withdrawal():
    assert GIVEN.standing(NOON) is Standing.IN_FORCE
    assert GIVEN.standing(NOON + DAY) is Standing.EXPIRED
    assert replace(GIVEN, withdrawn=True).standing(NOON) is Standing.WITHDRAWN
