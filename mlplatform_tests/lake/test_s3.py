"""The same lake in a bucket: tables, pins and artifacts, and clear words when S3 cannot be used."""

import uuid
from pathlib import Path

import pyarrow.compute as pc
import pytest

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.lake import Lake
from mlplatform_tests.lake.conftest import BY, rows


@pytest.fixture
def bucket(s3_options: dict[str, str]) -> Lake:
    return Lake(f"s3://lake/{uuid.uuid4().hex}", s3_options)


def test_tables_round_trip_like_on_a_disk(bucket: Lake, tmp_path: Path) -> None:
    bucket.check_writable()
    versions = []
    for lake in (bucket, Lake(tmp_path)):
        table = lake.table("shop/orders")
        table.overwrite(rows(0, 5), BY)
        table.append(rows(5, 3), BY, token="1")
        assert table.append(rows(5, 3), BY, token="1").number == 1
        with pytest.raises(ConcurrentWriteError, match="at version 1, not 0"):
            table.overwrite(rows(0, 1), BY, expected=0)
        fresh = lake.table("shop/orders")
        assert fresh.read()["number"].to_pylist() == list(range(8))
        assert fresh.read(0, ["name"], pc.field("number") == 4).to_pylist() == [{"name": "row 4"}]
        assert fresh.rows_added_since(0) == 3
        assert lake.tables() == ["shop/orders"]
        versions.append([(v.reference, v.rows, v.lineage) for v in fresh.history()])
    assert versions[0] == versions[1]
    assert bucket.table("shop/orders").files()[0].startswith(bucket.root)


def test_pins_and_artifacts_round_trip_like_on_a_disk(bucket: Lake) -> None:
    table = bucket.table("shop/orders")
    first = table.overwrite(rows(0, 5), BY)
    assert bucket.pins("run-1").get("shop/orders") == first
    second = table.append(rows(5, 3), BY, token="1")
    assert bucket.pins("run-1").set(second) == first
    digest = bucket.artifacts.put({"a.txt": b"hello"}, {"n": 1})
    assert bucket.artifacts.put({"a.txt": b"hello"}, {"n": 1}) == digest
    artifact = bucket.artifacts.open(digest)
    assert artifact.read("a.txt") == b"hello"
    assert artifact.facts == {"n": 1}
    with pytest.raises(LakeError, match="there is no artifact"):
        bucket.artifacts.open("0" * 64)


def test_a_damaged_object_is_refused(bucket: Lake) -> None:
    table = bucket.table("shop/orders")
    table.overwrite(rows(0, 5), BY)
    filesystem, _ = bucket._storage.filesystem()
    with filesystem.open_output_stream(table.files()[0].removeprefix("s3://")) as stream:
        stream.write(b"garbage")
    with pytest.raises(CorruptionError, match="version 0 of shop/orders"):
        table.read()


def test_a_cold_scan_of_many_commits_finds_every_token(bucket: Lake) -> None:
    table = bucket.table("shop/orders")
    for n in range(9):
        table.append(rows(n, 1), BY, token=str(n))
    fresh = Lake(bucket.root, bucket._storage.options).table("shop/orders")
    landed = fresh.landed(map(str, range(9)))
    assert {token: v.number for token, v in landed.items()} == {str(n): n for n in range(9)}


def test_a_missing_bucket_is_named(s3_options: dict[str, str]) -> None:
    lake = Lake("s3://not-there/x", s3_options)
    for use in (
        lake.check_writable,
        lake.tables,
        lambda: lake.table("a").latest(),
        lambda: lake.table("a").overwrite(rows(0, 1), BY),
        lambda: lake.artifacts.put({"a": b""}),
    ):
        with pytest.raises(LakeError, match=r"s3://not-there/x.*: NoSuchBucket; create the bucket"):
            use()


def test_an_endpoint_that_does_not_answer_is_named(s3_options: dict[str, str]) -> None:
    lake = Lake("s3://lake/x", {**s3_options, "aws_endpoint_url": "http://127.0.0.1:1"})
    with pytest.raises(LakeError, match=r"Could not connect to .*http://127\.0\.0\.1:1"):
        lake.table("a").latest()
    with pytest.raises(LakeError, match="Could not connect"):
        lake.check_writable()


def test_a_root_of_another_kind_is_refused() -> None:
    with pytest.raises(LakeError, match="expected a local folder or s3://bucket/prefix"):
        Lake("gs://bucket/x")
    with pytest.raises(LakeError, match="names no bucket"):
        Lake("s3://")
