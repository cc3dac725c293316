"""Alerts, delivered by the real library to a real HTTP server."""

import json
import subprocess
import sys
import threading

import pytest

from mlplatform.alerts.log import AlertLogError
from mlplatform.alerts.notify import MAX_ATTEMPTS, Alert, Alerts

ALERT = Alert(
    title="census: gate accuracy fail", body="accuracy 0.7 < 0.8", key="census:accuracy:run1"
)
PLANTED = "s3cr3tT0kenValue"


@pytest.fixture
def log(tmp_path):
    """A log whose folder does not exist yet."""
    return tmp_path / "state" / "alerts.jsonl"


def lines(log):
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def kinds(log):
    return [line["kind"] for line in lines(log)]


def test_an_alert_reaches_the_channel_with_title_and_body(webhook, log):
    receipt = Alerts([webhook.url()], log).send(ALERT)
    assert (receipt.new, receipt.undelivered) == (True, ())
    assert [(m["title"], m["message"]) for m in webhook.received] == [(ALERT.title, ALERT.body)]
    assert kinds(log) == ["alert", "delivered"]


def test_an_alert_is_in_the_log_before_anything_is_delivered(webhook, log):
    seen = []

    class Peeking(list):
        def append(self, message):
            seen.append(kinds(log))
            super().append(message)

    webhook.received = Peeking()
    Alerts([webhook.url()], log).send(ALERT)
    assert seen == [["alert"]]


def test_without_a_channel_an_alert_is_still_logged(log):
    assert Alerts([], log).send(ALERT).new
    (line,) = lines(log)
    assert {"title": ALERT.title, "body": ALERT.body, "key": ALERT.key}.items() <= line.items()


def test_a_key_is_alerted_once_also_by_another_process(webhook, log):
    Alerts([webhook.url()], log).send(ALERT)
    again = Alert(title="other words", body="other", key=ALERT.key)
    program = (
        "import sys; from pathlib import Path; from mlplatform.alerts.notify import Alert, Alerts;"
        "sent = Alerts([sys.argv[1]], Path(sys.argv[2]));"
        "print(sent.send(Alert(title='t', body='b', key=sys.argv[3])).new)"
    )
    command = [sys.executable, "-c", program, webhook.url(), str(log), ALERT.key]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
    assert not Alerts([webhook.url()], log).send(again).new
    assert len(webhook.received) == 1
    assert kinds(log) == ["alert", "delivered"]


def test_another_key_is_another_alert(webhook, log):
    alerts = Alerts([webhook.url()], log)
    for key in ("a", "b"):
        alerts.send(Alert(title="t", body="b", key=key))
    assert len(webhook.received) == 2


def test_senders_at_the_same_time_send_one_alert(webhook, log):
    barrier, new = threading.Barrier(4), []

    def send():
        barrier.wait()
        new.append(Alerts([webhook.url()], log).send(ALERT).new)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new) == [False, False, False, True]
    assert len(webhook.received) == 1


def test_a_channel_that_answers_with_an_error_is_a_line_and_not_an_exception(webhook, log):
    webhook.status = 500
    receipt = Alerts([webhook.url()], log).send(ALERT)
    assert receipt.undelivered == ("1:json",)
    line = lines(log)[-1]
    assert (line["kind"], line["channel"], line["because"]) == ("undelivered", "1:json", "HTTP 500")


def test_a_dead_channel_does_not_keep_the_alert_from_a_living_one(webhook, log):
    receipt = Alerts(["json://127.0.0.1:1/", webhook.url()], log).send(ALERT)
    assert receipt.undelivered == ("1:json",)
    assert len(webhook.received) == 1
    assert lines(log)[1]["because"] == "no answer"


def test_what_was_not_delivered_is_tried_again_a_few_times_and_only_there(webhook, log):
    webhook.status = 503
    alerts = Alerts([webhook.url(), webhook.url("second")], log)
    alerts.send(ALERT)
    webhook.status = 200
    assert alerts.send(ALERT).undelivered == ()
    assert alerts.send(ALERT).undelivered == ()
    assert len(webhook.received) == 4
    assert kinds(log) == ["alert", *["undelivered"] * 2, *["delivered"] * 2]


def test_a_channel_that_stays_dead_is_given_up(webhook, log):
    webhook.status = 500
    alerts = Alerts([webhook.url()], log)
    for _ in range(MAX_ATTEMPTS + 2):
        assert alerts.send(ALERT).undelivered == ("1:json",)
    assert len(webhook.received) == MAX_ATTEMPTS


@pytest.mark.parametrize(
    "url",
    [
        f"json://user:{PLANTED}@127.0.0.1:1/{PLANTED}",
        f"slack://{PLANTED}",
        f"nosuchservice://{PLANTED}",
        f"{PLANTED}",
        f"mailto://user:{PLANTED}@127.0.0.1:1?smtp=127.0.0.1&to={PLANTED}@localhost",
    ],
)
def test_no_secret_of_a_url_is_written_or_said_anywhere(url, log, caplog, capfd):
    caplog.set_level("DEBUG")
    alerts = Alerts([url], log)
    assert alerts.send(ALERT).undelivered
    said = log.read_text() + "".join(capfd.readouterr()) + repr(alerts)
    assert PLANTED.lower() not in (said + caplog.text).lower()


@pytest.mark.parametrize("status", [200, 500])
def test_no_secret_of_a_url_is_said_when_it_is_answered(webhook, log, caplog, status):
    caplog.set_level("DEBUG")
    webhook.status = status
    Alerts([webhook.url(PLANTED)], log).send(ALERT)
    assert len(webhook.received) == 1
    assert PLANTED not in log.read_text() + caplog.text


def test_a_channel_that_breaks_is_a_line_that_names_the_kind_of_error_only(log, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError(PLANTED)

    monkeypatch.setattr("apprise.Apprise.notify", broken)
    assert Alerts([f"json://127.0.0.1/{PLANTED}"], log).send(ALERT).undelivered
    assert lines(log)[-1]["because"] == "RuntimeError"
    assert PLANTED not in log.read_text()


def test_text_with_line_breaks_forges_no_line(log):
    forged = 'x\n{"kind": "delivered", "key": "y"}\r\u2028'
    Alerts([], log).send(Alert(title=forged, body=forged, key="y"))
    (line,) = lines(log)
    assert line["body"] == forged


def test_a_line_cut_off_by_a_crash_hides_neither_itself_nor_the_next(webhook, log):
    log.parent.mkdir()
    log.write_bytes(b'{"kind": "alert", "key": "old"}\n{"kind": "alert", "key": "cen\xff')
    assert Alerts([webhook.url()], log).send(ALERT).new
    assert not Alerts([webhook.url()], log).send(ALERT).new
    assert len(webhook.received) == 1


def test_an_alert_that_was_logged_but_not_delivered_before_a_crash_is_delivered(webhook, log):
    log.parent.mkdir()
    log.write_text(json.dumps({"kind": "alert", "key": ALERT.key}) + "\n")
    receipt = Alerts([webhook.url()], log).send(ALERT)
    assert (receipt.new, receipt.undelivered) == (False, ())
    assert len(webhook.received) == 1


def test_a_log_that_cannot_be_written_is_one_clear_line_and_sends_nothing(webhook, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AlertLogError, match="cannot keep alerts here"):
        Alerts([webhook.url()], tmp_path / "file" / "alerts.jsonl").send(ALERT)
    assert not webhook.received
