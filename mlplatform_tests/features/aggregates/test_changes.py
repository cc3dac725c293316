"""The laws of point-in-time aggregates: no peeking, one answer, whatever the order."""

import struct
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features.aggregates import Lookup, changes, recount
from mlplatform.features.aggregates.events import EVENT_TIME, KNOWN_AT
from mlplatform.features.aggregates.where import met
from mlplatform.features.declare import Aggregate
from mlplatform.features.declare.aggregate import FUNCTIONS
from mlplatform_tests.features.aggregates.made import (
    EVENT,
    EVENT_LISTS,
    SECOND,
    TIMES,
    TIMESTAMP,
    aggregates,
    all_times,
    batches,
    event,
    rows_at,
)


def bits(values):
    return [None if value is None else struct.pack(">d", value) for value in values]


def values_at(aggregate, events, times):
    """Ann's values."""
    table = changes(aggregate, batches(events))
    lookup = Lookup([aggregate], "t", table.to_batches())
    return lookup.fill(rows_at(times, ["ann"])).column("value").to_pylist()[::2]


def of(function, window="1s", column="x", **more):
    column = None if function == "count" else column
    return Aggregate("value", events="visits", by=["who"], function=function, column=column,
                     window=window, **more)  # fmt: skip


@given(aggregates(), EVENT_LISTS, st.data())
def test_an_event_that_happens_or_is_known_later_changes_no_bit_of_what_was_before(
    aggregate, events, data
):
    """Also when one is added to others of the same entity, or an event of later is another one."""
    now = data.draw(TIMES)
    later = data.draw(EVENT)
    later |= {
        data.draw(st.sampled_from([EVENT_TIME, KNOWN_AT])): data.draw(
            st.integers(now, now + SECOND)
        )
    }
    without = changes(aggregate, batches(events))
    added = changes(aggregate, batches([*events, later]))
    until = pa.scalar(now).cast(pa.timestamp("us", tz="UTC"))

    def before(table):
        rows = table.filter(pa.compute.less_equal(table["at"], until)).to_pylist()
        return [(row["entity"], row["at"], *bits([row["value"]])) for row in rows]

    assert before(added) == before(without)


@given(aggregates(), EVENT_LISTS)
def test_the_changes_say_what_counting_again_says(aggregate, events):
    """At every instant at which anything begins or ends, and for who is nobody or has no event."""
    rows = rows_at(all_times())
    table = changes(aggregate, batches(events))
    filled = Lookup([aggregate], "t", table.to_batches()).fill(rows)
    again = recount(aggregate, batches(events), rows, "t")
    assert bits(filled.column("value").to_pylist()) == bits(again)


@given(aggregates(), EVENT_LISTS, st.data())
def test_neither_the_order_of_events_nor_their_batches_change_a_bit(aggregate, events, data):
    shuffled = data.draw(st.permutations(events))
    cuts = data.draw(st.lists(st.integers(0, 20), max_size=4))
    assert changes(aggregate, batches(shuffled, *cuts)).equals(changes(aggregate, batches(events)))


@given(aggregates(), EVENT_LISTS)
def test_changes_are_sorted_and_each_is_one(aggregate, events):
    rows = changes(aggregate, batches(events)).to_pylist()
    places = [(row["entity"], row["at"]) for row in rows]
    assert places == sorted(set(places))
    before = {}
    nothing = 0.0 if aggregate.function in ("count", "sum") else None
    for row in rows:
        assert row["aggregate"] == aggregate.key
        assert row["value"] != before.get(row["entity"], nothing)
        before[row["entity"]] = row["value"]


def test_an_event_counts_after_it_is_known_and_until_its_window_from_its_own_time_is_over():
    """Known half a second late, it counts from the microsecond after until a second after it happened."""
    found = values_at(
        of("count"),
        [event("ann", 1.0, at=0, known=SECOND // 2)],
        [0, SECOND // 2, SECOND // 2 + 1, SECOND, SECOND + 1],
    )
    assert found == [0.0, 0.0, 1.0, 1.0, 0.0]


def test_an_event_known_when_its_window_is_over_never_counts():
    for known in (SECOND - 1, SECOND, SECOND + 1):
        table = changes(of("count"), batches([event("ann", 1.0, at=0, known=known)]))
        assert table.num_rows == (2 if known < SECOND else 0)


def test_each_function_by_hand():
    events = [event("ann", x, at=at) for at, x in ((0, 2.0), (10, -1.0), (20, 5.0), (20, 3.0))]
    by_hand = {"count": 4.0, "sum": 9.0, "mean": 2.25, "min": -1.0, "max": 5.0, "last": 5.0}
    for function, value in by_hand.items():
        assert values_at(of(function, window=None), events, [21]) == [value]
    nothing = {function: [0.0 if function in ("count", "sum") else None] for function in by_hand}
    for function in by_hand:
        assert values_at(of(function), events, [2 * SECOND]) == nothing[function]


def test_the_last_is_by_event_time_then_by_who_is_known_later():
    events = [event("ann", 1.0, at=9, known=11), event("ann", 2.0, at=5, known=10)]
    assert values_at(of("last"), events, [11, 12]) == [2.0, 1.0]
    events = [event("ann", 1.0, at=9, known=11), event("ann", 2.0, at=9, known=10)]
    assert values_at(of("last"), events, [11, 12]) == [2.0, 1.0]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_many_events_of_few_people_say_what_counting_again_says(function):
    """Windows that hold dozens of events, of people who come in any order."""
    random = np.random.default_rng(0)
    events = [
        event(
            str(random.choice(["zoe", "bób", "ann"])),
            float(random.integers(-50, 50)) / 7,
            at=int(at := random.integers(0, 4 * SECOND)),
            known=int(at + random.integers(-SECOND, SECOND)),
        )
        for _ in range(400)
    ]
    rows = rows_at(range(0, 6 * SECOND, SECOND // 20))
    aggregate = of(function)
    filled = Lookup([aggregate], "t", changes(aggregate, batches(events)).to_batches()).fill(rows)
    again = recount(aggregate, batches(events), rows, "t")
    assert bits(filled.column("value").to_pylist()) == bits(again)


def test_zero_has_no_sign():
    """Neither as a value nor as a sum of some: of equal values with other bits, which is the smallest?"""
    for function in ("sum", "mean", "min", "max", "last"):
        found = values_at(of(function), [event("ann", -0.0, at=0)], [1])
        assert bits(found) == bits([0.0])


def test_a_sum_forgets_what_left_to_the_last_bit():
    """Where floats would leave a rest: 1e18 and 0.1 come, and 1e18 goes."""
    events = [event("ann", 1e18, at=0), event("ann", 0.1, at=SECOND // 2)]
    assert values_at(of("sum"), events, [SECOND, SECOND + 1]) == [1e18, round(0.1 * 2**40) / 2**40]


def test_events_without_a_value_do_not_count_for_what_reads_it():
    events = [event("ann", None, at=0), event("ann", 4.0, at=0)]
    assert values_at(of("mean"), events, [1]) == [4.0]
    assert values_at(of("count"), events, [1]) == [2.0]


def test_a_window_that_ends_after_the_year_9999_never_ends():
    last = 253_402_300_799_999_999
    table = changes(of("count", window="1s"), batches([event("ann", 1.0, at=last - 5, known=0)]))
    assert table["value"].to_pylist() == [1.0]
    assert changes(of("count", window=None), batches([event("ann", 1.0, at=last)])).num_rows == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 2.0**62, -(2.0**62)])
def test_a_number_that_cannot_be_added_is_refused_by_table_column_and_row(value):
    events = [event("ann", 1.0, at=0), event("ann", value, at=0)]
    for function in ("sum", "last"):
        with pytest.raises(FeatureError, match=r"events 'visits': row 1: column 'x' is .*2\^62"):
            changes(of(function), batches(events, 1))
    assert changes(of("count"), batches(events)).num_rows == 2
    where = [("x", "==", 1.0)]
    assert changes(of("sum", where=where), batches(events)).num_rows == 2


def test_a_whole_number_that_cannot_be_added_is_refused_too():
    with pytest.raises(FeatureError, match=r"row 0: column 'n' is -4611686018427387904"):
        changes(of("sum", column="n"), batches([event("ann", 1.0, at=0, n=-(2**62))]))


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        (("n", ">", 2.0**53), [2]),
        (("n", "==", 2.0**53), [1]),
        (("n", "<", 1e300), [0, 1, 2]),
        (("x", ">=", 2**53 + 1), [2]),
        (("x", "!=", 0), [1, 2]),
        (("who", "!=", "ann"), [1]),
        (("ok", "==", True), [0]),
    ],
)
def test_conditions_compare_as_python_does_and_null_meets_none(condition, rows):
    batch = pa.record_batch(
        {
            "n": pa.array([0, 2**53, 2**53 + 1, None]),
            "x": [0.0, 2.0**53, 2.0**53 + 2, None],
            "who": pa.array(["ann", "bób", None, None]).dictionary_encode(),
            "ok": [True, False, False, None],
        }
    )
    assert met(batch, [condition]).nonzero()[0].tolist() == rows


def test_entities_are_json_of_their_parts():
    schema_batch = pa.record_batch(
        {"a": pa.array(['x"y', "é", None]), "b": [1, -2, 3], "c": [True, False, True]}
    )
    times = pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * 3).cast(TIMESTAMP)
    events = schema_batch.append_column(EVENT_TIME, times).append_column(KNOWN_AT, times)
    one = Aggregate("v", events="visits", by={"a": "x", "b": "y", "c": "z"})
    assert changes(one, [events])["entity"].to_pylist() == ['["x\\"y",1,true]', '["é",-2,false]']
    odd = events.append_column("w", pa.array([0.5] * 3))
    with pytest.raises(FeatureError, match="'w' holds double; an entity is of string, int64, bool"):
        changes(Aggregate("v", events="visits", by=["w"]), [odd])
