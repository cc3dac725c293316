"""A lake on a temporary path, and a real S3 server on this machine."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.lake import Lake, Lineage

BY = Lineage(asset="shop/orders", run_id="run-1", code_version="abc")


def rows(start: int, count: int) -> pa.Table:
    """Rows that tell where they came from."""
    numbers = range(start, start + count)
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "share": pa.array([n / 7 for n in numbers], pa.float64()),
            "name": pa.array([None if n % 5 == 0 else f"row {n}" for n in numbers], pa.string()),
        }
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict[str, str]]:
    """How to reach a moto server that holds the bucket `lake`."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    options = {
        "aws_endpoint_url": f"http://127.0.0.1:{port}",
        "allow_http": "true",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
    }
    try:
        _wait_for(port)
        _make_bucket(options)
        yield options
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, "the S3 server did not start"
            time.sleep(0.05)
        else:
            return


def _make_bucket(options: dict[str, str]) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=options["aws_endpoint_url"],
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
        region_name=options["aws_region"],
    )
    client.create_bucket(Bucket="lake")
