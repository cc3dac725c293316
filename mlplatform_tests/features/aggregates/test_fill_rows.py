"""A JSON row gets the bits that the table has, from every store."""

import struct
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import Lookup, RedisStore, SqliteStore, changes, fill_rows
from mlplatform.features.declare import Aggregate
from mlplatform.lake import Lake, Lineage
from mlplatform_tests.features.aggregates.made import (
    EVENT_LISTS,
    all_times,
    batches,
    event,
    rows_at,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = EPOCH + timedelta(days=1)
COUNT = Aggregate("visits", events="visits", by=["who"], window="1s")
MEAN = Aggregate("spent", events="visits", by=["who", "n"], function="mean", column="x")
CITY = Aggregate("city", events="visits", by=[], function="last", column="x", window="2s")
ALL = (COUNT, MEAN, CITY)
LINEAGE = Lineage(asset="shop/aggregates", run_id="run-1", code_version="test")


@dataclass
class Fitted:
    """As an encoder whose features read the aggregates, and of the columns only `n`."""

    aggregates: tuple[Aggregate, ...] = ALL
    event_time: str = "t"
    asked: dict[str, str] = field(
        default_factory=lambda: {"n": "int64", "who": "string", "t": "timestamp"}
    )

    @property
    def columns(self):
        """What encoding takes."""
        return {"n": "int64", **{one.name: "float64" for one in self.aggregates}}


@pytest.fixture
def store(tmp_path):
    """Ann came at 0 and 1 s, spending 2 and 4."""
    events = [event("ann", 2.0, at=0), event("ann", 4.0, at=1_000_000, known=1_000_000)]
    made = SqliteStore(tmp_path / "online.sqlite")
    made.load("0:a", table_of(events).to_batches(), [one.key for one in ALL])
    return made


def table_of(events):
    tables = [changes(one, batches(events)) for one in sorted(ALL, key=lambda one: one.key)]
    return pa.concat_tables(tables)


def bits(rows):
    names = [one.name for one in ALL]
    return [[None if r[n] is None else struct.pack(">d", r[n]) for n in names] for r in rows]


@settings(max_examples=15)
@given(EVENT_LISTS, st.integers(0, 10**9))
def test_table_stores_and_single_rows_have_the_same_bits(redis_url, events, name):
    """Of a real table of changes in a lake, at every instant at which something begins or ends."""
    rows = rows_at(all_times())
    encoder, keys = Fitted(), [one.key for one in ALL]
    with tempfile.TemporaryDirectory() as folder:
        table = Lake(folder).table("shop/aggregates")
        version = table.overwrite(table_of(events), LINEAGE)
        filled = Lookup.read(Lake(folder), version, ALL, "t").fill(rows).to_pylist()
        sent = [
            {"who": row["who"], "n": row["n"], "t": row["t"].isoformat()}
            for row in rows.to_pylist()
        ]
        for store in (SqliteStore(Path(folder) / "s"), RedisStore(redis_url, f"law-{name}")):
            store.load(version.reference, table.batches(version), keys)
            answered = fill_rows(sent, encoder, store, NOW)
            assert bits(answered) == bits(filled)
            assert [list(row) for row in answered] == [["n", "visits", "spent", "city"]] * len(sent)
            one_by_one = [fill_rows([row], encoder, store, NOW)[0] for row in sent[::29]]
            assert one_by_one == answered[::29]
            store.close()


def test_a_row_that_leaves_its_time_out_is_about_now_and_one_whose_time_is_null_as_in_a_table(
    store,
):
    now = EPOCH + timedelta(seconds=1, microseconds=1)
    left_out, null = {"who": "ann", "n": 0}, {"who": "ann", "n": 0, "t": None}
    assert fill_rows([left_out, null], Fitted(), store, now) == [
        {"n": 0, "visits": 1.0, "spent": 3.0, "city": 4.0},
        {"n": 0, "visits": None, "spent": None, "city": None},
    ]


def test_times_may_have_any_zone_and_without_one_are_utc(store):
    texts = ["1970-01-01T00:00:00.5Z", "1970-01-01T02:00:00.5+02:00", "1970-01-01 00:00:00.500000"]
    sent = [{"who": "ann", "n": 0, "t": text} for text in texts]
    assert [row["visits"] for row in fill_rows(sent, Fitted(), store, NOW)] == [1.0] * 3


def test_a_row_without_its_entity_has_no_value_and_an_unknown_one_counts_nothing(store):
    sent = [{"who": None, "n": 0}, {"who": "zoe", "n": 0.0}]
    nobody, zoe = fill_rows(sent, Fitted(), store, EPOCH + timedelta(seconds=1))
    assert nobody == {"n": 0, "visits": None, "spent": None, "city": 2.0}
    assert zoe == {"n": 0.0, "visits": 0.0, "spent": None, "city": 2.0}


def test_what_is_too_much_is_left_for_encoding_to_refuse(store):
    sent = [{"who": "ann", "n": 0, "colour": "red"}]
    assert fill_rows(sent, Fitted(), store, NOW)[0]["colour"] == "red"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"who": 7, "n": 0}, "row 1: column 'who': text is expected, got 7"),
        ({"who": "ann", "n": "0"}, "row 1: column 'n': a whole number is expected, got the text '0'"),
        ({"who": "ann", "n": 0.5}, "row 1: column 'n': a whole number is expected, got 0.5"),
        ({"who": "ann", "n": True}, "row 1: column 'n': a whole number is expected, got True"),
        ({"who": "ann", "n": 2**63}, "row 1: column 'n': a whole number"),
        ({"who": "\ud800", "n": 0}, "row 1: column 'who': text is expected"),
        ({"n": 0}, "row 1: column 'who' is missing; send null"),
        ({"who": "ann", "n": 0, "t": "noon"}, "row 1: column 't': a time like 2013-10-01T09:00:00Z"),
        ({"who": "ann", "n": 0, "t": 7}, "row 1: column 't': a time like"),
        (
            {"who": "ann", "n": 0, "t": "0001-01-01T00:00:00+01:00"},
            "row 1: column 't' is a time outside years 1 to 9999",
        ),
        ({"who": "ann", "n": 0, "visits": 3.0}, "row 1: column 'visits' is an aggregate"),
        (["ann"], "row 1: an object of named columns is expected, got list"),
    ],
)  # fmt: skip
def test_a_row_that_does_not_fit_is_named_with_its_column(store, row, says):
    with pytest.raises(FeatureError, match=says):
        fill_rows([{"who": "ann", "n": 0}, row], Fitted(), store, NOW)


def test_without_aggregates_nothing_is_looked_up():
    rows = [{"n": 0}]
    assert fill_rows(rows, Fitted(aggregates=()), None, NOW) == rows
