"""What people read: outcomes told apart, the evidence, a link that opens, and hostile text that does nothing."""

from typing import Any

import pytest
from apprise.conversion import convert_between
from apprise.plugins.slack import NotifySlack

from mlplatform.alerts import failures
from mlplatform.alerts.message import markdown, text
from mlplatform.alerts.notify import Alert, Alerts, Level
from mlplatform.alerts.where import Where
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict
from mlplatform_tests.endpoint import Endpoint

SUBJECT = Subject(
    table="census_income/evaluation", digest="d" * 64, policy_hash="p" * 64, model_digest="m" * 64
)
UI = Where("https://dagster.example.com")


def verdict(**changes: Any) -> Verdict:
    return Verdict(
        **{"gate": "fairness", "outcome": Outcome.FAIL, "because": "too wide", **changes}
    )


def alert(given: Verdict | None = None, where: Where = UI, subject: Subject = SUBJECT, **more: Any):
    return failures.of_verdict(given or verdict(), "census_income", subject, "run-1", where, **more)


@pytest.mark.parametrize(
    ("changes", "says", "level"),
    [
        ({}, "FAILED: the walk stops", Level.FAILURE),
        ({"severity": Severity.WARN}, "FAILED, a warning: the walk goes on", Level.WARNING),
        (
            {"outcome": Outcome.INCONCLUSIVE},
            "is INCONCLUSIVE: the walk waits for evidence",
            Level.WARNING,
        ),
        (
            {"outcome": Outcome.INCONCLUSIVE, "inconclusive": Inconclusive.PERSON},
            "is INCONCLUSIVE: a person must decide",
            Level.WARNING,
        ),
        (
            {"outcome": Outcome.INCONCLUSIVE, "inconclusive": Inconclusive.WARN},
            "is INCONCLUSIVE, a warning: the walk goes on",
            Level.WARNING,
        ),
    ],
)
def test_the_title_tells_outcomes_and_what_they_do_apart(changes, says, level):
    told = alert(verdict(**changes))
    assert (told.title, told.level) == (f"census_income: gate fairness {says}", level)


def test_the_evidence_is_in_the_alert():
    numbers = {"observed": 0.081, "limit": 0.05, "baseline": 0.04, "interval": (0.06, 0.1)}
    assert alert(verdict(**numbers)).evidence == (
        "gate: fairness (blocks)",
        "outcome: FAIL",
        "observed: 0.081 between 0.06 and 0.1",
        "limit: 0.05",
        "baseline: 0.04",
        "model: mmmmmmmmmmmm",
        "subject: dddddddddddd",
        "policy: pppppppppppp",
        "run: https://dagster.example.com/runs/run-1",
    )


def test_an_override_is_named_and_makes_a_warning_of_the_failure():
    told = alert(override="overridden by ada until Friday: known")
    assert "OVERRIDDEN by a person: the walk goes on" in told.title
    assert "override: overridden by ada until Friday: known" in told.evidence
    assert told.level is Level.WARNING


def test_a_verdict_that_passed_by_an_override_is_told_and_one_that_passed_alone_is_not():
    used = {"gate": "latency", "outcome": "fail", "by": "ada", "because": "new host", "until": "x"}
    about = ("census_income", SUBJECT, "run-1", UI)
    passed = verdict(gate="overall", outcome=Outcome.PASS)
    assert failures.of_overrides(passed, *about) is None
    by_override = verdict(
        gate="overall", outcome=Outcome.PASS, evidence={"gates": {}, "overrides": [used]}
    )
    told = failures.of_overrides(by_override, *about)
    assert told is not None
    assert told.title == "census_income: passed OVERRIDDEN, a person overrode latency"
    assert told.body == "latency overridden by ada because new host, until x"


@pytest.mark.parametrize("change", [{"digest": "e"}, {"policy_hash": "q"}, {"table": "t"}])
def test_another_subject_or_policy_is_another_failure_and_a_rerun_is_not(change):
    base = {"table": "a", "digest": "d", "policy_hash": "p"}
    keys = [alert(subject=Subject(**{**base, **c})).key for c in ({}, {}, change)]
    assert keys[0] == keys[1] != keys[2]
    rerun = failures.of_verdict(verdict(because="other words"), "c", SUBJECT, "run-2", UI)
    assert rerun.key == alert().key
    assert alert(verdict(outcome=Outcome.INCONCLUSIVE)).key != alert().key


def test_the_same_crash_with_other_numbers_is_the_same_failure():
    said = [f"host 10.0.0.{i}:{i}001 refused run {i}a2b3c4d5e6f" for i in (1, 2)]
    keys = {failures.of_step("c", "c__model", "Failure", words, [], "r").key for words in said}
    assert len(keys) == 1
    assert failures.of_step("c", "c__model", "OSError", said[0], [], "r").key not in keys


def test_the_link_is_the_checks_page_in_the_ui():
    """As Dagster's own UI makes it: the key's parts escaped, and the check in the query."""
    made = Where.from_environment(
        {"MLPLATFORM_UI_URL": " https://u:p@dagster.example.com:3000/ml/ "}
    )
    assert made.ui == "https://dagster.example.com:3000/ml"
    assert made.check("a b/c", "x&y", "r") == (
        "https://dagster.example.com:3000/ml/assets/a%20b/c?view=checks&checkDetail=x%26y"
    )
    assert made.run("r1") == "https://dagster.example.com:3000/ml/runs/r1"


@pytest.mark.parametrize("ui", ["", "dagster:3000", "javascript:alert(1)", "https://", "http://[x"])
def test_without_a_ui_the_alert_says_where_to_look(ui):
    where = Where.from_environment({"MLPLATFORM_UI_URL": ui})
    told = alert(where=where, report="/lake/_artifacts/abc")
    assert told.link == (
        "asset census_income/evaluation, check fairness, run run-1 in the Dagster UI;"
        " report: /lake/_artifacts/abc"
    )
    assert "Where to look: asset census_income/evaluation" in markdown(told)


def test_a_plain_channel_gets_text(webhook: Endpoint, tmp_path):
    Alerts([webhook.url()], tmp_path / "log").send(alert(verdict(observed=0.1, limit=0.05)))
    (message,) = webhook.received
    assert message["type"] == "failure"
    assert message["message"].splitlines()[:5] == [
        "too wide", "", "gate: fairness (blocks)", "outcome: FAIL", "observed: 0.1",
    ]  # fmt: skip
    look = "https://dagster.example.com/assets/census_income/evaluation?view=checks&checkDetail=fairness"
    assert message["message"].splitlines()[-1] == f"Look: {look}"


def test_slack_gets_a_title_a_list_a_link_and_a_colour(webhook: Endpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{webhook.port}")
    url = f"slack://T1JJ3T3L2/A1BRTD4JD/{'x' * 24}/#general"
    Alerts([url], tmp_path / "log").send(alert(verdict(because="<!channel> @here *bold*")))
    (shown,) = webhook.received[0]["attachments"]
    assert shown["title"] == "census_income: gate fairness FAILED: the walk stops"
    assert "- *outcome*: FAIL" in shown["text"]
    assert "checkDetail=fairness|Open it in the Dagster UI>" in shown["text"]
    assert "<!channel>" not in shown["text"]
    assert "@here" not in shown["text"]


HOSTILE = (
    "<img src=x onerror=y>[a](http://evil)\n# head\x1b[2J\u202e "
    "postgresql://u:s3cr3t@db/x"  # pragma: allowlist secret
)


def test_hostile_text_stays_text_in_mail_and_on_one_line():
    told = Alert(title="t", body=HOSTILE, key="k", evidence=(f"gate: {HOSTILE}",), link=HOSTILE)
    html = convert_between("markdown", "html", markdown(told))
    assert not [bad for bad in ("<img", "<a ", "<h1", "\x1b", "\u202e", "s3cr3t") if bad in html]
    plain = text(told)
    assert len(plain.splitlines()) == 5
    assert not {"\x1b", "\u202e"} & set(plain)
    assert "s3cr3t" not in plain


def test_a_very_long_reason_is_cut_and_the_link_is_not():
    told = alert(verdict(because="x" * 100_000))
    assert len(text(told)) < 2000
    assert text(told).endswith("checkDetail=fairness")
