"""Aggregates come from the newest version that has all that live models read; none is made up."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlplatform.errors import ServingError
from mlplatform.features.aggregates import SqliteStore
from mlplatform.ingest.access import named_in, no_secret
from mlplatform.lake import Lake
from mlplatform.serve.lookup import Lookup
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.problem import Problem
from mlplatform.serve.store import opener
from mlplatform_tests.serve.flights import LATE, NAME, NEXT, encoder, write
from mlplatform_tests.serve.test_rollouts import wait_until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROW = {"tailnum": "N1", "departs": NOON, "distance": 100.0, "place": None}


class Aggregates:
    """A real table of aggregates, and look-ups in it."""

    def __init__(self, lake, folder) -> None:
        self.lake, self.table = lake, lake.table(f"{NAME}/aggregates")
        self.metrics, self.folder = Metrics(), folder
        self.store = SqliteStore(folder / "online.sqlite")
        self.lookup = Lookup(self.table, lambda: self.store, self.metrics)

    def write(self, *keys: str, value: float = 2.0):
        """Commit a version with these keys, of which the first has a change at eleven."""
        return write(self.lake, *keys, value=value)

    def of_another_server(self) -> Lookup:
        """Return look-ups of another server that shares the store."""
        table = self.lake.table(self.table.name)
        store = SqliteStore(self.folder / "online.sqlite")
        return Lookup(table, lambda: store, Metrics())

    def late(self, **row: object) -> object:
        """Return the aggregate that a row gets."""
        filled, _ = self.lookup.fill([{**ROW, **row}], encoder())
        return filled[0]["late"]

    def sample(self, name: str) -> float:
        """Return a metric."""
        return self.metrics.registry.get_sample_value(f"mlplatform_aggregates_{name}")


@pytest.fixture
def aggregates(tmp_path):
    return Aggregates(Lake(tmp_path / "lake"), tmp_path)


KEY, OTHER = frozenset({LATE.key}), frozenset({NEXT.key})


def test_values_are_looked_up_as_of_each_rows_time(aggregates):
    version = aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    assert aggregates.lookup.version == version
    assert aggregates.late() == 2.0
    assert aggregates.late(departs=datetime(2026, 1, 1, 10, tzinfo=UTC)) == 0.0
    assert aggregates.late(tailnum="N2") == 0.0
    assert aggregates.late(tailnum=None) is None
    assert aggregates.late(departs=None) is None


def test_the_log_keeps_what_was_asked_what_was_looked_up_and_when(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    before = datetime.now(UTC)
    now = {name: value for name, value in ROW.items() if name != "departs"}
    filled, kept = aggregates.lookup.fill([ROW, now], encoder())
    assert [row.keys() == encoder().columns.keys() for row in filled] == [True, True]
    assert kept[0] == {**ROW, "late": 2.0}
    assert before <= kept[1]["departs"] <= datetime.now(UTC)


def test_a_newer_version_is_followed(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    assert aggregates.sample("version") == 0
    assert aggregates.sample("age_seconds") >= 0
    aggregates.write(LATE.key, value=3.0)
    assert aggregates.late() == 2.0
    aggregates.lookup.look()
    assert aggregates.late() == 3.0
    assert aggregates.sample("version") == 1


def test_nothing_is_loaded_while_no_model_reads_any(aggregates):
    aggregates.lookup.require(frozenset(), wait=True)
    assert aggregates.lookup.version is None
    assert math.isnan(aggregates.sample("version"))
    assert aggregates.store.version is None


def test_a_newer_version_that_lacks_what_a_live_model_reads_is_not_loaded(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.lookup.live(KEY)
    aggregates.write(NEXT.key)
    aggregates.lookup.look()
    assert aggregates.late() == 2.0
    assert aggregates.lookup.problem == f"version 1 of {NAME}/aggregates has no {LATE.key}"


def test_a_server_that_starts_later_finds_the_version_that_has_it(aggregates):
    aggregates.write(LATE.key)
    aggregates.write(NEXT.key)
    aggregates.lookup.require(KEY, wait=True)
    assert aggregates.lookup.version.number == 0
    assert aggregates.late() == 2.0


def test_a_model_whose_aggregate_is_in_no_version_cannot_answer(aggregates):
    with pytest.raises(ServingError, match=f"there is no table {NAME}/aggregates; materialise"):
        aggregates.lookup.require(KEY, wait=True)
    aggregates.write(NEXT.key)
    with pytest.raises(ServingError, match=f"version 0 of .* has no {LATE.key}; materialise"):
        aggregates.lookup.require(KEY, wait=True)
    with pytest.raises(Problem, match=f"no aggregates {LATE.key} are loaded") as caught:
        aggregates.late()
    assert caught.value.status == 503


def test_a_further_model_does_not_take_the_live_ones_values_away(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.lookup.live(KEY)
    with pytest.raises(ServingError, match="its aggregates are being loaded"):
        aggregates.lookup.require(OTHER, wait=False)
    aggregates.write(LATE.key, value=3.0)
    aggregates.lookup.look()
    assert aggregates.late() == 3.0
    aggregates.write(NEXT.key)
    aggregates.lookup.look()
    assert aggregates.late() == 3.0
    aggregates.write(LATE.key, NEXT.key, value=4.0)
    aggregates.lookup.look()
    aggregates.lookup.require(OTHER, wait=False)
    assert aggregates.late() == 4.0


def test_a_damaged_table_leaves_the_values_there_are(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.write(LATE.key, value=3.0)
    Path(aggregates.table.files()[-1]).write_bytes(b"damaged")
    aggregates.lookup.look()
    assert aggregates.lookup.problem == "the aggregates cannot be loaded"
    assert aggregates.late() == 2.0


def test_a_store_that_was_emptied_is_filled_again_and_says_503_until_then(aggregates, tmp_path):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.store.close()
    (tmp_path / "online.sqlite").unlink()
    with pytest.raises(Problem, match="the online store cannot be asked") as caught:
        aggregates.late()
    assert caught.value.status == 503
    aggregates.lookup.look()
    assert aggregates.late() == 2.0


def test_a_version_that_another_server_loaded_is_noticed_by_the_next_answer(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.lookup.live(KEY)
    aggregates.lookup.start(poll_seconds=600, retry_seconds=600)
    newer = aggregates.write(LATE.key, value=3.0)
    aggregates.of_another_server().require(KEY, wait=True)
    assert aggregates.lookup.version.number == 0
    assert aggregates.late() == 3.0
    wait_until(lambda: aggregates.lookup.version == newer)
    assert aggregates.sample("version") == newer.number
    aggregates.lookup.stop()


def test_a_newer_version_of_another_server_is_not_replaced_by_an_older(aggregates, monkeypatch):
    """It came between this server's look at the table and its look at the store."""
    older = aggregates.write(LATE.key)
    aggregates.lookup.live(KEY)
    newer = aggregates.write(LATE.key, value=3.0)
    aggregates.of_another_server().require(KEY, wait=True)
    monkeypatch.setattr(aggregates.table, "latest", lambda: older)
    aggregates.lookup.look()
    assert aggregates.lookup.version == newer
    assert aggregates.store.version == newer.reference
    assert aggregates.late() == 3.0


def test_one_that_lacks_what_is_read_is_replaced_and_answers_nothing_until_then(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    aggregates.lookup.live(KEY)
    aggregates.lookup.start(poll_seconds=600, retry_seconds=600)
    aggregates.write(NEXT.key)
    aggregates.of_another_server().require(OTHER, wait=True)
    with pytest.raises(Problem, match="the online store cannot be asked"):
        aggregates.late()
    wait_until(lambda: aggregates.store.version == aggregates.lookup.version.reference)
    assert aggregates.late() == 2.0
    aggregates.lookup.stop()


def test_lakes_that_share_a_place_do_not_share_a_store(tmp_path):
    roots = ("s3://one/lake", "s3://two/lake", "s3://one/lake")
    one, two, again = (opener(root, NAME, "", str(tmp_path), no_secret)() for root in roots)
    one.load("0:one", [])
    assert (one.version, two.version, again.version) == ("0:one", None, "0:one")


def test_a_row_without_its_entity_is_refused_by_row_and_column(aggregates):
    aggregates.write(LATE.key)
    aggregates.lookup.require(KEY, wait=True)
    with pytest.raises(Problem, match=r"row 0: column 'tailnum'") as caught:
        aggregates.lookup.fill([{"departs": NOON, "distance": 1.0}], encoder())
    assert caught.value.status == 422


def test_an_online_store_is_named_by_an_environment_variable_never_by_its_address():
    address = "redis://h:1/0"
    with pytest.raises(ServingError, match="give the name of an environment variable") as caught:
        opener("lake", NAME, address, "", named_in({}))
    assert address not in str(caught.value)
    with pytest.raises(ServingError, match="the environment variable STORE is not set"):
        opener("lake", NAME, "STORE", "", named_in({}))
    opener("lake", NAME, "STORE", "", named_in({"STORE": address}))
