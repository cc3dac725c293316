"""Processes meet at a port before JAX opens it, and whoever does not come is named."""

import math
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlplatform.errors import TrainingError
from mlplatform.settings import Processes
from mlplatform.train.rendezvous import meet


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


def one(port: int, number: int, count: int = 3) -> Processes:
    return Processes(coordinator=f"127.0.0.1:{port}", count=count, number=number)


def knock(port: int, said: bytes) -> socket.socket:
    """Come to the port once it is open, and say this."""
    while True:
        try:
            line = socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            continue
        line.sendall(said)
        return line


def test_all_go_once_the_last_one_is_there(port, pool):
    going = [pool.submit(meet, one(port, number), math.inf) for number in (2, 0)]
    assert not any(each.done() for each in going)
    meet(one(port, 1), 60)
    assert [each.result(60) for each in going] == [None, None]
    socket.create_server(("", port)).close()  # JAX can open it.


def test_the_first_process_names_those_that_did_not_come(port, pool):
    first = pool.submit(meet, one(port, 0, count=4), 1)
    with (
        knock(port, b"2\n"),
        pytest.raises(TrainingError, match=r"0 of 4 waited 1 s at .* for process 1, 3; start all"),
    ):
        first.result(60)


def test_another_process_names_the_first(port):
    with pytest.raises(TrainingError, match=r"process 1 of 3 waited 0.1 s at .* for process 0;"):
        meet(one(port, 1), 0.1)


def test_who_left_and_who_says_something_else_has_not_come(port, pool):
    first = pool.submit(meet, one(port, 0), 2)
    knock(port, b"1\n").close()
    with (
        knock(port, b"GET / HTTP/1.1\n"),
        knock(port, b""),
        pytest.raises(TrainingError, match="for process 1, 2;"),
    ):
        first.result(60)


def test_one_that_was_sent_away_comes_again(port, pool):
    """As a worker does whose first process was started anew, or that met another server there."""
    with socket.create_server(("127.0.0.1", port)) as other:
        worker = pool.submit(meet, one(port, 1, count=2), 60)
        other.accept()[0].close()
        line = other.accept()[0]
        line.sendall(b"HTTP/1.1 400\r\n")
        line.close()
    meet(one(port, 0, count=2), 60)
    assert worker.result(60) is None


def test_a_port_that_is_taken_is_one_clear_error(port):
    with (
        socket.create_server(("", port), family=socket.AF_INET),
        pytest.raises(TrainingError, match=f"cannot open port {port} of .*: .*; is another train"),
    ):
        meet(one(port, 0), 1)


def test_processes_of_no_others_do_not_wait(port):
    meet(one(port, 0, count=1), 60)
