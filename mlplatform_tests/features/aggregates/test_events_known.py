"""Columns of an event that are known later than the event itself, and landings that change nothing."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlplatform.features.aggregates import Lookup, build, read_events, recount
from mlplatform.features.declare import Aggregate
from mlplatform.ingest.source import land
from mlplatform.lake import Lake, Lineage
from mlplatform.spec import Pipeline, validate

LINEAGE = Lineage(asset="flights/dataset", run_id="run-1", code_version="test")
TIMES = pa.timestamp("us", tz="UTC")
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
COUNT = Aggregate("flights", events="own", by=["plane"])
DELAY = Aggregate("delay", events="own", by=["plane"], function="last", column="delay")
LATE = Aggregate("late", events="own", by=["plane"], where=[("late", "==", "yes")])
LATE_DELAY = Aggregate("both", events="own", by=["plane"], function="last", column="delay",
                       where=[("late", "==", "yes")])  # fmt: skip
TO = Aggregate("to", events="own", by={"to": "plane"})
AIRPORTS = Aggregate("visits", events="visits", by=["plane"])


def hour(number):
    return None if number is None else BEGIN + timedelta(hours=number)


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def flights(folder, **changes):
    """The pipeline; flights leave, land, and are judged. Keywords replace sections of its spec."""
    attributes = {
        "name": "flights",
        "source": {"kind": "csv", "files": ["own.csv"]},
        "columns": {
            "plane": "string", "to": "string", "delay": "float64", "late": "string",
            "left": "timestamp", "landed": "timestamp", "judged": "timestamp",
        },
        "event_time": "left",
        "label": {"column": "late", "positive": "yes"},
        "known_after": {"delay": "known when it landed"},
        "known_at": {"delay": "landed", "late": "judged", "to": "landed"},
        "events": {
            "own": {"event_time": "left", "known_at": "left"},
            "visits": {
                "source": {"kind": "csv", "files": ["visits.csv"]},
                "columns": {"plane": "string", "at": "timestamp"},
                "event_time": "at",
            },
        },
        **changes,
    }  # fmt: skip
    return Pipeline(spec=validate(attributes, folder / "defs.yaml"), folder=folder)


def dataset(lake, *rows):
    """Land rows of (delay, late, hour left, hour landed, hour judged), all of one plane."""
    named = [
        {"plane": "N1", "to": "N1", "delay": delay, "late": late,
         "left": hour(left), "landed": hour(landed), "judged": hour(judged)}
        for delay, late, left, landed, judged in rows
    ]  # fmt: skip
    schema = pa.schema(
        [("plane", pa.string()), ("to", pa.string()), ("delay", pa.float64()), ("late", pa.string()),
         ("left", TIMES), ("landed", TIMES), ("judged", TIMES)]
    )  # fmt: skip
    rows = pa.Table.from_pylist(named, schema)
    return lake.table("flights/dataset").overwrite(rows, LINEAGE)


def values(lake, pipeline, versions, one, times):
    """The plane's values at some times, by the table of changes and, all the same, by recount."""
    changes = build(pipeline, [one], lake, versions).read_all().to_batches()
    rows = pa.record_batch({"plane": ["N1"] * len(times), "left": pa.array(times, TIMES)})
    filled = Lookup([one], "left", changes).fill(rows).column(one.name).to_pylist()
    assert filled == recount(one, read_events(pipeline, lake, one.events, versions), rows, "left")
    return filled


def begins(lake, pipeline, version, one):
    """The hours just after which the value becomes another one."""
    times = [
        hour(number) + beside for number in range(12) for beside in (timedelta(0), MICROSECOND)
    ]
    found = values(lake, pipeline, {"own": version}, one, times)
    until, after = found[::2], found[1::2]
    assert after[:-1] == until[1:]  # Nothing changes but just after an hour.
    return {number: after[number] for number in range(12) if after[number] != until[number]}


def test_each_column_counts_only_from_when_it_was_known(lake, tmp_path):
    """By all that an aggregate reads: value, condition and entity."""
    pipeline, version = (
        flights(tmp_path),
        dataset(lake, (7.0, "yes", 1, 3, 5), (9.0, "yes", 2, 8, 6)),
    )
    assert begins(lake, pipeline, version, COUNT) == {1: 1.0, 2: 2.0}
    assert begins(lake, pipeline, version, DELAY) == {3: 7.0, 8: 9.0}
    assert begins(lake, pipeline, version, LATE) == {5: 1.0, 6: 2.0}
    assert begins(lake, pipeline, version, LATE_DELAY) == {5: 7.0, 8: 9.0}
    assert begins(lake, pipeline, version, TO) == {3: 1.0, 8: 2.0}


def test_a_column_is_not_known_before_its_event(lake, tmp_path):
    own = {"own": {"event_time": "left", "known_at": "judged"}}
    pipeline, version = flights(tmp_path, events=own), dataset(lake, (7.0, "yes", 4, 2, 6))
    assert begins(lake, pipeline, version, DELAY) == {6: 7.0}
    early = dataset(lake, (7.0, "yes", 4, 2, 3))
    assert begins(lake, pipeline, early, DELAY) == {4: 7.0}


def test_a_value_whose_time_is_missing_does_not_count_and_is_told(lake, tmp_path):
    pipeline = flights(tmp_path)
    version = dataset(lake, (7.0, "yes", 1, None, 5), (None, "yes", 2, None, 5))
    assert begins(lake, pipeline, version, DELAY) == {}
    assert begins(lake, pipeline, version, COUNT) == {1: 1.0, 2: 2.0}
    told = []
    build(pipeline, [DELAY], lake, {"own": version}, told.append).read_all()
    assert told == [
        "own: 1 of 2 events do not say when 'delay' became known and do not count where it is read"
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"label": {"column": "late", "positive": "yes", "strip": "."}},
        {"events": {"visits": {
            "source": {"kind": "csv", "files": ["visits.csv"], "missing": ["", "?"]},
            "columns": {"plane": "string", "at": "timestamp"}, "event_time": "at",
        }}},
    ],
)  # fmt: skip
def test_reading_the_same_file_otherwise_does_not_make_its_events_known_anew(
    lake, tmp_path, change
):
    (tmp_path / "visits.csv").write_text("plane,at\nN1,2020-01-01T00:00:00Z\n")
    first = land(flights(tmp_path).landed_as("visits"), lake, LINEAGE)
    pipeline = flights(tmp_path, **change)
    again = land(pipeline.landed_as("visits"), lake, LINEAGE)
    assert again.number > first.number
    times = [first.committed_at, first.committed_at + MICROSECOND]
    assert values(lake, pipeline, {"visits": again}, AIRPORTS, times) == [0.0, 1.0]
    (tmp_path / "visits.csv").write_text("plane,at\nN1,2020-01-02T00:00:00Z\n")
    other = land(pipeline.landed_as("visits"), lake, LINEAGE)
    times = [other.committed_at, other.committed_at + MICROSECOND]
    assert values(lake, pipeline, {"visits": other}, AIRPORTS, times) == [0.0, 1.0]


@pytest.mark.parametrize(
    ("load", "known_at", "told"),
    [
        ("append", None, None),
        ("full", "left", None),
        ("full", None, "loaded in full, so every load of other content makes all its events"),
        ("upsert", None, "loaded by upsert, so every load makes the events that it brings again"),
    ],
)
def test_loads_that_make_events_known_anew_are_told(lake, tmp_path, load, known_at, told):
    source = {"kind": "csv", "files": ["own.csv"], "load": load, "header": False}
    own = {"own": {"event_time": "left", "known_at": known_at}}
    pipeline = flights(tmp_path, source=source, events=own, key=["plane"])
    (tmp_path / "own.csv").write_text("N1,N1,7,yes,2020-01-01T00:00:00Z,2020-01-01T01:00:00Z,\n")
    landed = land(pipeline, lake, LINEAGE)
    by = Lineage(asset="flights/dataset", run_id="r", code_version="test",
                 inputs={"flights/source": landed.reference})  # fmt: skip
    version = lake.table("flights/dataset").overwrite(lake.table("flights/source").read(landed), by)
    said = []
    build(pipeline, [COUNT], lake, {"own": version}, said.append).read_all()
    assert said == ([f"own: {told} known anew; declare known_at"] if told else [])
