"""Alerts, delivered by the real library to a real HTTP server."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from mlplatform.alerts.log import AlertLogError
from mlplatform.alerts.notify import MAX_ATTEMPTS, WAITS, Alert, Alerts

ALERT = Alert(
    title="census: gate accuracy fail", body="accuracy 0.7 < 0.8", key="census:accuracy:run1"
)
PLANTED = "s3cr3tT0kenValue"


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        """Return the time."""
        return self.now

    def forward(self, **by):
        """Let time pass."""
        self.now += timedelta(**by)


@pytest.fixture
def clock():
    """The time of a test."""
    return Clock()


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
    assert (receipt.new, receipt.undelivered) == (True, {})
    assert [(m["title"], m["message"]) for m in webhook.received] == [(ALERT.title, ALERT.body)]
    assert kinds(log) == ["alert", "trying", "delivered"]


def test_an_alert_is_in_the_log_before_anything_is_delivered(webhook, log):
    seen = []

    class Peeking(list):
        def append(self, message):
            seen.append(kinds(log))
            super().append(message)

    webhook.received = Peeking()
    Alerts([webhook.url()], log).send(ALERT)
    assert seen == [["alert", "trying"]]


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
    assert kinds(log) == ["alert", "trying", "delivered"]


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


def test_processes_at_the_same_time_send_one_alert(webhook, log):
    program = (
        "import sys; from pathlib import Path; from mlplatform.alerts.notify import Alert, Alerts;"
        "import apprise; print('ready', flush=True); sys.stdin.readline();"
        "print(Alerts([sys.argv[1]], Path(sys.argv[2])).send(Alert(title='t', body='b', key='k')).new)"
    )
    command = [sys.executable, "-c", program, webhook.url(), str(log)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    senders = [subprocess.Popen(command, **pipes) for _ in range(2)]
    for sender in senders:
        assert sender.stdout.readline() == "ready\n"
    for sender in senders:
        sender.stdin.write("go\n")
        sender.stdin.flush()
    said = [sender.communicate()[0].strip() for sender in senders]
    assert sorted(said) == ["False", "True"]
    assert len(webhook.received) == 1
    assert sorted(kinds(log)) == ["alert", "delivered", "trying"]


def test_a_channel_that_answers_with_an_error_is_a_line_and_not_an_exception(webhook, log):
    webhook.status = 500
    receipt = Alerts([webhook.url()], log).send(ALERT)
    assert receipt.undelivered == {"1:json": "HTTP 500"}
    line = lines(log)[-1]
    assert (line["kind"], line["channel"], line["because"]) == ("undelivered", "1:json", "HTTP 500")


def test_a_dead_channel_does_not_keep_the_alert_from_a_living_one(webhook, log):
    receipt = Alerts(["json://127.0.0.1:1/", webhook.url()], log).send(ALERT)
    assert receipt.undelivered == {"1:json": "no answer"}
    assert len(webhook.received) == 1
    assert [li["because"] for li in lines(log) if "because" in li] == ["no answer"]


def test_what_was_not_delivered_is_tried_again_after_a_wait_and_only_there(webhook, log, clock):
    alerts = Alerts([webhook.url(), "json://127.0.0.1:1/"], log, clock=clock)
    webhook.status = 503
    assert set(alerts.send(ALERT).undelivered) == {"1:json", "2:json"}
    webhook.status = 200
    assert set(alerts.send(ALERT).undelivered) == {"1:json", "2:json"}
    assert len(webhook.received) == 1
    clock.forward(minutes=1)
    assert alerts.send(ALERT).delivered == ("1:json",)
    clock.forward(days=1)
    alerts.send(ALERT)
    assert len(webhook.received) == 2


def test_waits_grow_up_to_a_day_and_then_the_channel_is_given_up_and_stays_undelivered(
    webhook, log, clock
):
    webhook.status = 500
    alerts = Alerts([webhook.url()], log, clock=clock)
    alerts.send(ALERT)
    assert sorted(WAITS) == list(WAITS)
    assert timedelta(hours=23) < sum(WAITS, timedelta()) < timedelta(days=1)
    for wait in WAITS:
        assert not alerts.deliver()
        clock.now += wait
        assert [tried.failure for tried in alerts.deliver()] == ["HTTP 500"]
    clock.forward(days=30)
    assert not alerts.deliver()
    assert len(webhook.received) == MAX_ATTEMPTS
    assert alerts.kept()[0].missing(clock.now) == {"1:json": "HTTP 500"}


def test_a_person_may_have_what_was_given_up_delivered_after_all(webhook, log, clock):
    webhook.status = 500
    alerts = Alerts([webhook.url()], log, clock=clock)
    alerts.send(ALERT)
    webhook.status = 200
    assert [tried.failure for tried in alerts.deliver(force=True)] == [""]
    assert not alerts.deliver(force=True)
    assert not alerts.kept()[0].missing(clock.now)


def test_a_dead_channel_costs_one_timeout_however_many_alerts_wait_for_it(webhook, log, clock):
    dead = Alerts(["json://127.0.0.1:1/", webhook.url()], log, clock=clock)
    for key in "abc":
        dead.keep(Alert(title="t", body="b", key=key))
    tried = dead.deliver()
    assert [t.channel for t in tried if t.failure] == ["1:json"]
    assert [t.alert.key for t in tried if not t.failure] == ["a", "b", "c"]


def test_a_channel_that_hangs_is_left_after_the_timeout(webhook, log):
    webhook.hangs = True
    sent = Alerts([webhook.url()], log, timeout_seconds=0.3).send(ALERT)
    assert sent.undelivered == {"1:json": "no answer"}
    assert len(webhook.received) == 1


def test_a_channel_that_hangs_holds_up_no_other_sender(webhook, log):
    webhook.hangs = True
    alerts = Alerts([webhook.url()], log, timeout_seconds=60)
    slow = threading.Thread(target=lambda: alerts.send(ALERT))
    slow.start()
    while not webhook.received:
        assert slow.is_alive()
    other = Alerts([webhook.url()], log).send(ALERT)
    assert (other.new, other.under_way, other.undelivered) == (False, ("1:json",), {})
    assert Alerts([], log).send(Alert(title="another", body="b", key="another")).new
    assert len(webhook.received) == 1
    webhook.release()
    slow.join()
    assert lines(log)[-1]["kind"] == "undelivered"


def test_a_sender_that_was_killed_while_it_delivered_is_followed_by_another(webhook, log, clock):
    log.parent.mkdir()
    begun = {"kind": "trying", "channel": "1:json", "attempt": 1, "at": clock.now.isoformat()}
    alert = {"kind": "alert", "at": clock.now.isoformat(), **ALERT.line()}
    log.write_text(
        "".join(json.dumps({**line, "key": ALERT.key}) + "\n" for line in (alert, begun))
    )
    alerts = Alerts([webhook.url()], log, clock=clock)
    assert not alerts.deliver(force=True)
    clock.forward(minutes=2)
    assert "ended before" in alerts.kept()[0].missing(clock.now)["1:json"]
    assert [tried.failure for tried in alerts.deliver()] == [""]


def test_a_failure_that_went_away_and_came_back_is_told_again(webhook, log, clock):
    alert = Alert(title="t", body="b", key="accuracy:d1:fail", about="accuracy")
    alerts = Alerts([webhook.url()], log, clock=clock)
    assert [alerts.send(alert).new for _ in range(2)] == [True, False]
    alerts.mend(["another"])
    assert not alerts.send(alert).new
    clock.forward(minutes=5)
    alerts.mend(["accuracy", "another"])
    clock.forward(minutes=5)
    assert [alerts.send(alert).new for _ in range(2)] == [True, False]
    assert len(webhook.received) == 2
    assert kinds(log).count("mended") == 1


def test_what_happened_before_it_was_mended_is_not_told_by_one_who_comes_late(log, clock):
    alert = Alert(title="t", body="b", key="accuracy:d1:fail", about="accuracy")
    alerts, happened = Alerts([], log, clock=clock), clock.now
    alerts.send(alert)
    clock.forward(minutes=5)
    alerts.mend(["accuracy"])
    assert not alerts.keep(alert, happened)
    assert alerts.keep(alert, clock.now + timedelta(minutes=1))


def test_a_pass_from_before_the_failure_mends_nothing(log, clock):
    alert = Alert(title="t", body="b", key="accuracy:d1:fail", about="accuracy")
    alerts, earlier = Alerts([], log, clock=clock), clock.now
    clock.forward(minutes=5)
    alerts.send(alert)
    alerts.mend(["accuracy"], earlier)
    assert not alerts.send(alert).new


def test_a_pass_between_two_failures_mends_the_first_alone(log, clock):
    alerts = Alerts([], log, clock=clock)
    first, second = (Alert(title="t", body="b", key=k, about="accuracy") for k in ("d1", "d2"))
    alerts.keep(first)
    clock.forward(minutes=5)
    passed = clock.now
    clock.forward(minutes=5)
    alerts.keep(second)
    alerts.mend(["accuracy"], passed)
    assert [one.mended for one in alerts.kept()] == [True, False]


def test_a_failure_that_came_back_is_tried_again_in_place_of_the_first(webhook, log, clock):
    webhook.status = 500
    alert = Alert(title="t", body="b", key="accuracy:d1:fail", about="accuracy")
    alerts = Alerts([webhook.url()], log, clock=clock)
    alerts.send(alert)
    alerts.mend(["accuracy"])
    clock.forward(minutes=5)
    alerts.send(alert)
    webhook.status = 200
    assert len(alerts.deliver(force=True)) == 1
    assert [one.missing(clock.now) for one in alerts.kept()] == [{}, {}]


def test_nothing_to_mend_writes_nothing(log):
    Alerts([], log).mend(["accuracy"])
    assert not log.exists()


def test_a_channel_that_is_set_up_later_is_not_told_of_what_is_old(webhook, log, clock):
    Alerts([], log, clock=clock).send(ALERT)
    clock.forward(days=2)
    later = Alerts([webhook.url()], log, clock=clock)
    later.keep(Alert(title="new", body="b", key="new"))
    later.deliver()
    assert webhook.titles == ["new"]
    assert not later.kept()[0].missing(clock.now)


def test_an_alert_that_a_person_dismissed_is_undelivered_no_longer(log, clock):
    alerts = Alerts(["json://127.0.0.1:1/"], log, clock=clock)
    alerts.send(ALERT)
    assert alerts.dismiss("nobody") == 0
    assert alerts.dismiss(ALERT.key[:6]) == 1
    clock.forward(days=1)
    assert not alerts.deliver(force=True)
    assert not alerts.kept()[0].missing(clock.now)


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
    assert (receipt.new, receipt.undelivered) == (False, {})
    assert webhook.titles == [ALERT.title]


def test_a_log_that_cannot_be_written_is_one_clear_line_and_sends_nothing(webhook, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AlertLogError, match="cannot keep alerts here"):
        Alerts([webhook.url()], tmp_path / "file" / "alerts.jsonl").send(ALERT)
    assert not webhook.received
