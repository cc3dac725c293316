"""What a model costs to serve, on real servers: one real measurement, and what a broken server is."""

import socket
import threading
import time
from contextlib import closing, suppress

import pytest

from mlplatform.errors import ServingError
from mlplatform.gates.latency import latency
from mlplatform.gates.throughput import throughput as throughput_gate
from mlplatform.judging import wire
from mlplatform.judging.host import Meter, host
from mlplatform.judging.load import load
from mlplatform.judging.serving_cost import Bench, serving_cost
from mlplatform.judging.throughput import throughput
from mlplatform.lake import Lake
from mlplatform.spec.serving_gates import LatencyGate, ThroughputGate
from mlplatform.verdict import Outcome
from mlplatform_tests.serve.conftest import ROW, exported

QUICK = LatencyGate(seconds=0.4, max_p99_ms=5000, max_served_p99_ms=5000)
SOME = ThroughputGate(min_requests_per_second=0.1, clients=4, seconds=0.6)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 9\r\n\r\ntry again"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Return a bench with two models, and one that reads a column that no row has."""
    lake = Lake(tmp_path_factory.mktemp("bench") / "lake")
    rows = [{**ROW, "not asked": 1}, {**ROW, "age": None}]
    other = exported(3, height="height")
    digests = [lake.artifacts.put(files) for files in (exported(1), exported(2), other)]
    return Bench(lake, rows), digests


@pytest.mark.slow
def test_candidate_and_champion_are_timed_as_programs_and_as_servers(bench):
    where, (candidate, champion, _) = bench
    cost = serving_cost(where, candidate, champion, QUICK, SOME)
    seen = cost.latency
    assert not seen.failed
    assert seen.champion is not None
    assert (seen.champion.digest, seen.champion.unscored) == (champion, "")
    assert [each.path for each in seen.timed] == ["program", "server"]
    for each in seen.timed:
        assert each.samples >= 100
        assert 0 < each.p50 <= each.p99
        assert [ratio.percentile for ratio in each.ratios] == [50, 99]
    assert "core" in seen.host
    assert cost.throughput.requests > 0
    assert cost.throughput.errors == 0
    assert cost.throughput.per_second.lower <= cost.throughput.per_second.observed
    assert latency(seen, QUICK).outcome is not Outcome.FAIL or seen.timed[0].ratios[0].lower > 1
    assert throughput_gate(cost.throughput, SOME).outcome is not Outcome.FAIL


@pytest.mark.slow
def test_a_champion_that_asks_for_other_columns_is_unscored_and_the_candidate_is_judged(bench):
    where, (candidate, _, other) = bench
    seen = serving_cost(where, candidate, other, QUICK, SOME).latency
    assert seen.champion is not None
    assert "it reads ['height']" in seen.champion.unscored
    assert [each.path for each in seen.timed] == ["program", "server"]
    assert latency(seen, QUICK).outcome is Outcome.INCONCLUSIVE


@pytest.mark.slow
def test_a_candidate_that_is_gone_fails_both_gates_and_raises_nothing(bench):
    where, _ = bench
    cost = serving_cost(where, "0" * 64, "", QUICK, SOME)
    assert "there is no artifact" in cost.latency.failed["program"]
    assert set(cost.latency.failed) == {"program", "server"}
    assert latency(cost.latency, QUICK).outcome is Outcome.FAIL
    verdict = throughput_gate(cost.throughput, SOME)
    assert verdict.outcome is Outcome.FAIL
    assert "there is no artifact" in verdict.because


class Fake:
    """A server that answers each request with the next of some replies, over and over; None hangs up."""

    def __init__(self, *replies):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._replies, self._at = replies, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            while connection.recv(1 << 16):
                reply = self._replies[self._at % len(self._replies)]
                self._at += 1
                if reply is None:
                    return
                with suppress(OSError):  # The client is gone: its time was over.
                    for part in (reply[:7], reply[7:]):
                        connection.sendall(part)

    def close(self):
        """Listen no more."""
        self._socket.close()


def test_only_whole_answers_with_200_count_and_everything_else_is_an_error():
    with closing(Fake(GOOD, BUSY, None)) as fake:
        found = load(fake.url, [b"ask"], clients=3, seconds=0.3)
    assert len(found.seconds) == len(found.latency_ms) > 0
    assert found.errors > 0
    assert found.first_error in (
        "429 Too Many Requests: try again",
        "the server closed a connection",
    )
    assert found.seconds == sorted(found.seconds)


def test_a_server_that_nobody_reaches_has_no_throughput_and_says_why():
    with closing(Fake(GOOD)) as fake:
        url = fake.url
    seen = throughput(url, [b"ask"], SOME)
    assert "cannot be reached" in seen.failed
    assert throughput_gate(seen, SOME).outcome is Outcome.FAIL


def test_one_client_refuses_an_answer_that_is_no_200_or_not_whole():
    with closing(Fake(GOOD, BUSY, None)) as fake, wire.Connection(fake.url) as connection:
        assert connection.ask(b"ask") == GOOD
        with pytest.raises(ServingError, match="answers 429 Too Many Requests: try again"):
            connection.ask(b"ask")
        with pytest.raises(ServingError, match="closed the connection"):
            connection.ask(b"ask")


def test_a_connection_that_was_idle_is_opened_anew(monkeypatch):
    """The server has closed it meanwhile."""
    monkeypatch.setattr(wire, "IDLE_SECONDS", 0.05)
    with closing(Fake(GOOD)) as fake, wire.Connection(fake.url) as connection:
        connection.ask(b"ask")
        connection._socket.shutdown(socket.SHUT_RDWR)
        time.sleep(0.1)
        assert connection.ask(b"ask") == GOOD


def test_a_reply_is_whole_when_its_length_is_there():
    assert wire.whole(GOOD)
    assert not any(wire.whole(GOOD[:at]) for at in range(len(GOOD)))
    with pytest.raises(ServingError, match="without its length: 200 OK"):
        wire.whole(b"HTTP/1.1 200 OK\r\n\r\n")


def test_a_request_is_http_with_the_row_as_json():
    (request,) = wire.requests("http://127.0.0.1:8080", [{"age": float("nan"), "job": "clerk"}])
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b'{"rows":[{"age":null,"job":"clerk"}]}'
    assert b"content-length: %d" % len(body) in head
    assert head.startswith(b"POST /predict HTTP/1.1\r\nhost: 127.0.0.1:8080")


def test_the_host_is_a_processor_and_others_use_a_share_of_it():
    assert "core" in host()
    assert socket.gethostname() not in host()
    meter = Meter()
    for _ in range(200_000):
        pass
    assert meter.others() is None or 0 <= meter.others() <= 1
