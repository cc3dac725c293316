"""What each kind of input makes of a raw value, by hand."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features import words
from mlplatform.features.categories import FEW
from mlplatform.features.encoder import Encoder
from mlplatform.features.hashing import hashes
from mlplatform.features.inputs import (
    NO_TIME,
    ElapsedInput,
    HashInput,
    NumberInput,
    TextInput,
    TimeInput,
    VectorInput,
)
from mlplatform.features.words import terms
from mlplatform_tests.features.encoding import same

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def numeric(one, table):
    return Encoder((one,)).encode(table).numeric.tolist()


def integers(one, table):
    return Encoder((one,)).encode(table).integers.tolist()


def test_a_hash_is_the_same_for_ever():
    """Models in service hold ids made of it. `b2sum --length 64` says the same bytes."""
    digests = [b"\xe4\xa6\xa0Wty\xb2\xb4", b"]\xb7\xbep\xfe\x92\xf0\xfc", b"W\xb4<\xf0&fhz"]
    found = hashes(["", "Oslo", "42"])
    assert [int(each).to_bytes(8, "little") for each in found] == digests


@pytest.mark.parametrize("times", [1, FEW])
def test_whole_numbers_hash_as_their_text_and_missing_ones_not_at_all(times):
    texts = pa.table({"x": ["7", None, "-8"] * times})
    numbers = pa.table({"x": pa.array([7, None, -8] * times, pa.int32())})
    found = integers(HashInput(column="x", type="string", buckets=1000), texts)
    assert integers(HashInput(column="x", type="int64", buckets=1000), numbers) == found
    assert found[1] == [0]
    assert found[0] == [2 + int(hashes(["7"])[0]) % 1000]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1), st.integers(1, 9))
def test_hashed_ids_stay_within_their_buckets(values, buckets):
    found = integers(HashInput(column="x", type="int64", buckets=buckets), pa.table({"x": values}))
    assert all(2 <= each < 2 + buckets for (each,) in found)


@pytest.mark.parametrize("times", [1, FEW])
def test_words_and_runs_of_words_are_counted_by_bucket(times):
    one = TextInput(column="x", buckets=16, ngrams=2)
    found = numeric(one, pa.table({"x": ["To be, or TO-BE!", None, "", "…"] * times}))
    expected = np.zeros(16)
    for term in ["to", "be", "or", "to", "be", "to be", "be or", "or to", "to be"]:
        expected[int(hashes([term])[0]) % 16] += 1
    assert found[0] == expected.tolist()
    assert not np.any(found[1:4])
    assert len(found) == 4 * times


def test_texts_are_counted_some_at_a_time(monkeypatch):
    table = pa.table({"x": [f"word{k % 5} again" for k in range(3 * FEW)]})
    one = TextInput(column="x", buckets=4, ngrams=1)
    whole = numeric(one, table)
    monkeypatch.setattr(words, "AT_ONCE", 8)
    assert numeric(one, table) == whole


def test_words_are_of_any_script_and_runs_as_long_as_said():
    assert terms("Ärger_1 über 東京—ΣΑΣ", 1) == ["ärger_1", "über", "東京", "σας"]
    assert terms("a b c", 3) == ["a", "b", "c", "a b", "b c", "a b c"]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu", "Europe/Berlin"])
def test_days_and_seconds_are_those_of_the_zones_clock(zone):
    """Around both changes of the clock in 2013, and long before any, as Python's own zones have it."""
    starts = [datetime(2013, 3, 10, tzinfo=UTC), datetime(2013, 11, 3, tzinfo=UTC)]
    starts += [datetime(1960, 6, 1, 23, 59, 59, tzinfo=UTC), datetime(2030, 12, 31, tzinfo=UTC)]
    seconds = [int((s - EPOCH).total_seconds()) + 600 * k for s in starts for k in range(144)]
    times = pa.array(seconds, pa.timestamp("s", tz="UTC"))
    expected = [clock(datetime.fromtimestamp(each, ZoneInfo(zone))) for each in seconds]
    assert integers(TimeInput(column="x", timezone=zone), pa.table({"x": times})) == expected


def clock(local):
    return [
        local.toordinal() - EPOCH.toordinal(),
        local.hour * 3600 + local.minute * 60 + local.second,
    ]


def test_instants_are_the_same_in_every_unit_and_zone_and_dates_are_midnights():
    seconds = pa.array([-1, 0, None, 86_399, 1_380_618_000], pa.timestamp("s"))
    one = TimeInput(column="x", timezone="America/New_York")
    expected = integers(one, pa.table({"x": seconds}))
    assert expected[2] == [NO_TIME, NO_TIME]
    assert expected[0] == [-1, 19 * 3600 - 1]
    for unit in ("s", "ms", "us", "ns"):
        for zone in ("UTC", "Asia/Tokyo", None):
            stored = seconds.cast(pa.timestamp(unit)).view(pa.timestamp(unit, tz=zone))
            assert integers(one, pa.table({"x": stored})) == expected
    days = pa.array([0, 15_979, None], pa.date32())
    same_days = [days, days.cast(pa.date64()), days.cast(pa.timestamp("s"))]
    found = [integers(one, pa.table({"x": each})) for each in same_days]
    assert found[0] == found[1] == found[2] == [[-1, 68_400], [15_978, 72_000], [NO_TIME] * 2]


def test_the_first_and_the_last_instant_of_the_calendar_are_taken():
    texts = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    encoder = Encoder((TimeInput(column="x", timezone="UTC"),))
    found = encoder.encode_rows([{"x": text} for text in texts]).integers.tolist()
    assert found == [[-719_162, 0], [2_932_896, 86_399]]


def test_fractions_of_a_second_are_cut_off_by_the_clock_and_count_for_what_elapsed():
    one = ElapsedInput(column="late", since="early", unit_seconds=60)
    encoder = Encoder((one, TimeInput(column="late", timezone="UTC")))
    row = {"late": "1969-12-31T23:59:59.5Z", "early": "1970-01-01T00:00:30+00:00"}
    found = encoder.encode_rows([row, row | {"early": None}])
    np.testing.assert_array_equal(found.numeric[:, 0], np.float32([-30.5 / 60, np.nan]))
    assert found.integers[0].tolist() == [-1, 86_399]
    nanoseconds = pa.array([-1, 999, 1_000_000_000], pa.timestamp("ns"))
    microseconds = pa.array([-1, 0, 1_000_000], pa.timestamp("us"))
    early = pa.array([0, 0, 0], pa.timestamp("s"))
    found = [
        encoder.encode(pa.table({"late": late, "early": early}))
        for late in (nanoseconds, microseconds)
    ]
    assert same(*found)
    assert found[0].integers.tolist() == [[-1, 86_399], [0, 0], [0, 1]]


def test_a_vector_is_as_many_numbers_and_a_missing_one_as_many_nan():
    fixed = pa.array([[9, 9], [1, 2], None, [3, 4]], pa.list_(pa.int64(), 2)).slice(1)
    one = VectorInput(column="x", size=2)
    expected = [[1, 2], [np.nan, np.nan], [3, 4]]
    for stored in (pa.list_(pa.int64(), 2), pa.list_(pa.float32()), pa.large_list(pa.float64())):
        table = pa.table({"x": fixed.cast(stored)})
        np.testing.assert_array_equal(numeric(one, table), expected)


def test_whole_numbers_of_a_vector_round_as_those_of_a_row():
    encoder = Encoder((VectorInput(column="x", size=1),))
    values = [[2**60 + 2**36 + 1], [-3]]
    stored = encoder.encode(pa.table({"x": pa.array(values, pa.list_(pa.int64()))}))
    assert same(stored, encoder.encode_rows([{"x": value} for value in values]))


def test_a_bool_may_be_a_number():
    one = NumberInput(column="x", type="bool")
    np.testing.assert_array_equal(
        numeric(one, pa.table({"x": [True, None, False]})), [[1], [np.nan], [0]]
    )


def test_whole_numbers_stand_for_numbers_and_round_as_those_of_a_row():
    """Through float64 to float32, which is not what rounding once gives: 2**60 + 2**36 + 1 is one."""
    encoder = Encoder((NumberInput(column="x", type="float64"),))
    values = [2**60 + 2**36 + 1, 2**24 + 1, -3]
    whole = encoder.encode(pa.table({"x": values})).numeric
    assert (
        whole.tobytes() == encoder.encode_rows([{"x": value} for value in values]).numeric.tobytes()
    )
    assert whole.tobytes() == encoder.encode(pa.table({"x": [*values, None]})).numeric[:3].tobytes()


def test_numbers_are_taken_up_to_the_largest_that_32_bits_round_to():
    encoder = Encoder((NumberInput(column="x", type="float64"),))
    largest = float(np.nextafter(2.0**128 - 2.0**103, 0))
    for made in (
        encoder.encode_rows([{"x": -largest}]),
        encoder.encode(pa.table({"x": [-largest]})),
    ):
        assert made.numeric[0, 0] == -np.finfo(np.float32).max
    with pytest.raises(FeatureError, match=r"row 0: column 'x' is 3\.4028"):
        encoder.encode_rows([{"x": 2.0**128 - 2.0**103}])


def test_a_time_zone_that_cannot_be_read_is_said():
    one = TimeInput(column="x", timezone="Mars/Olympus")
    with pytest.raises(FeatureError, match="time zone 'Mars/Olympus' cannot be read"):
        integers(one, pa.table({"x": pa.array([0], pa.timestamp("s"))}))
