"""`mlplatform gate`: who lets what through, for how long, and how it is taken back."""

import json
from datetime import UTC, datetime

import pytest

from mlplatform.cli.gate import _login, app
from mlplatform.errors import OverrideError, SourceError
from mlplatform.gates import record
from mlplatform.lake import Lineage
from mlplatform.registry import overrides
from mlplatform.verdict import Outcome, Severity, Verdict
from mlplatform_tests.cli.conftest import invoked

WHO = Lineage(asset="people/gates", run_id="run-1", code_version="test")
WHY = ("--because", "the label was late", "--expires", "7d")


@pytest.fixture
def judged(lake):
    """Keeps a verdict of a gate about a model."""

    def keep(gate, outcome=Outcome.FAIL, model="a" * 64, severity=Severity.BLOCK):
        said = Verdict(gate=gate, outcome=outcome, severity=severity, because="0.7 of 900 rows")
        row = record.rows(
            [said], subject="people/evaluation", subject_digest="e" + model[1:], model_digest=model,
            policy_hash="p" * 64, run_id="r", decided_at=datetime.now(UTC),
        )  # fmt: skip
        table = lake.table("people/gates")
        table.append(row, WHO, token=f"{gate}:{outcome}:{model}")

    return keep


def given(lake):
    return overrides.given(lake.table("people/gate_overrides"))


def test_a_verdict_is_overridden_by_whoever_is_logged_in(lake, judged):
    judged("latency")
    said = invoked(app, "override", "people", "latency", *WHY).output
    assert f"latency fail about model {'a' * 16}: 0.7 of 900 rows" in said
    assert f"overridden by {_login()} until" in said
    assert "NOTE: the verdict was given under another policy" in said
    [made] = given(lake)
    assert (made.gate, made.subject_digest, made.policy_hash) == (
        "latency",
        "e" + "a" * 63,
        "p" * 64,
    )
    assert (made.by, made.because, made.outcome) == (
        _login(), "the label was late", Outcome.FAIL,
    )  # fmt: skip
    assert (made.until - made.at).days == 7


def test_another_model_than_the_last_is_named_by_its_digest(lake, judged):
    judged("latency")
    judged("latency", Outcome.PASS, model="b" * 64)
    with pytest.raises(OverrideError, match="latency passed, so there is nothing to override"):
        invoked(app, "override", "people", "latency", *WHY)
    invoked(app, "override", "people", "latency", "--model", "aaaa", "--by", "ann", *WHY)
    assert [(o.model_digest, o.by) for o in given(lake)] == [("a" * 64, "ann")]
    with pytest.raises(OverrideError, match="has judged nothing whose digest begins 'ff'"):
        invoked(app, "override", "people", "latency", "--model", "ff", *WHY)


def test_whoever_decides_in_anothers_name_is_told_by_the_login(lake, judged):
    judged("latency")
    said = invoked(app, "override", "people", "latency", "--by", "eve", *WHY).output
    assert f"overridden by eve (login {_login()}) until" in said
    assert f"by eve (login {_login()}) at" in invoked(app, "overrides", "people").output
    [told] = json.loads(invoked(app, "overrides", "people", "--json").output)
    assert (told["by"], told["login"]) == ("eve", _login())


def test_what_cannot_be_overridden_is_said_in_a_line(lake, judged):
    judged("latency", severity=Severity.WARN)
    for gate, why in {
        "latency": "only warns",
        "freshness": "it has not judged",
        "split_sound": "without it no other verdict means anything",
        "data_integrity": "cannot be overridden",
        "acuracy": r"people has no gate 'acuracy'; known: .*artifact_size",
    }.items():
        with pytest.raises(OverrideError, match=why):
            invoked(app, "override", "people", gate, *WHY)
    with pytest.raises(SourceError, match="people has no events 'clicks'; known: none"):
        invoked(app, "override", "people/clicks", "malformed_rows", *WHY)
    assert given(lake) == []


def test_a_reason_and_an_end_are_needed(lake, judged):
    judged("latency")
    assert (
        invoked(app, "override", "people", "latency", "--because", "because of it").exit_code == 2
    )
    assert invoked(app, "override", "people", "latency", "--expires", "7d").exit_code == 2
    with pytest.raises(OverrideError, match="10 characters"):
        invoked(app, "override", "people", "latency", "--because", "urgent", "--expires", "7d")
    with pytest.raises(OverrideError, match="at most 90d"):
        invoked(app, "override", "people", "latency", *WHY[:3], "91d")
    assert given(lake) == []


def test_the_list_marks_what_is_over_and_is_for_machines_too(lake, judged):
    assert "no gate of people was overridden" in invoked(app, "overrides", "people").output
    judged("latency")
    judged("artifact_size")
    invoked(app, "override", "people", "latency", *WHY)
    invoked(app, "override", "people", "artifact_size", *WHY)
    invoked(app, "withdraw", "people", "latency", "--by", "bob", "--because", "it is \x1b[2Jmended")
    first, second = invoked(app, "overrides", "people").output.splitlines()
    assert first.startswith("WITHDRAWN  latency fail about model aaaa")
    assert "by bob" in first
    assert "\x1b" not in first
    assert second.startswith("IN FORCE  artifact_size")
    told = json.loads(invoked(app, "overrides", "people", "--json").output)
    assert [(o["gate"], o["standing"]) for o in told] == [
        ("latency", "withdrawn"), ("artifact_size", "in force"),
    ]  # fmt: skip


def test_only_what_is_in_force_is_withdrawn(lake, judged):
    with pytest.raises(OverrideError, match="people: no override of latency is in force"):
        invoked(app, "withdraw", "people", "latency")
    judged("latency")
    invoked(app, "override", "people", "latency", *WHY)
    assert invoked(app, "withdraw", "people", "latency").exit_code == 0
    with pytest.raises(OverrideError, match="no override of latency about aa is in force"):
        invoked(app, "withdraw", "people", "latency", "--model", "aa")
    assert len(given(lake)) == 2
