"""Parquet files: whatever the footer says, one clear error or rows of the declared columns."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import SourceError
from mlplatform.ingest import parquet
from mlplatform.ingest.landed import landed
from mlplatform.ingest.source import land, malformed
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import ANN, BOB, CY, names, people, pipeline_of


def parquet_of(folder, *files, **changes):
    return pipeline_of(folder, kind="parquet", files=list(files), **changes)


def test_rows_land_with_their_number_across_row_groups_and_batches(
    tmp_path, lake, table, monkeypatch
):
    monkeypatch.setattr(parquet, "BATCH_ROWS", 3)
    pq.write_table(people(*[ANN, BOB, CY] * 4), tmp_path / "a.parquet", row_group_size=5)
    land(parquet_of(tmp_path, "a.parquet"), lake, LINEAGE)
    rows = table.read()
    assert rows["source_line"].to_pylist() == list(range(1, 13))
    assert rows["age"].to_pylist() == [41, 7, None] * 4


def test_columns_are_found_by_name_and_others_are_left_out_and_told(tmp_path, lake, table):
    rows = people(ANN, BOB)
    turned = rows.select(["member", "height", "age", "name"]).append_column("z", pa.array([1, 2]))
    pq.write_table(turned.append_column("a\nb", pa.array([{"n": 1}] * 2)), tmp_path / "a.parquet")
    land(parquet_of(tmp_path, "a.parquet"), lake, LINEAGE)
    assert table.read().select(rows.column_names) == rows
    assert list(landed(table).files["a.parquet"].undeclared) == ["a\\nb", "z"]


def test_columns_with_dots_are_not_taken_for_nested_ones(tmp_path, lake, table):
    columns = {"a": "int64", "a.b": "int64", "member": "string"}
    rows = pa.table({"a.b": [2], "a": [1], "member": ["yes"], "c": [{"a": 9, "a.b": 9}]})
    pq.write_table(rows, tmp_path / "a.parquet")
    land(parquet_of(tmp_path, "a.parquet", columns=columns), lake, LINEAGE)
    (row,) = table.read().to_pylist()
    assert (row["a"], row["a.b"]) == (1, 2)


def test_dictionaries_and_large_types_land_as_declared(tmp_path, lake, table):
    rows = people(ANN, BOB)
    stored = rows.set_column(0, "name", rows["name"].dictionary_encode())
    stored = stored.set_column(3, "member", rows["member"].cast(pa.large_string()))
    pq.write_table(stored, tmp_path / "a.parquet")
    land(parquet_of(tmp_path, "a.parquet"), lake, LINEAGE)
    assert table.read().select(rows.column_names) == rows


def test_spark_s_old_timestamps_land_exactly_even_far_from_today(tmp_path, lake, table):
    """As nanoseconds, INT96 would wrap around in the year 2262."""
    at = pa.array([253_402_300_799_000_000, 1], pa.timestamp("us"))
    stored = pa.table({"at": at, "member": ["yes", "no"]})
    pq.write_table(stored, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)
    columns = {"at": "timestamp", "member": "string"}
    land(parquet_of(tmp_path, "a.parquet", columns=columns), lake, LINEAGE)
    assert table.read()["at"].cast(pa.int64()).to_pylist() == at.cast(pa.int64()).to_pylist()


def test_a_row_whose_value_does_not_convert_is_rejected_with_its_number(tmp_path, lake):
    rows = people(ANN, BOB, CY)
    stored = rows.set_column(1, "age", pa.array([41.0, 7.5, 3.0]))
    pq.write_table(stored, tmp_path / "a.parquet")
    pipeline = parquet_of(tmp_path, "a.parquet")
    seen = malformed(lake, pipeline, land(pipeline, lake, LINEAGE))
    assert names(lake) == ["ann", "cy"]
    (example,) = seen.examples
    assert (example["source_line"], example["column"], example["text"]) == (2, "age", "7.5")


def test_a_file_without_rows_lands_none(tmp_path, lake):
    """Spark writes such parts; the row-count gate judges the whole."""
    pq.write_table(people(), tmp_path / "a.parquet")
    pq.write_table(people(ANN), tmp_path / "b.parquet")
    version = land(parquet_of(tmp_path, "*.parquet"), lake, LINEAGE)
    assert (version.number, names(lake)) == (1, ["ann"])


REFUSED = {
    "a missing column": (people(ANN).drop(["age"]), "no column 'age'; it has name, height, member"),
    "a text": (people(ANN).set_column(1, "age", pa.array(["41"])), "'age' is string, declared int"),
    "a list": (people(ANN).set_column(1, "age", pa.array([[41]])), "'age' is list<.*>, declared"),
    "two of a name": (
        pa.Table.from_arrays([*people(ANN).columns, pa.array([1])], names=[*people().column_names, "age"]),
        "2 columns are called 'age'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_with_other_columns_is_refused_and_nothing_lands(tmp_path, lake, case):
    rows, message = REFUSED[case]
    pq.write_table(people(BOB), tmp_path / "a.parquet")
    pq.write_table(rows, tmp_path / "b.parquet")
    with pytest.raises(SourceError, match=message) as error:
        land(parquet_of(tmp_path, "a.parquet", "b.parquet"), lake, LINEAGE)
    assert str(error.value).startswith("b.parquet: ")
    assert lake.tables() == []


@pytest.fixture
def sound(tmp_path):
    """The bytes of a file of 2,000 rows in several compressed row groups."""
    rows = people(*[ANN, BOB, CY, ANN | {"name": "ü" * 40}] * 500)
    pq.write_table(rows, tmp_path / "whole", row_group_size=700, write_page_checksum=True)
    return (tmp_path / "whole").read_bytes()


DAMAGE = {
    "no footer": lambda raw: raw[: len(raw) // 2],
    "half a magic": lambda raw: raw[:-2],
    "text": lambda raw: b"name,age\nann,41\n",
    "nothing": lambda raw: b"",
    "a footer of another length": lambda raw: raw[:-8] + b"\xff\xff\xff\x7f" + raw[-4:],
    "an empty middle": lambda raw: raw[:50] + bytes(400) + raw[450:],
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, lake, sound, case):
    (tmp_path / "a.parquet").write_bytes(DAMAGE[case](sound))
    with pytest.raises(SourceError, match=r"a\.parquet: no sound Parquet file: ") as error:
        land(parquet_of(tmp_path, "a.parquet"), lake, LINEAGE)
    assert "\n" not in str(error.value)
    assert lake.tables() == []


def test_bytes_changed_anywhere_are_an_error_or_change_no_row(tmp_path, lake, sound):
    """Pages carry checksums here, so a flipped bit of data cannot pass for data."""
    dice = random.Random(7)  # noqa: S311 - a seed, no secret.
    path, pipeline = tmp_path / "a.parquet", parquet_of(tmp_path, "a.parquet")
    path.write_bytes(sound)
    land(pipeline, lake, LINEAGE)
    whole = lake.table("people/source").read().drop(["source_file", "source_line"])
    refused = 0
    for _ in range(50):
        raw = bytearray(sound)
        raw[dice.randrange(len(raw) // 2)] ^= 1 << dice.randrange(8)
        path.write_bytes(raw)
        try:
            land(pipeline, lake, LINEAGE)
        except SourceError:
            refused += 1
        else:
            assert lake.table("people/source").read().select(whole.column_names) == whole
    assert refused > 20  # The rest hit what no row depends on, such as statistics.


def test_wide_rows_come_in_smaller_batches(tmp_path):
    wide = people(*[ANN | {"name": "x" * 100_000}] * 100)
    pq.write_table(wide, tmp_path / "a.parquet", use_dictionary=False)
    batch_rows = parquet._batch_rows(pq.read_metadata(tmp_path / "a.parquet"))
    assert 300 < batch_rows < 1500
    assert parquet._batch_rows(pq.read_metadata(_narrow(tmp_path))) == parquet.BATCH_ROWS


def _narrow(folder):
    pq.write_table(people(ANN, BOB), folder / "b.parquet")
    return folder / "b.parquet"
