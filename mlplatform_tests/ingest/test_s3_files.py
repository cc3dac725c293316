"""Source files in a real S3 server's bucket."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.storage import SourceFile, explained, find, locate
from mlplatform.spec.source import CsvSource

if TYPE_CHECKING:
    from mlplatform_tests.servers import S3

pytest_plugins = ("mlplatform_tests.servers",)

FOLDER = Path("/nowhere")


def found(s3: "S3", *files: str, **changes: str) -> list[SourceFile]:
    return find(CsvSource(kind="csv", files=list(files)), FOLDER, s3.options | changes)


@pytest.fixture(scope="module")
def people(s3: "S3") -> "S3":
    for key in (
        "b.csv",
        "a.csv",
        "a.txt",
        "",
        "sub/c.csv",
        ".hidden.csv",
        "y=1/d.csv",
        "y=2/e.csv",
    ):
        s3.put(f"people/{key}", key.encode())
    return s3


def test_objects_come_in_the_order_declared_and_sorted_within_a_pattern(people: "S3") -> None:
    files = found(people, "s3://data/people/y=*/*.csv", "s3://data/people/*.csv")
    assert [file.where for file in files] == [
        "s3://data/people/y=1/d.csv",
        "s3://data/people/y=2/e.csv",
        "s3://data/people/a.csv",
        "s3://data/people/b.csv",
    ]
    assert [file.name for file in found(people, "s3://data/people/a.txt")] == ["a.txt"]
    everything = found(people, "s3://data/people/*")
    assert [file.name for file in everything] == ["a.csv", "a.txt", "b.csv"]
    alone, listed = (
        found(people, "s3://data/people/a.csv"),
        found(people, "s3://data/people/a*.csv"),
    )
    assert alone == listed
    assert alone[0].stamp == listed[0].stamp


def test_an_object_is_streamed_hashed_and_read_at_random(s3: "S3") -> None:
    content = os.urandom(9_000_000)
    file = locate(s3.put("big.bin", content), FOLDER, s3.options)
    assert (file.name, file.size) == ("big.bin", 9_000_000)
    with file.open() as stream:
        assert stream.read(5) + stream.read() == content
    with file.random_access() as native:
        native.seek(8_999_998)
        assert native.read() == content[-2:]
    assert file.fingerprint() == hashlib.sha256(content).hexdigest()


def test_an_object_put_anew_has_another_stamp_and_has_changed(s3: "S3") -> None:
    file = locate(s3.put("stamp.csv", b"one"), FOLDER, s3.options)
    s3.put("stamp.csv", b"one")
    assert not file.changed()
    s3.put("stamp.csv", b"two")
    assert file.changed()
    assert locate(file.where, FOLDER, s3.options).stamp != file.stamp


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://data/none.csv", r"^s3://data/none\.csv: S3 says NoSuchKey; put the object there"),
        ("s3://data/none/*.csv", r"^s3://data/none/\*\.csv: matches no file"),
        ("s3://none/a.csv", r"^s3://none/a\.csv: S3 says NoSuchBucket; create the bucket"),
        ("s3://none/*.csv", "S3 says NoSuchBucket"),
        ("s3://no!/a.csv", "s3://no!/a.csv: ParamValidationError; correct the bucket's name"),
        ("s3://data", "s3://data: expected s3://bucket/key"),
        ("s3://data/people/", "expected s3://bucket/key or"),
        ("s3://da*/a.csv", "expected s3://bucket/key or"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(s3: "S3", address: str, message: str) -> None:
    with pytest.raises(SourceError, match=message) as said:
        found(s3, address)
    assert "\n" not in str(said.value)


def test_objects_with_one_base_name_or_a_name_that_garbles_are_refused(s3: "S3") -> None:
    s3.put("twice/a.csv", b"")
    s3.put("twice/sub/a.csv", b"")
    with pytest.raises(SourceError, match=r"2 files named a\.csv \(s3://data/twice/a\.csv, s3://"):
        found(s3, "s3://data/twice/*.csv", "s3://data/twice/sub/a.csv")
    s3.put("garbled/a\u202eb.csv", b"")
    with pytest.raises(SourceError, match=r"'s3://data/garbled/a\\u202eb\.csv': .*control char"):
        found(s3, "s3://data/garbled/*")


def test_an_endpoint_that_does_not_answer_is_named_without_its_password(s3: "S3") -> None:
    for address in ("s3://data/a.csv", "s3://data/*.csv"):
        with pytest.raises(SourceError, match=r"no answer from 127\.0\.0\.1:1 \(Endpoint") as said:
            found(s3, address, aws_endpoint_url="http://me:hunter2@127.0.0.1:1")
        assert "hunter2" not in str(said.value)


def test_a_refusal_names_its_code_and_no_credentials(s3: "S3") -> None:
    with answering(403, "<Error><Code>AccessDenied</Code><Message>AKIAME</Message></Error>") as at:
        for address in ("s3://data/a.csv", "s3://data/*.csv"):
            with pytest.raises(SourceError, match="S3 says AccessDenied; grant these") as said:
                found(s3, address, aws_endpoint_url=at, aws_access_key_id="AKIAME")
            assert "AKIAME" not in str(said.value)


def test_a_bucket_that_goes_away_under_a_reader_is_one_line(s3: "S3") -> None:
    file = locate(s3.put("gone.csv", b"x" * 100), FOLDER, s3.options)
    s3.client.delete_object(Bucket="data", Key="gone.csv")
    with pytest.raises(SourceError, match=r"^s3://data/gone\.csv: no such file"):
        file.open()
    with pytest.raises(SourceError, match="S3 says NoSuchKey"):
        file.changed()


def test_a_read_that_breaks_in_the_middle_is_one_line(s3: "S3") -> None:
    file = locate(s3.put("broken.csv", b"x" * 100), FOLDER, s3.options)
    with file.open() as stream, file.random_access() as native:
        s3.client.delete_object(Bucket="data", Key="broken.csv")
        with pytest.raises(SourceError, match=r"^s3://data/broken\.csv: ") as said:
            stream.read()
        assert "\n" not in str(said.value)
        with pytest.raises(SourceError, match=r"^s3://data/broken\.csv: "), explained(file.where):
            native.read()


def test_what_is_shown_of_a_file_holds_no_credentials(s3: "S3") -> None:
    options = s3.options | {"aws_secret_access_key": "hunter2", "aws_session_token": "hunter3"}
    file = locate(s3.put("shown.csv", b""), FOLDER, options)
    assert "hunter" not in f"{file!r} {file} {vars(file)}"


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A server that gives everybody the same answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body.encode())

        do_HEAD = do_GET  # noqa: N815  The base class names it.

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
