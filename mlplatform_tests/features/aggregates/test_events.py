"""Events of real landings: when each happened, and when it became known."""

from datetime import timedelta

import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import Lookup, build, problem, read_events, recount
from mlplatform.features.aggregates.events import EVENT_TIME, KNOWN_AT
from mlplatform.features.declare import Aggregate
from mlplatform.ingest.dataset import rows as dataset_rows
from mlplatform.ingest.source import land, land_file, withdraw_file
from mlplatform.lake import Lake, Lineage
from mlplatform.spec import Pipeline, validate

COUNT = Aggregate("visits", events="visits", by=["who"])
OWN = Aggregate("earlier", events="own", by=["who"], function="max", column="age")
LINEAGE = Lineage(asset="shop/visits/source", run_id="run-1", code_version="test")
MICROSECOND = timedelta(microseconds=1)


def csv(*names):
    return {"kind": "csv", "files": list(names), "header": False}


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


@pytest.fixture
def make(tmp_path):
    """Write files, and return the pipeline of a shop whose visits land from the last ones."""
    (tmp_path / "people.csv").write_text("ann,41,2020-01-01T00:00:00Z,yes\n")

    def made(own=None, visits=None, **files):
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
        attributes = {
            "name": "shop",
            "source": csv("people.csv"),
            "columns": {"who": "string", "age": "int64", "t": "timestamp", "y": "string"},
            "event_time": "t",
            "label": {"column": "y", "positive": "yes"},
            "events": {
                "visits": {
                    "source": csv("mon.csv"),
                    "columns": {"who": "string", "at": "timestamp", "told": "timestamp"},
                    "event_time": "at",
                    **(visits or {}),
                },
                "own": {"event_time": "t", **(own or {})},
            },
        }
        return Pipeline(spec=validate(attributes, tmp_path / "defs.yaml"), folder=tmp_path)

    return made


def values_at(lake, pipeline, versions, times, aggregate=COUNT):
    """Ann's values at some times, through a real table of changes."""
    reader = build(pipeline, [aggregate], lake, versions)
    table = lake.table("shop/aggregates")
    version = table.overwrite(reader, LINEAGE)
    rows = pa.record_batch(
        {"who": ["ann"] * len(times), "t": pa.array(times, pa.timestamp("us", "UTC"))}
    )
    filled = Lookup.read(lake, version, [aggregate], "t").fill(rows).column(aggregate.name)
    events = read_events(pipeline, lake, aggregate.events, versions)
    assert filled.to_pylist() == recount(aggregate, events, rows, "t")
    return filled.to_pylist()


def test_by_default_an_event_counts_only_after_the_commit_that_brought_it(make, lake, tmp_path):
    """Tuesday's file has older events; rows between the two landings do not know them."""
    pipeline = make(
        mon="ann,2020-01-02T00:00:00Z,\n",
        tue="ann,2020-01-01T00:00:00Z,\nann,2020-01-03T00:00:00Z,\n",
    )
    visits = pipeline.landed_as("visits")
    first = land(visits, lake, LINEAGE)
    second = land_file(visits, tmp_path / "tue.csv", lake, LINEAGE)
    one, two = first.committed_at, second.committed_at
    assert one < two
    times = [one, one + MICROSECOND, two, two + MICROSECOND]
    assert values_at(lake, pipeline, {"visits": second}, times) == [0.0, 1.0, 1.0, 3.0]
    assert values_at(lake, pipeline, {"visits": first}, times) == [0.0, 1.0, 1.0, 1.0]


def test_rows_are_known_since_their_first_landing_also_when_the_table_is_replaced(
    make, lake, tmp_path
):
    pipeline = make(mon="ann,2020-01-02T00:00:00Z,\n", tue="ann,2020-01-01T00:00:00Z,\n")
    visits = pipeline.landed_as("visits")
    first = land(visits, lake, LINEAGE)
    land_file(visits, tmp_path / "tue.csv", lake, LINEAGE)
    replaced = withdraw_file(visits, "tue.csv", lake, LINEAGE)
    times = [first.committed_at, first.committed_at + MICROSECOND]
    assert values_at(lake, pipeline, {"visits": replaced}, times) == [0.0, 1.0]


def test_a_column_may_say_when_an_event_became_known(make, lake):
    pipeline = make(
        mon="ann,2020-01-01T00:00:00Z,2020-01-03T00:00:00Z\nann,2020-01-02T00:00:00Z,2020-01-02T00:00:00Z\n",
        visits={"known_at": "told"},
    )
    version = land(pipeline.landed_as("visits"), lake, LINEAGE)
    days = [
        pa.scalar(f"2020-01-0{day}T00:00:01Z").cast(pa.timestamp("us", "UTC")) for day in (1, 2, 3)
    ]
    assert values_at(lake, pipeline, {"visits": version}, [d.as_py() for d in days]) == [
        0.0,
        1.0,
        2.0,
    ]


def test_the_datasets_own_rows_are_known_since_their_file_landed(make, lake, tmp_path):
    (tmp_path / "more.csv").write_text("ann,50,2019-01-01T00:00:00Z,no\n")
    pipeline = make()
    first = land(pipeline, lake, LINEAGE)
    second = land_file(pipeline, tmp_path / "more.csv", lake, LINEAGE)
    by = Lineage(asset="shop/dataset", run_id="r", code_version="test",
                 inputs={"shop/source": second.reference})  # fmt: skip
    dataset = lake.table("shop/dataset").overwrite(dataset_rows(pipeline, lake, second), by)
    one, two = first.committed_at, second.committed_at
    found = values_at(
        lake, pipeline, {"own": dataset}, [one, one + MICROSECOND, two + MICROSECOND], OWN
    )
    assert found == [None, 41.0, 50.0]
    withdraw_file(pipeline, "more.csv", lake, LINEAGE)
    again = values_at(lake, pipeline, {"own": dataset}, [two, two + MICROSECOND], OWN)
    assert again == [41.0, 50.0]


def test_a_dataset_that_does_not_say_its_source_has_no_known_times(make, lake):
    pipeline = make()
    source = land(pipeline, lake, LINEAGE)
    dataset = lake.table("shop/dataset").overwrite(dataset_rows(pipeline, lake, source), LINEAGE)
    with pytest.raises(FeatureError, match="does not say which version of shop/source"):
        list(read_events(pipeline, lake, "own", {"own": dataset}))


def test_events_without_a_time_do_not_count_and_are_told(make, lake):
    pipeline = make(
        mon="ann,2020-01-01T00:00:00Z,2020-01-03T00:00:00Z\nann,,2020-01-02T00:00:00Z\nann,2020-01-02T00:00:00Z,\n",
        visits={"known_at": "told"},
    )
    version = land(pipeline.landed_as("visits"), lake, LINEAGE)
    told = []
    table = build(pipeline, [COUNT], lake, {"visits": version}, told.append).read_all()
    assert table["value"].to_pylist() == [1.0]
    assert told == ["visits: 2 of 3 events lack a time and do not count"]


def test_a_time_that_no_calendar_has_is_refused_by_row(make, lake):
    pipeline = make(own={"known_at": "t"})
    schema = pa.schema([("who", pa.string()), ("t", pa.timestamp("us", tz="UTC"))])
    rows = pa.table({"who": ["ann"] * 3, "t": pa.array([0, 0, 2**62]).cast(schema.field("t").type)})
    version = lake.table("shop/dataset").overwrite(rows, LINEAGE)
    with pytest.raises(
        FeatureError, match="events 'own': row 2: column 't' is a time outside years"
    ):
        list(read_events(pipeline, lake, "own", {"own": version}, ["who"]))


def test_only_what_is_needed_is_read(make, lake):
    pipeline = make(mon="ann,2020-01-02T00:00:00Z,\n")
    version = land(pipeline.landed_as("visits"), lake, LINEAGE)
    batch = next(read_events(pipeline, lake, "visits", {"visits": version}, ["who"]))
    assert batch.schema.names == ["who", EVENT_TIME, KNOWN_AT]
    with pytest.raises(FeatureError, match="no events 'visitors' to read; known: visits"):
        next(read_events(pipeline, lake, "visitors", {"visits": version}))


def test_aggregates_of_several_event_tables_are_one_sorted_table(make, lake):
    pipeline = make(
        mon="bob,2020-01-02T00:00:00Z,\nann,2020-01-02T00:00:00Z,\n", own={"known_at": "t"}
    )
    visits = land(pipeline.landed_as("visits"), lake, LINEAGE)
    source = land(pipeline, lake, LINEAGE)
    dataset = lake.table("shop/dataset").overwrite(dataset_rows(pipeline, lake, source), LINEAGE)
    ever = Aggregate("ever", events="visits", by=[])
    wanted = [OWN, COUNT, ever, COUNT]
    table = build(pipeline, wanted, lake, {"visits": visits, "own": dataset}).read_all()
    rows = [(row["aggregate"], row["entity"]) for row in table.to_pylist()]
    assert rows == sorted(
        [(COUNT.key, '["ann"]'), (COUNT.key, '["bob"]'), (ever.key, "[]"), (OWN.key, '["ann"]')]
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"events": "visitors"}, "there are no events 'visitors'; known: visits, own"),
        ({"by": ["whom"]}, "column 'whom' of events 'visits' is not declared"),
        ({"by": ["at"]}, "column 'at' of events 'visits' is timestamp; string or int64 or bool"),
        ({"function": "sum", "column": "who"}, "column 'who' .* is string; int64 or float64"),
        ({"where": [("who", "==", 7)]}, "'who' of events 'visits' is string; it cannot be compared with 7"),
        ({"where": [("what", "==", 7)]}, "'what' of events 'visits' is not declared"),
    ],
)  # fmt: skip
def test_an_aggregate_that_does_not_fit_its_events_is_refused(make, lake, changes, says):
    wrong = Aggregate(**{"name": "wrong", "events": "visits", "by": ["who"], **changes})
    with pytest.raises(FeatureError, match=f"aggregate 'wrong': .*{says}"):
        build(make(), [wrong], lake, {})
    assert problem(make().spec, COUNT) is None
