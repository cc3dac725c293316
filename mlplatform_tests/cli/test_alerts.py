"""`mlplatform alerts`: what did not arrive is seen, tried again, and an exit code."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlplatform.alerts.notify import Alert, Alerts
from mlplatform.cli.main import app
from mlplatform.errors import PlatformError
from mlplatform_tests.endpoint import Endpoint

ALERT = Alert(title="census: gate fairness FAILED", body="too wide", key="census:fairness")
PLANTED = "s3cr3tT0kenValue"
Command = Callable[..., Result]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "alerts.jsonl"


@pytest.fixture
def command(tmp_path: Path) -> Command:
    def run(*words: str) -> Result:
        home = {"MLPLATFORM_HOME": str(tmp_path)}
        return CliRunner().invoke(app, ["alerts", *words], env=home)

    return run


def test_without_alerts_there_is_nothing_and_no_log_is_made(command: Command, log: Path):
    seen = command()
    assert (seen.exit_code, seen.stdout) == (0, "0 alerts, 0 undelivered\n")
    assert json.loads(command("--json").stdout) == []
    assert not log.exists()


def test_what_arrived_is_listed_with_its_channel_and_exit_code_0(
    command: Command, log: Path, alert_endpoint: Endpoint
):
    Alerts([alert_endpoint.url(PLANTED)], log).send(ALERT)
    seen = command()
    assert seen.exit_code == 0
    assert ALERT.title in seen.stdout
    assert "1:json: delivered" in seen.stdout
    assert PLANTED not in seen.output + command("--json").output


def test_what_did_not_arrive_is_exit_code_1_and_says_why_and_when_it_is_tried_again(
    command: Command, log: Path, alert_endpoint: Endpoint
):
    alert_endpoint.status = 500
    Alerts([alert_endpoint.url(PLANTED)], log).send(ALERT)
    seen, (said,) = command(), json.loads(command("--json").stdout)
    assert seen.exit_code == 1
    assert "1:json: UNDELIVERED (HTTP 500) after 1 attempts, next 20" in seen.stdout
    assert "1 alerts, 1 undelivered" in seen.stdout
    channel = said["channels"]["1:json"]
    assert (channel["state"], channel["because"]) == ("undelivered", "HTTP 500")
    assert said["undelivered"] == ["1:json"]
    assert PLANTED not in seen.output + json.dumps(said)


def test_retry_delivers_it_at_once(command: Command, log: Path, alert_endpoint: Endpoint):
    alert_endpoint.status = 500
    Alerts([alert_endpoint.url()], log).send(ALERT)
    failed = command("retry")
    assert failed.exit_code == 1
    assert "NOT delivered: HTTP 500" in failed.stdout
    alert_endpoint.status = 200
    done = command("retry")
    assert (done.exit_code, "every alert is delivered" in done.stdout) == (0, True)
    assert alert_endpoint.titles == [ALERT.title] * 3
    assert command().exit_code == 0


def test_what_a_person_has_read_here_is_dismissed(command: Command, log: Path):
    Alerts(["json://127.0.0.1:1/"], log).send(ALERT)
    assert command().exit_code == 1
    with pytest.raises(PlatformError, match="no undelivered alert has a key that begins 'nobody'"):
        raise command("dismiss", "nobody").exception or AssertionError
    assert command("dismiss", "census:").stdout == "dismissed 1\n"
    seen = command()
    assert (seen.exit_code, "1:json: dismissed" in seen.stdout) == (0, True)


def test_hostile_text_moves_no_cursor_and_forges_no_line(command: Command, log: Path):
    Alerts([], log).send(Alert(title="\x1b[2Jx\n0 alerts", body="b\r\u202e", key="k"))
    seen = command().stdout
    assert not set(seen) & set("\x1b\r\u202e")
    assert len(seen.splitlines()) == 4


def test_retry_says_of_what_was_mended_meanwhile_that_it_was(
    command: Command, log: Path, alert_endpoint: Endpoint
):
    alert_endpoint.status = 500
    sender = Alerts([alert_endpoint.url()], log)
    sender.send(replace(ALERT, about="census:fairness"))
    sender.mend(["census:fairness"])
    alert_endpoint.status = 200
    said = command("retry")
    assert f"delivered: MENDED SINCE: {ALERT.title}" in said.stdout
    assert alert_endpoint.titles[-1] == f"MENDED SINCE: {ALERT.title}"


@pytest.mark.parametrize(
    "broken", ["no home", "a file for a home", "a folder for a log", "no line"]
)
def test_alerts_that_cannot_be_read_are_not_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
):
    home = tmp_path / "home"
    if broken == "a file for a home":
        home.touch()
    elif broken == "a folder for a log":
        (home / "alerts.jsonl").mkdir(parents=True)
    elif broken == "no line":
        home.mkdir()
        (home / "alerts.jsonl").write_bytes(b"\x00\xff\n{}\n")
    seen = CliRunner().invoke(app, ["alerts"], env={"MLPLATFORM_HOME": str(home)})
    assert isinstance(seen.exception, PlatformError)
    assert "home" in str(seen.exception)
    assert "0 alerts" not in seen.output
