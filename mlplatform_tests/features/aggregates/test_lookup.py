"""The join of many rows with the table of changes."""

import json

import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import FACT, Lookup, changes
from mlplatform.features.declare import Aggregate
from mlplatform.lake import Lake, Lineage
from mlplatform_tests.features.aggregates.made import batches, event, rows_at

COUNT = Aggregate("visits", events="visits", by=["who"])
EVENTS = [event("ann", 1.0, at=0), event("bób", 1.0, at=0), event("bób", 1.0, at=5, known=5)]


@pytest.fixture
def table():
    return changes(COUNT, batches(EVENTS))


def test_a_column_is_appended_and_the_others_stay(table):
    rows = rows_at([6])
    filled = Lookup([COUNT], "t", table.to_batches()).fill(rows)
    assert filled.schema.names == ["who", "n", "t", "visits"]
    assert filled.drop_columns(["visits"]).equals(rows)
    assert filled.column("visits").to_pylist() == [1.0, 1.0, 2.0, 2.0, None, None, 0.0, 0.0]


def test_a_row_without_a_time_has_no_value(table):
    filled = Lookup([COUNT], "t", table.to_batches()).fill(rows_at([None]))
    assert filled.column("visits").null_count == filled.num_rows


def test_an_empty_batch_and_an_empty_table_are_possible(table):
    rows = rows_at([6])
    filled = Lookup([COUNT], "t", table.to_batches()).fill(rows[:0])
    assert filled.schema.field("visits").type == pa.float64()
    assert filled.num_rows == 0
    nothing = Lookup([COUNT], "t", []).fill(rows).column("visits").to_pylist()
    assert nothing == [0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0]


def test_entities_may_be_dictionary_encoded(table):
    rows = rows_at([6])
    coded = rows.set_column(0, "who", rows.column("who").dictionary_encode())
    lookup = Lookup([COUNT], "t", table.to_batches())
    assert lookup.fill(coded).column("visits").equals(lookup.fill(rows).column("visits"))


def test_a_table_made_without_an_aggregate_is_refused(tmp_path, table):
    other = Aggregate("other", events="visits", by=["who"])
    lake = Lake(tmp_path)
    facts = {FACT: json.dumps([COUNT.key])}
    by = Lineage(asset="shop/aggregates", run_id="run-1", code_version="test", facts=facts)
    version = lake.table("shop/aggregates").overwrite(table, by)
    assert Lookup.read(lake, version, [COUNT], "t").fill(rows_at([6])).num_rows
    with pytest.raises(FeatureError, match=r"shop/aggregates 0:.* has no aggregate other@"):
        Lookup.read(lake, version, [COUNT, other], "t")


def test_rows_that_do_not_fit_are_refused(table):
    lookup = Lookup([COUNT], "t", table.to_batches())
    rows = rows_at([6])
    with pytest.raises(FeatureError, match="column 'visits' is there already"):
        lookup.fill(lookup.fill(rows))
    with pytest.raises(FeatureError, match="column 't' is missing"):
        lookup.fill(rows.drop_columns(["t"]))
    with pytest.raises(FeatureError, match="column 't' holds string; a time is expected"):
        lookup.fill(rows.set_column(2, "t", pa.array(["noon"] * rows.num_rows)))
    late = pa.array([0] * 7 + [2**62]).cast(pa.timestamp("us", tz="UTC"))
    with pytest.raises(FeatureError, match=r"row 7: column 't' is a time outside years 1 to 9999"):
        lookup.fill(rows.set_column(2, "t", late))
