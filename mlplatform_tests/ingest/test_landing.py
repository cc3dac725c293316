"""What lands and what stays out: patterns, copies, races, files that change, memory, S3."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from mlplatform.errors import SourceError
from mlplatform.ingest import file_part, source
from mlplatform.ingest.access import Access, needs_s3
from mlplatform.ingest.landed import landed
from mlplatform.ingest.source import land, land_file
from mlplatform.ingest.storage import LocalFile
from mlplatform.ingest.storage_s3 import S3File
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE, ROOT
from mlplatform_tests.ingest.landings import ANN, BOB, CY, left_behind, names, people, pipeline_of
from mlplatform_tests.lake.conftest import s3_options

__all__ = ["s3_options"]

B, D, E = "cy,7,1.20,no\n", "di,1,1.5,no\n", "ed,2,1.6,yes\n"


def csv_of(folder: Path, *files: str, **changes):
    return pipeline_of(folder, kind="csv", header=False, files=list(files), **changes)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)


def test_a_file_that_a_pattern_found_stays_when_it_is_moved_away(tmp_path, lake):
    write(tmp_path, a=B, b=D)
    land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    (tmp_path / "a.csv").unlink()
    version = land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    assert (names(lake), version.number) == (["cy", "di"], 1)
    write(tmp_path, b=E)
    land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    assert names(lake) == ["cy", "ed"]


def test_with_full_the_table_is_what_is_there_now(tmp_path, lake):
    write(tmp_path, a=B, b=D)
    pipeline = csv_of(tmp_path, "*.csv", load="full")
    land(pipeline, lake, LINEAGE)
    (tmp_path / "a.csv").unlink()
    write(tmp_path, c=E)
    land(pipeline, lake, LINEAGE)
    assert names(lake) == ["di", "ed"]
    with pytest.raises(SourceError, match="only files with append or upsert take batches"):
        land_file(pipeline, tmp_path / "c.csv", lake, LINEAGE)


def test_an_upsert_lands_like_an_append(tmp_path, lake):
    write(tmp_path, a=B, b=B + D)
    land(csv_of(tmp_path, "*.csv", load="upsert", key=["name"]), lake, LINEAGE)
    assert names(lake) == ["cy", "cy", "di"]


def test_the_same_bytes_under_another_name_are_refused_naming_the_first(tmp_path, lake):
    write(tmp_path, a=B)
    pipeline = csv_of(tmp_path, "*.csv")
    land(pipeline, lake, LINEAGE)
    before = left_behind(lake)
    write(tmp_path, copy=B, zoe=D)
    with pytest.raises(SourceError, match=r"^copy\.csv: the same bytes landed as a\.csv; remove"):
        land(pipeline, lake, LINEAGE)
    (tmp_path / "copy.csv").unlink()
    (tmp_path / "batch").write_text(B)
    with pytest.raises(SourceError, match=r"^batch: the same bytes landed as a\.csv"):
        land_file(pipeline, tmp_path / "batch", lake, LINEAGE)
    assert left_behind(lake) == before


def test_two_new_files_of_the_same_bytes_are_refused_unless_the_spec_names_both(tmp_path, lake):
    write(tmp_path, a=B, b=B)
    with pytest.raises(SourceError, match=r"b\.csv: the same bytes landed as a\.csv"):
        land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    assert lake.tables() == []
    land(csv_of(tmp_path, "a.csv", "b.csv"), lake, LINEAGE)
    assert names(lake) == ["cy", "cy"]


def test_bytes_may_move_to_another_name_when_their_own_has_others_now(tmp_path, lake):
    """As logs are turned: what was `a` is `b`, and `a` begins anew."""
    write(tmp_path, a=B)
    land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    write(tmp_path, a=D, b=B)
    land(csv_of(tmp_path, "*.csv"), lake, LINEAGE)
    assert names(lake) == ["di", "cy"]


def test_a_text_that_changes_while_it_is_read_is_refused(tmp_path, lake, monkeypatch):
    """Even when size and times look the same: the bytes that were read are hashed."""
    write(tmp_path, a=B, b=D)
    real = LocalFile.fingerprint

    def then_changed(file):
        sha256 = real(file)
        status = file.path.stat()
        file.path.write_text(file.path.read_text().replace("1", "2"))
        os.utime(file.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        return sha256

    monkeypatch.setattr(LocalFile, "fingerprint", then_changed)
    with pytest.raises(SourceError, match=r"a\.csv: changed while it was read; land it again"):
        land(csv_of(tmp_path, "a.csv", "b.csv"), lake, LINEAGE)
    assert lake.tables() == []


def test_a_parquet_file_that_changes_while_it_is_read_is_refused(tmp_path, lake, monkeypatch):
    pq.write_table(people(ANN, BOB), tmp_path / "a.parquet")
    real = file_part.ParquetRows.chunks

    def then_changed(rows):
        yield from real(rows)
        status = (tmp_path / "a.parquet").stat()
        raw = bytearray((tmp_path / "a.parquet").read_bytes())
        raw[10] ^= 1
        (tmp_path / "a.parquet").write_bytes(raw)
        os.utime(tmp_path / "a.parquet", ns=(status.st_atime_ns, status.st_mtime_ns))

    monkeypatch.setattr(file_part.ParquetRows, "chunks", then_changed)
    with pytest.raises(SourceError, match="changed while it was read"):
        land(pipeline_of(tmp_path, kind="parquet", files=["a.parquet"]), lake, LINEAGE)
    assert lake.tables() == []


def test_a_landing_overtaken_by_another_looks_again_and_lands_nothing_twice(
    tmp_path, lake, monkeypatch
):
    write(tmp_path, a=B, b=D)
    pipeline = csv_of(tmp_path, "*.csv")
    real, overtaken = source.landed, []

    def then_overtaken(table, *version):
        state = real(table, *version)
        if not overtaken:
            overtaken.append(write(tmp_path, c=E))
            land(pipeline, Lake(tmp_path / "lake"), LINEAGE)
        return state

    monkeypatch.setattr(source, "landed", then_overtaken)
    assert land(pipeline, lake, LINEAGE).number == 2
    assert names(lake) == ["cy", "di", "ed"]


def test_a_table_landed_before_rows_were_typed_is_made_anew(tmp_path, lake):
    write(tmp_path, a=B)
    text = pa.table({"name": ["cy"], "source_file": ["a.csv"]})
    lake.table("people/source").append(text, LINEAGE, token="1")
    land(csv_of(tmp_path, "a.csv"), lake, LINEAGE)
    assert lake.table("people/source").read()["age"].to_pylist() == [7]


MEASURED = """
import re
from pathlib import Path
from mlplatform.ingest.source import land
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import pipeline_of
folder = Path({folder!r})
peaks = []
for file in ("small", "large"):
    source = {{"kind": {kind!r}, "files": [f"{{file}}.{kind}"], "load": "full"}}
    columns = {{"name": "string", "x": "float64", "y": "float64", "member": "string"}}
    version = land(pipeline_of(folder, **source, columns=columns), Lake(folder / file), LINEAGE)
    status = Path("/proc/self/status").read_text()
    peaks.append(int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024)
print(version.rows, *peaks)
"""


@pytest.mark.parametrize(("kind", "count"), [("csv", 1_300_000), ("parquet", 2_500_000)])
def test_memory_does_not_grow_with_the_file(tmp_path, kind, count):
    """The small file already fills what every landing holds: a row group on its way out."""
    for name, rows in (("small", _numbers(300_000)), ("large", _numbers(count))):
        if kind == "csv":
            pa.csv.write_csv(rows, tmp_path / f"{name}.csv")
        else:  # One row group: nothing of the file's own makes reading it cheap.
            path = tmp_path / f"{name}.parquet"
            pq.write_table(rows, path, row_group_size=count, use_dictionary=False)
    program = dedent(MEASURED.format(folder=str(tmp_path), kind=kind))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    rows, first, second = map(int, done.stdout.split())
    assert rows == count
    assert second - first < 80  # MB, of 128 MB as text and 97 MB as Parquet.


def _numbers(rows: int) -> pa.Table:
    """Rows of about 115 bytes as text: the same 100,000 again and again."""
    dice = np.random.default_rng(7)
    x = dice.normal(size=100_000)
    words = pa.array(dice.integers(0, 2**60, len(x))).cast(pa.string())
    name = pc.binary_join_element_wise(words, words, words, "-")
    block = pa.table({"name": name, "x": x, "y": x * 3, "member": np.where(x > 0, "yes", "no")})
    return pa.concat_tables([block] * (rows // len(x)))


class Bucket:
    """The bucket of the S3 server, and how to reach it."""

    def __init__(self, options: dict[str, str]) -> None:
        import boto3

        self.access = Access(s3=options)
        self._client = boto3.client(
            "s3",
            endpoint_url=options["aws_endpoint_url"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )

    def put(self, key: str, text: str | bytes) -> None:
        body = text if isinstance(text, bytes) else text.encode()
        self._client.put_object(Bucket="lake", Key=key, Body=body)


@pytest.fixture
def bucket(s3_options):
    return Bucket(s3_options)


def test_objects_land_and_are_not_downloaded_again(tmp_path, lake, bucket, monkeypatch):
    bucket.put("in/a.csv", B)
    pipeline = csv_of(tmp_path, "s3://lake/in/*.csv")
    assert needs_s3(pipeline.spec)
    land(pipeline, lake, LINEAGE, bucket.access)
    bucket.put("in/b.csv", D)
    opened = []
    real = S3File.random_access
    monkeypatch.setattr(S3File, "random_access", lambda f: opened.append(f.name) or real(f))
    version = land(pipeline, lake, LINEAGE, bucket.access)
    assert (names(lake), opened) == (["cy", "di"], ["b.csv"])
    state = landed(lake.table("people/source"))
    assert state.files["b.csv"].sha256 == hashlib.sha256(D.encode()).hexdigest()
    assert land(pipeline, lake, LINEAGE, bucket.access) == version
    assert opened == ["b.csv"]


def test_an_object_written_again_with_the_same_bytes_adds_no_version(tmp_path, lake, bucket):
    table = pa.BufferOutputStream()
    pq.write_table(people(ANN, CY), table)
    bucket.put("same/a.parquet", table.getvalue().to_pybytes())
    pipeline = pipeline_of(tmp_path, kind="parquet", files=["s3://lake/same/a.parquet"])
    version = land(pipeline, lake, LINEAGE, bucket.access)
    assert names(lake) == ["ann", "cy"]
    bucket.put("same/a.parquet", table.getvalue().to_pybytes())
    assert land(pipeline, lake, LINEAGE, bucket.access) == version


def test_a_delta_table_in_s3_lands_and_grows(tmp_path, lake, bucket):
    where, options = "s3://lake/clinic", dict(bucket.access.s3)
    write_deltalake(where, people(ANN), storage_options=options)
    pipeline = pipeline_of(tmp_path, kind="delta", table=where)
    assert needs_s3(pipeline.spec)
    land(pipeline, lake, LINEAGE, bucket.access)
    write_deltalake(where, people(BOB), storage_options=options, mode="append")
    land(pipeline, lake, LINEAGE, bucket.access)
    assert names(lake) == ["ann", "bob"]


def test_a_delta_table_in_s3_reaches_no_object_outside_it(tmp_path, lake, bucket):
    where, options = "s3://lake/ward/clinic", dict(bucket.access.s3)
    write_deltalake(where, people(ANN), storage_options=options)
    private = pa.BufferOutputStream()
    pq.write_table(people(BOB), private)
    bucket.put("ward/private.parquet", private.getvalue().to_pybytes())
    add = {"partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}
    entry = json.dumps({"add": {**add, "path": "../private.parquet"}})
    bucket.put("ward/clinic/_delta_log/00000000000000000001.json", entry)
    with pytest.raises(SourceError, match="clinic: its log names files outside the table"):
        land(pipeline_of(tmp_path, kind="delta", table=where), lake, LINEAGE, bucket.access)
    assert lake.tables() == []
