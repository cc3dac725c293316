"""A pipeline's source in a real S3 server's bucket: landed, appended to, and through kills."""

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest.source import Access, land, land_file, malformed
from mlplatform.lake import Lake
from mlplatform.spec import Pipeline
from mlplatform_tests.ingest.conftest import LINEAGE, make_spec

if TYPE_CHECKING:
    from mlplatform_tests.servers import S3

pytest_plugins = ("mlplatform_tests.servers",)

ANN = b"ann,41,1.68,yes\n"
BOB = b"bob,,1.80,no\n"


@pytest.fixture
def prefix() -> str:
    """A prefix in the bucket that no other test has."""
    return uuid4().hex


def pipeline(tmp_path: Path, *files: str, **source: Any) -> Pipeline:
    return Pipeline(spec=make_spec(files, **source), folder=tmp_path)


def names(lake: Lake) -> list[str]:
    return list(lake.table("people/source").read()["name"].to_pylist())


def test_objects_land_once_and_a_new_one_is_appended_with_its_bad_rows_aside(
    s3: "S3", prefix: str, tmp_path: Path, lake: Lake
) -> None:
    people = pipeline(tmp_path, f"s3://data/{prefix}/*.csv*")
    s3.put(f"{prefix}/a.csv", ANN)
    s3.put(f"{prefix}/b.csv.gz", gzip.compress(BOB))
    land(people, lake, LINEAGE, Access(s3.options))
    first = land(people, lake, LINEAGE, Access(s3.options))
    rows = lake.table("people/source").read()
    assert rows["name"].to_pylist() == ["ann", "bob"]
    assert rows["source_file"].to_pylist() == ["a.csv", "b.csv.gz"]
    assert len(lake.table("people/source").history()) == 2
    s3.put(f"{prefix}/c.csv", b"cy,7,1.2,no\ndi,old,1.5,no\n")
    second = land(people, lake, LINEAGE, Access(s3.options))
    assert (second.number, names(lake)) == (first.number + 1, ["ann", "bob", "cy"])
    assert malformed(lake, people, second).by_file["c.csv"] == (1, 2)


def test_an_object_put_anew_replaces_its_rows_and_equal_bytes_do_not(
    s3: "S3", prefix: str, tmp_path: Path, lake: Lake
) -> None:
    people = pipeline(tmp_path, s3.put(f"{prefix}/a.csv", ANN))
    first = land(people, lake, LINEAGE, Access(s3.options))
    s3.put(f"{prefix}/a.csv", ANN)
    assert land(people, lake, LINEAGE, Access(s3.options)) == first
    s3.put(f"{prefix}/a.csv", BOB)
    assert land(people, lake, LINEAGE, Access(s3.options)).number == first.number + 1
    assert names(lake) == ["bob"]


def test_parquet_lands_and_a_batch_can_be_an_object(
    s3: "S3", prefix: str, tmp_path: Path, lake: Lake
) -> None:
    rows = pa.table(
        {"name": ["ann"], "age": pa.array([41], pa.int32()), "height": [1.68], "member": ["yes"]}
    )
    content = io.BytesIO()
    pq.write_table(rows, content)
    addresses = [s3.put(f"{prefix}/{name}.parquet", content.getvalue()) for name in "ab"]
    said = {"kind": "parquet", "files": addresses[:1]}
    people = Pipeline(spec=make_spec(source=said), folder=tmp_path)
    land(people, lake, LINEAGE, Access(s3.options))
    with pytest.raises(SourceError, match=r"b\.parquet: the same bytes landed as a\.parquet"):
        land_file(people, addresses[1], lake, LINEAGE, Access(s3.options))
    pq.write_table(rows.set_column(0, "name", [["bob"]]), content := io.BytesIO())
    other = s3.put(f"{prefix}/c.parquet", content.getvalue())
    land_file(people, other, lake, LINEAGE, Access(s3.options))
    assert names(lake) == ["ann", "bob"]


def test_one_missing_or_broken_object_keeps_all_of_them_out(
    s3: "S3", prefix: str, tmp_path: Path, lake: Lake
) -> None:
    good = s3.put(f"{prefix}/a.csv", ANN)
    cut = s3.put(f"{prefix}/b.csv.gz", gzip.compress(BOB * 999)[:-9])
    for bad, message in ((cut, r"b\.csv\.gz.*gzip"), (f"s3://data/{prefix}/c.csv", "NoSuchKey")):
        with pytest.raises(SourceError, match=message):
            land(pipeline(tmp_path, good, bad), lake, LINEAGE, Access(s3.options))
    assert lake.tables() == []


KILLED = """
from pathlib import Path
from mlplatform.ingest.source import Access, land
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.lives import lived
from mlplatform_tests.ingest.test_s3_landing import pipeline
from mlplatform_tests.servers import client_of

def live(step):
    row = f"p{step},{step},1.5,no\\n".encode()
    client_of(OPTIONS).put_object(Bucket="data", Key=f"{PREFIX}/{step}.csv", Body=row)
    people = pipeline(Path(FOLDER), f"s3://data/{PREFIX}/*.csv")
    land(people, Lake(Path(FOLDER) / "lake"), LINEAGE, Access(OPTIONS))

print(lived((0, 2, 5, 6), live))
"""


def test_each_object_lands_once_though_landings_are_killed_and_objects_keep_coming(
    s3: "S3", prefix: str, tmp_path: Path, lake: Lake, fresh_python: Callable[[str], str]
) -> None:
    """Lives die ever later: while the first object lands, then the second behind it, ..."""
    head = f"OPTIONS, PREFIX, FOLDER = {s3.options!r}, {prefix!r}, {str(tmp_path)!r}"
    assert fresh_python(head + KILLED) == "[True, True, True, True]\n"
    land(pipeline(tmp_path, f"s3://data/{prefix}/*.csv"), lake, LINEAGE, Access(s3.options))
    assert sorted(names(lake)) == ["p0", "p2", "p5", "p6"]
