"""Events and rows to count, of two people and nobody, within a few seconds of 1970."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from mlplatform.features.aggregates.events import EVENT_TIME, KNOWN_AT, known_column
from mlplatform.features.declare import Aggregate
from mlplatform.features.declare.aggregate import FUNCTIONS

TIMESTAMP = pa.timestamp("us", tz="UTC")
SECOND = 1_000_000
EVENTS = pa.schema(
    [
        pa.field("who", pa.string()),
        pa.field("n", pa.int64()),
        pa.field("x", pa.float64()),
        pa.field(EVENT_TIME, TIMESTAMP),
        pa.field(KNOWN_AT, TIMESTAMP),
        pa.field(known_column("x"), TIMESTAMP),
    ]
)
Event = dict[str, Any]

# Half seconds and the microseconds beside them, where windows begin and end.
TIMES = st.builds(
    lambda half, beside: half * SECOND // 2 + beside, st.integers(0, 8), st.integers(-1, 1)
)
WHO = st.sampled_from(["ann", "ann", "ann", "bób", "bób", None])
WHOLE = st.integers(-3, 3) | st.sampled_from([2**53 + 1, 2**62 - 1, -(2**62) + 1])
FLOATS = st.sampled_from([0.0, -0.0, 0.1, -0.3, 1e18, -1e18, 2.0**-41]) | st.floats(
    -(2.0**61), 2.0**61
)


def sometimes_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the values, and one in ten times None."""
    return st.integers(0, 9).flatmap(lambda k: values if k else st.none())


@st.composite
def event_lists(draw: st.DrawFn) -> list[Event]:
    """Return up to 20 events, of which most count."""
    return [draw(EVENT) for _ in range(draw(st.integers(0, 20)))]


EVENT = st.fixed_dictionaries(
    {
        "who": WHO,
        "n": sometimes_none(WHOLE),
        "x": sometimes_none(FLOATS),
        EVENT_TIME: sometimes_none(TIMES),
        KNOWN_AT: sometimes_none(st.just(0) | TIMES),
        known_column("x"): sometimes_none(st.just(0) | TIMES),
    }
)
EVENT_LISTS = event_lists()
CONDITIONS = [
    ("x", ">", 0),
    ("n", "<=", 2.5),
    ("n", "!=", 1),
    ("who", "==", "ann"),
    ("x", "<", 2**53 + 1),
]


@st.composite
def aggregates(draw: st.DrawFn) -> Aggregate:
    function = draw(st.sampled_from(FUNCTIONS))
    return Aggregate(
        "value",
        events="visits",
        by=draw(st.sampled_from([["who"], ["who"], [], ["who", "n"]])),
        function=function,
        column=None if function == "count" else draw(st.sampled_from(["n", "x"])),
        where=draw(st.lists(st.sampled_from(CONDITIONS), max_size=1)),
        window=draw(st.sampled_from([None, "1s", "2s"])),
    )


def batches(events: Sequence[Event], *cuts: int) -> list[pa.RecordBatch]:
    """Return the events as batches that end at each of `cuts`."""
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    return [
        pa.RecordBatch.from_pylist(list(events[a:b]), schema=EVENTS) for a, b in pairwise(bounds)
    ]


def event(
    who: str | None, x: float | None, at: int | None, known: int | None = 0, n: int | None = 0
) -> Event:
    times = {EVENT_TIME: at, KNOWN_AT: known, known_column("x"): known}
    return {"who": who, "n": n, "x": x, **times}


def rows_at(
    times: Sequence[int | None], who: Sequence[str | None] = ("ann", "bób", None, "zoe")
) -> pa.RecordBatch:
    """Return a row for everybody at each of the times."""
    rows = [{"who": name, "n": n, "t": at} for at in times for name in who for n in (0, None)]
    schema = pa.schema([("who", pa.string()), ("n", pa.int64()), ("t", TIMESTAMP)])
    return pa.RecordBatch.from_pylist(rows, schema=schema)


def all_times() -> list[int]:
    """Return every instant at which something of `EVENT_LISTS` may begin or end, and those beside."""
    return [half * SECOND // 2 + beside for half in range(14) for beside in (-2, -1, 0, 1, 2)]
