"""Another Delta table as a source: its files once each, and a refusal where they were rewritten."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from mlplatform.errors import SourceError
from mlplatform.ingest.landed import landed
from mlplatform.ingest.source import files_of, identities_of, land, withdraw_file
from mlplatform.lake import Lake
from mlplatform_tests.ingest.conftest import LINEAGE
from mlplatform_tests.ingest.landings import (
    ANN,
    BOB,
    CY,
    left_behind,
    names,
    people,
    pipeline_of,
)


@pytest.fixture
def foreign(tmp_path):
    """A table of ann; writes more with `foreign(rows)`."""

    def write(*rows, mode="append", **more):
        write_deltalake(tmp_path / "clinic", people(*rows), mode=mode, **more)

    write(ANN)
    return write


def delta_of(folder, **changes):
    return pipeline_of(folder, **{"kind": "delta", "table": "clinic", **changes})


def test_the_snapshot_lands_first_and_then_each_growth_once(tmp_path, lake, table, foreign):
    foreign(BOB)
    first = land(delta_of(tmp_path), lake, LINEAGE)
    assert land(delta_of(tmp_path), lake, LINEAGE) == first
    foreign(CY)
    foreign(ANN | {"name": "zoe"})
    second = land(delta_of(tmp_path), lake, LINEAGE)
    assert (second.number, names(lake)) == (1, ["ann", "bob", "cy", "zoe"])
    assert table.read()["source_file"].to_pylist() == ["clinic@1"] * 2 + ["clinic@3"] * 2
    assert table.read()["source_line"].to_pylist() == [1, 2, 1, 2]
    assert land(delta_of(tmp_path), lake, LINEAGE) == second


def test_compacting_its_files_brings_no_row_again(tmp_path, lake, foreign):
    foreign(BOB)
    land(delta_of(tmp_path), lake, LINEAGE)
    foreign(CY)
    DeltaTable(tmp_path / "clinic").optimize.compact()
    before = land(delta_of(tmp_path), lake, LINEAGE)
    assert names(lake) == ["ann", "bob", "cy"]
    foreign(ANN | {"name": "zoe"})
    DeltaTable(tmp_path / "clinic").optimize.compact()
    assert land(delta_of(tmp_path), lake, LINEAGE).number == before.number + 1
    assert names(lake) == ["ann", "bob", "cy", "zoe"]


def cleaned(path):
    """Forget every log entry but the newest, as the source's own log retention does."""
    table = DeltaTable(path)
    table.create_checkpoint()
    for number in range(table.version()):
        (path / "_delta_log" / f"{number:020d}.json").unlink(missing_ok=True)


@pytest.mark.parametrize("load", ["append", "upsert"])
def test_versions_without_new_rows_are_recorded_once_and_may_then_be_forgotten(
    tmp_path, lake, table, foreign, load
):
    pipeline = delta_of(tmp_path, load=load, key=["name"])
    foreign(BOB)
    first = land(pipeline, lake, LINEAGE)
    DeltaTable(tmp_path / "clinic").optimize.compact()
    foreign()  # No rows at all.
    seen = land(pipeline, lake, LINEAGE)
    assert (seen.number, seen.rows) == (first.number + 1, first.rows)
    assert files_of(table, seen) == {"clinic@1"}
    assert land(pipeline, lake, LINEAGE) == seen
    cleaned(tmp_path / "clinic")
    assert land(pipeline, lake, LINEAGE) == seen
    foreign(CY)
    assert land(pipeline, lake, LINEAGE).number == seen.number + 1
    assert names(lake) == ["ann", "bob", "cy"]


CHANGES = {
    "removed": lambda path: DeltaTable(path).delete("name = 'ann'"),
    "rewritten": lambda path: DeltaTable(path).update({"age": "1"}),
    "overwritten": lambda path: write_deltalake(path, people(BOB), mode="overwrite"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_append_refuses_rows_that_were_removed_or_rewritten(tmp_path, lake, foreign, change):
    foreign(BOB)
    land(delta_of(tmp_path), lake, LINEAGE)
    before = left_behind(lake)
    CHANGES[change](tmp_path / "clinic")
    with pytest.raises(SourceError, match=r"rewritten after version 1.*full, or to upser"):
        land(delta_of(tmp_path), lake, LINEAGE)
    assert left_behind(lake) == before
    land(delta_of(tmp_path, load="full"), lake, LINEAGE)
    there = DeltaTable(tmp_path / "clinic").to_pyarrow_dataset().to_table()
    assert sorted(names(lake)) == sorted(there["name"].to_pylist())


def test_an_upsert_lands_rewritten_rows_again(tmp_path, lake, table, foreign):
    foreign(BOB)
    pipeline = delta_of(tmp_path, load="upsert", key=["name"])
    land(pipeline, lake, LINEAGE)
    DeltaTable(tmp_path / "clinic").update({"age": "8"}, predicate="name = 'bob'")
    land(pipeline, lake, LINEAGE)
    assert names(lake) == ["ann", "bob", "bob"]
    assert table.read()["age"].to_pylist() == [41, 7, 8]


def test_full_replaces_the_table_only_when_a_row_differs(tmp_path, lake, table, foreign):
    pipeline = delta_of(tmp_path, load="full")
    first = land(pipeline, lake, LINEAGE)
    foreign(ANN, mode="overwrite")
    assert land(pipeline, lake, LINEAGE) == first
    foreign(BOB, mode="overwrite")
    assert land(pipeline, lake, LINEAGE).number == first.number + 1
    assert names(lake) == ["bob"]
    assert table.read()["source_file"].to_pylist() == ["clinic"]


def test_another_table_in_its_place_is_refused(tmp_path, lake, foreign):
    import shutil

    land(delta_of(tmp_path), lake, LINEAGE)
    shutil.rmtree(tmp_path / "clinic")
    foreign(BOB)
    foreign(CY)
    with pytest.raises(SourceError, match="is not the table that landed at version 0"):
        land(delta_of(tmp_path), lake, LINEAGE)


def test_a_log_that_was_cleaned_away_is_refused(tmp_path, lake, foreign):
    land(delta_of(tmp_path), lake, LINEAGE)
    for _ in range(3):
        foreign(BOB)
    DeltaTable(tmp_path / "clinic").create_checkpoint()
    for number in range(3):
        (tmp_path / "clinic" / "_delta_log" / f"{number:020d}.json").unlink()
    with pytest.raises(SourceError, match="log no longer holds version 1"):
        land(delta_of(tmp_path), lake, LINEAGE)


def test_values_of_partitions_and_added_columns_are_read(tmp_path, lake, table):
    at = datetime(2020, 1, 2, 3, tzinfo=UTC)
    schema = pa.schema(
        [("at", pa.timestamp("us", "UTC")), ("place", pa.string()), ("n", pa.int32())]
    )
    rows = [{"at": at, "place": "a/ü %", "n": 1}, {"at": None, "place": None, "n": 2}]
    old = pa.Table.from_pylist(rows, schema=schema)
    path = tmp_path / "clinic"
    write_deltalake(path, old, partition_by=["place", "at"])
    columns = {"at": "timestamp", "place": "string", "n": "int64", "new": "float64"}
    label = {"columns": columns | {"member": "string"}}
    more = {"new": pa.array([0.5, 1.5]), "member": pa.array(["yes", "no"])}
    new = pa.table({**{name: old[name] for name in schema.names}, **more})
    write_deltalake(path, new, partition_by=["place", "at"], mode="append", schema_mode="merge")
    land(delta_of(tmp_path, **label), lake, LINEAGE)
    write_deltalake(path, new, partition_by=["place", "at"], mode="append")
    land(delta_of(tmp_path, **label), lake, LINEAGE)
    found = table.read().to_pylist()
    seen = sorted(
        (row["n"], row["new"] or 0, row["place"], row["at"]) for row in found if row["at"]
    )
    assert seen == [(1, 0, "a/ü %", at), (1, 0.5, "a/ü %", at), (1, 0.5, "a/ü %", at)]
    assert [row["place"] for row in found if row["at"] is None] == [None] * 3


def test_other_columns_in_the_spec_read_the_table_again(tmp_path, lake, table, foreign):
    land(delta_of(tmp_path), lake, LINEAGE)
    foreign(BOB)
    columns = {"name": "string", "age": "float64", "member": "string"}
    land(delta_of(tmp_path, columns=columns), lake, LINEAGE)
    assert table.read()["age"].to_pylist() == [41.0, 7.0]
    assert list(landed(table).files) == ["clinic@1"]


def test_what_is_no_delta_table_is_said_in_one_line(tmp_path, lake):
    for table in ("nowhere", "."):
        with pytest.raises(SourceError, match="cannot be read as a Delta table") as error:
            land(delta_of(tmp_path, table=table), lake, LINEAGE)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("load", ["append", "upsert"])
def test_a_withdrawn_version_stays_out_and_the_next_one_lands(tmp_path, lake, table, foreign, load):
    pipeline = delta_of(tmp_path, load=load, key=["name"])
    land(pipeline, lake, LINEAGE)
    foreign(BOB)
    land(pipeline, lake, LINEAGE)
    without = withdraw_file(pipeline, "clinic@1", lake, LINEAGE)
    assert (without.number, names(lake)) == (2, ["ann"])
    assert land(pipeline, lake, LINEAGE) == without
    foreign(CY)
    land(pipeline, lake, LINEAGE)
    assert list(identities_of(table, table.latest())) == ["clinic@0", "clinic@2"]
    assert names(lake) == ["ann", "cy"]


def test_of_a_full_load_nothing_can_be_withdrawn(tmp_path, lake, foreign):
    pipeline = delta_of(tmp_path, load="full")
    land(pipeline, lake, LINEAGE)
    with pytest.raises(SourceError, match="is loaded in full, which would bring the rows again"):
        withdraw_file(pipeline, "clinic", lake, LINEAGE)


# Deletes row 3 of a file: a roaring bitmap in Z85, by the Delta protocol's deletion vector format.
VECTOR = {
    "storageType": "i",
    "pathOrInlineDv": "^Bg9^0rr910000000000iXQKl0rr91000005c8Xg0@@r3",
    "sizeInBytes": 34,
    "cardinality": 1,
}


def commit(path, *actions):
    """Write the next version's log entry by hand, as Spark would."""
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (path / "_delta_log" / f"{DeltaTable(path).version() + 1:020d}.json").write_text(text)


FEATURE = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
PROTOCOL = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **FEATURE}}


def added_by(path, number):
    lines = (path / "_delta_log" / f"{number:020d}.json").read_text().splitlines()
    return next(json.loads(line)["add"] for line in lines if '"add"' in line)


@pytest.mark.parametrize("load", ["append", "full", "upsert"])
def test_deletion_vectors_are_refused_instead_of_ignored(tmp_path, lake, foreign, load):
    """A table may have the feature, as Databricks' tables do, and no vector yet."""
    path, pipeline = tmp_path / "clinic", delta_of(tmp_path, load=load, key=["name"])
    foreign(*[BOB] * 40)
    commit(path, PROTOCOL)
    land(pipeline, lake, LINEAGE)
    before, add = left_behind(lake), added_by(path, 1)
    remove = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True}
    commit(path, {"remove": remove}, {"add": {**add, "deletionVector": VECTOR}})
    with pytest.raises(SourceError, match="has deletion vectors, which cannot be read; purge them"):
        land(pipeline, lake, LINEAGE)
    assert left_behind(lake) == before


def test_rows_deleted_by_a_vector_that_was_purged_do_not_land(tmp_path, lake, foreign):
    """The file named in the log still holds them."""
    path, pipeline = tmp_path / "clinic", delta_of(tmp_path, load="upsert", key=["name"])
    land(pipeline, lake, LINEAGE)
    foreign(*[BOB] * 10)
    add = added_by(path, 1)
    gone = {"path": add["path"], "deletionTimestamp": 1}
    vector = {**add, "deletionVector": VECTOR}
    commit(path, PROTOCOL, {"remove": {**gone, "dataChange": True}}, {"add": vector})
    purged = {**added_by(path, 0), "path": add["path"] + "-purged", "dataChange": False}
    again = {**gone, "deletionVector": VECTOR, "dataChange": False}
    commit(path, {"remove": again}, {"add": purged})
    with pytest.raises(SourceError, match="has deletion vectors, which cannot be read; purge them"):
        land(pipeline, lake, LINEAGE)


@pytest.mark.parametrize(
    "path", ["../private.parquet", "a/%2e%2e/../private.parquet", "{}", "%2F{}"]
)
@pytest.mark.parametrize("load", ["append", "upsert", "full"])
def test_a_file_outside_the_table_is_never_opened(tmp_path, lake, foreign, path, load):
    """Neither in the first snapshot nor in later growth, however the path is written."""
    secret = tmp_path / "private.parquet"
    pq.write_table(people(BOB), secret)
    pipeline = delta_of(tmp_path, load=load, key=["name"])
    land(pipeline, lake, LINEAGE)
    before, add = left_behind(lake), added_by(tmp_path / "clinic", 0)
    there = str(secret).lstrip("/") if path.startswith("%2F") else str(secret)
    commit(tmp_path / "clinic", {"add": {**add, "path": path.format(there)}})
    for fresh in (lake, Lake(tmp_path / "fresh")):
        with pytest.raises(SourceError, match="clinic: its log names files outside the table"):
            land(pipeline, fresh, LINEAGE)
    assert left_behind(lake) == before
    assert Lake(tmp_path / "fresh").tables() == []
