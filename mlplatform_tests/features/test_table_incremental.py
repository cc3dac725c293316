from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features import incremental
from mlplatform.features.aggregates import Lookup
from mlplatform.features.batch_function import ENCODER, PROGRAM, BatchFunction
from mlplatform.features.declare import Aggregate, FeatureSet, Numeric
from mlplatform.features.feature_program import export_features
from mlplatform.features.fitting import fit
from mlplatform.features.incremental import Inputs, kept_state, rows, same_start
from mlplatform.lake import Lake, Version
from mlplatform_tests.features import table_cases as trips

OLD, NEW = 500, 130


class Counting:
    """A feature program that tells how many rows went through it."""

    def __init__(self, program):
        self.program, self.rows = program, 0

    def __getattr__(self, name):
        return getattr(self.program, name)

    def columns(self, encoded):
        """Count them."""
        self.rows += len(encoded)
        return self.program.columns(encoded)


@pytest.fixture
def function():
    of = trips.function()
    return BatchFunction(of.encoder, Counting(of.program))


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


@pytest.fixture
def made(tmp_path):
    return trips.pipeline(tmp_path)


def first(made, lake, function, data) -> Version:
    """A features version of `data`, with its statistics."""
    inputs = trips.stored(lake, data)
    table = rows(made, lake, function, inputs)
    content = table.reader.read_all()
    named = lake.artifacts.put({incremental.FILE: table.statistics.to_json()})
    who = trips.lineage(inputs, statistics=named, terms="as ever", state="its state")
    return lake.table("trips/features").overwrite(content, who)


def grown(data: pa.Table) -> pa.Table:
    return pa.concat_tables([data, trips.dataset(NEW, first=OLD)])


def again(made, lake, function, inputs: Inputs, previous: Version):
    """What is added to `previous`, how many rows were computed for it, and its statistics."""
    function.program.rows = 0
    table = rows(made, lake, function, inputs, previous=previous)
    content = table.reader.read_all()
    return table.added_to, content, function.program.rows, table.statistics


def test_only_new_rows_are_computed_and_the_table_is_that_of_a_full_computation(
    made, lake, function
):
    data = trips.dataset(OLD)
    previous = first(made, lake, function, data)
    inputs = trips.stored(lake, grown(data))
    added_to, content, computed, statistics = again(made, lake, function, inputs, previous)
    assert added_to == previous
    assert content.num_rows == computed == NEW
    appended = lake.table("trips/features").append(content, trips.lineage(inputs), token="new")
    whole = rows(made, lake, function, inputs)
    assert whole.added_to is None
    assert lake.table("trips/features").read(appended).equals(whole.reader.read_all())
    assert statistics.rows == whole.statistics.rows == OLD + NEW
    assert statistics.features["city"] == whole.statistics.features["city"]


def test_an_unchanged_dataset_adds_no_row(made, lake, function):
    data = trips.dataset(OLD)
    previous = first(made, lake, function, data)
    other = data.append_column("unread", pa.array(range(OLD)))
    added_to, content, computed, _ = again(
        made, lake, function, trips.stored(lake, other), previous
    )
    assert (added_to, content.num_rows, computed) == (previous, 0, 0)


@pytest.mark.parametrize(
    "change",
    ["value", "minus zero", "null", "label", "row_id", "order", "fewer"],
)
def test_all_rows_are_computed_when_an_older_one_is_another(made, lake, function, change):
    data = trips.dataset(OLD)
    data = data.set_column(1, "fare", pa.array([0.0, *data["fare"].to_pylist()[1:]]))
    previous = first(made, lake, function, data)
    inputs = trips.stored(lake, changed(grown(data), change))
    added_to, content, computed, statistics = again(made, lake, function, inputs, previous)
    assert added_to is None
    assert content.num_rows == computed == statistics.rows == inputs.dataset.rows


def changed(data: pa.Table, how: str) -> pa.Table:
    if how == "fewer":
        return data.slice(0, OLD - 1)
    if how == "order":
        return pa.concat_tables([data.slice(1, 1), data.slice(0, 1), data.slice(2)])
    name, row, new = {
        "value": ("city", OLD - 1, "Bonn"),
        "minus zero": ("fare", 0, -0.0),
        "null": ("left", 7, None),
        "label": ("late", 3, "maybe"),
        "row_id": ("row_id", 9, -1),
    }[how]
    values = data[name].to_pylist()
    assert repr(values[row]) != repr(new)
    values[row] = new
    return data.set_column(
        data.schema.get_field_index(name), name, pa.array(values, data.schema.field(name).type)
    )


def test_all_rows_are_computed_when_a_part_is_another(made, lake, function):
    data = trips.dataset(OLD)
    previous = first(made, lake, function, data)
    inputs = trips.stored(lake, grown(data))
    parts = trips.split(grown(data))
    other = parts.set_column(1, "part", pa.array(["test", *parts["part"].to_pylist()[1:]]))
    version = lake.table("trips/split").overwrite(other, trips.WHO)
    added_to, _, computed, _ = again(made, lake, function, replace(inputs, split=version), previous)
    assert (added_to, computed) == (None, OLD + NEW)


def test_all_rows_are_computed_when_what_the_older_were_made_of_is_gone(made, lake, function):
    data = trips.dataset(OLD)
    previous = first(made, lake, function, data)
    gone = lake.table("trips/dataset").files()[0].removeprefix("file://")
    inputs = trips.stored(lake, grown(data))
    Path(gone).unlink()
    assert again(made, lake, function, inputs, previous)[0] is None
    unknown = replace(previous, lineage=replace(previous.lineage, inputs={}))
    assert again(made, lake, function, inputs, unknown)[0] is None


def test_a_state_is_kept_on_the_same_terms_only(made, lake, function):
    previous = first(made, lake, function, trips.dataset(50))
    assert kept_state(previous, "as ever") == "its state"
    assert kept_state(previous, "other code") is None
    assert kept_state(None, "as ever") is None


values = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, 2.0]))
columns = st.tuples(
    st.lists(values, max_size=6), st.lists(st.sampled_from([None, "a", "b"]), max_size=6)
)


@given(columns, columns, st.booleans())
def test_starts_are_the_same_exactly_if_all_values_are(one, other, encoded):
    def batches(table, coded):
        rows = min(map(len, table))
        text = pa.array(table[1][:rows], pa.string())
        return [
            pa.record_batch(
                {
                    "row_id": pa.array(range(rows), pa.int64()),
                    "number": pa.array(table[0][:rows], pa.float64()),
                    "list": pa.array([None if v is None else [v] for v in table[0][:rows]], pa.list_(pa.float64())),
                    "text": text.dictionary_encode() if coded else text,
                }
            )
        ]  # fmt: skip

    short, long = min(map(len, one)), min(map(len, other))
    told = [repr(list(zip(*table, strict=False))[:short]) for table in (one, other)]
    expected = short <= long and told[0] == told[1]
    assert same_start(batches(one, encoded), batches(other, encoded), short) == expected


RIDES = Aggregate("rides", events="rides", by=["city"])
COUNTED = FeatureSet([Numeric("rides", column=RIDES, scale="none")])


def changes(lake: Lake, at: dict[str, list[tuple[datetime, float]]]) -> Version:
    """A table of changes of `RIDES`: entity to instants and values."""
    said = [(RIDES.key, whose, when, value) for whose, them in at.items() for when, value in them]
    kinds = (pa.string(), pa.string(), pa.timestamp("us", "UTC"), pa.float64())
    names = ("aggregate", "entity", "at", "value")
    columns = [pa.array(c, kind) for c, kind in zip(zip(*said, strict=True), kinds, strict=True)]
    return lake.table("trips/aggregates").overwrite(pa.table(columns, names=names), trips.WHO)


def looked_up(lake: Lake, version: Version) -> BatchFunction:
    """The batch function of `COUNTED` with the values of a version."""
    lookup = Lookup.read(lake, version, COUNTED.aggregates, "left")
    encoder = fit(COUNTED, map(lookup.fill, trips.dataset(200).to_batches()), trips.COLUMNS, "left")
    files = {ENCODER: encoder.to_json(), PROGRAM: export_features(encoder, {})}
    return BatchFunction.load(files, lookup)


def test_rows_with_aggregates_are_kept_while_the_values_at_their_times_are(made, lake):
    data = trips.dataset(OLD)
    instant = sorted(data["left"].drop_null().to_pylist())[OLD // 2]
    future = max(data["left"].drop_null().to_pylist()) + timedelta(days=1)
    first_changes = changes(lake, {'["Paris"]': [(instant, 1.0)]})
    inputs = replace(trips.stored(lake, data), aggregates=first_changes)
    function = looked_up(lake, first_changes)
    content = rows(made, lake, function, inputs).reader.read_all()
    assert set(content["rides__scaled"].to_pylist()) == {0.0, 1.0}
    previous = lake.table("trips/features").overwrite(content, trips.lineage(inputs))
    for value, kept in ((1.0, True), (2.0, False)):
        later = changes(lake, {'["Paris"]': [(instant, value), (future, 3.0)]})
        now = replace(inputs, aggregates=later)
        function = BatchFunction.load(function.files, Lookup.read(lake, later, [RIDES], "left"))
        found = rows(made, lake, function, now, previous=previous)
        assert (found.added_to == previous) == kept
        added = found.reader.read_all()
        assert added.num_rows == (0 if kept else OLD)
        assert kept or 2.0 in added["rides__scaled"].to_pylist()


def test_features_of_aggregates_need_their_values(made, lake):
    version = changes(lake, {'["Paris"]': [(datetime(2020, 1, 1, tzinfo=UTC), 1.0)]})
    function = looked_up(lake, version)
    with pytest.raises(
        FeatureError, match="the features read the aggregate 'rides'; give the table"
    ):
        BatchFunction.load(function.files)


def test_a_wrong_value_in_a_new_row_is_named_by_its_row_in_the_dataset(made, lake, function):
    data = trips.dataset(OLD)
    previous = first(made, lake, function, data)
    new = trips.dataset(NEW, first=OLD)
    fares = pa.array([float("inf"), *new["fare"].to_pylist()[1:]])
    inputs = trips.stored(lake, pa.concat_tables([data, new.set_column(1, "fare", fares)]))
    table = rows(made, lake, function, inputs, previous=previous)
    assert table.added_to == previous
    with pytest.raises(FeatureError, match=f"row {OLD}: column 'fare' is inf"):
        table.reader.read_all()
