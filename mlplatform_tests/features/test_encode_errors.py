"""Rows that do not fit are refused in one line that names row and column."""

import math
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import (
    ElapsedInput,
    HashInput,
    NumberInput,
    TextInput,
    TimeInput,
    VectorInput,
    VocabularyInput,
)
from mlplatform_tests.features.encoding import same

ENCODER = Encoder(
    (
        NumberInput(column="age", type="int64"),
        NumberInput(column="income", type="float64"),
        VocabularyInput(column="city", type="string", vocabulary=("Oslo",)),
        VocabularyInput(column="member", type="bool", vocabulary=("true",)),
        HashInput(column="city", type="string", buckets=50),
        TextInput(column="note", buckets=4, ngrams=2),
        VectorInput(column="face", size=2),
        TimeInput(column="at", timezone="Pacific/Auckland"),
        ElapsedInput(column="at", since="opened", unit_seconds=60),
    )
)
ROW = {
    "age": 30,
    "income": 5.5,
    "city": "Oslo",
    "member": True,
    "note": "quiet",
    "face": [0.5, 1.5],
    "at": "2013-10-01T09:00:00Z",
    "opened": "2013-10-01T08:00:00Z",
}
TYPES = {"face": pa.list_(pa.float64()), "at": pa.timestamp("us"), "opened": pa.timestamp("us")}
TABLE = pa.table(
    {
        name: pa.array([datetime.fromisoformat(v) if name in ("at", "opened") else v] * 3)
        for name, v in ROW.items()
    }
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age": "30"}, "column 'age': a whole number is expected, got the text '30'"),
        ({"age": 30.5}, "column 'age': a whole number is expected, got 30.5"),
        ({"age": True}, "column 'age': a whole number is expected, got True"),
        ({"age": math.nan}, "column 'age': a whole number is expected, got nan"),
        ({"age": 2**63}, "column 'age': a whole number is expected, got 9223372036854775808"),
        ({"income": "x" * 9999}, "column 'income': a number is expected, got the text 'xxx"),
        ({"income": math.nan}, "column 'income' is nan; a finite 32-bit number"),
        ({"income": -math.inf}, "column 'income' is -inf; a finite 32-bit number"),
        ({"income": 1e39}, r"column 'income' is 1e\+39; a finite 32-bit number is expected"),
        ({"income": 10**400}, "column 'income' is inf; a finite 32-bit number is expected"),
        ({"income": [1]}, r"column 'income': a number is expected, got \[1\]"),
        ({"city": 5}, "column 'city': text is expected, got 5"),
        ({"city": b"Oslo"}, "column 'city': text is expected"),
        ({"city": "\ud800"}, "column 'city': text is expected, got the text"),
        ({"member": 1}, "column 'member': true or false is expected, got 1"),
        ({"member": "true"}, "column 'member': true or false is expected, got the text 'true'"),
        ({"note": ["a"]}, r"column 'note': text is expected, got \['a'\]"),
        ({"face": [1.0]}, "column 'face' has 1 numbers; 2 are expected"),
        ({"face": []}, "column 'face' has 0 numbers; 2 are expected"),
        ({"face": [1.0, 2, 3]}, "column 'face' has 3 numbers; 2 are expected"),
        ({"face": [1.0, math.nan]}, "column 'face' holds nan at place 1; finite"),
        ({"face": [1e39, 0]}, r"column 'face' holds 1e\+39 at place 0; finite"),
        ({"face": [1.0, None]}, "column 'face': a list of 2 numbers is expected, got"),
        ({"face": [1.0, "2"]}, "column 'face': a list of 2 numbers is expected, got"),
        ({"face": [1.0, True]}, "column 'face': a list of 2 numbers is expected, got"),
        ({"face": "[1, 2]"}, "column 'face': a list of 2 numbers is expected, got the text"),
        ({"at": 1380618000}, "column 'at': a time like 2013-10-01T09:00:00Z is expected, got 13"),
        ({"at": 1.5}, "column 'at': a time like 2013-10-01T09:00:00Z is expected, got 1.5"),
        ({"at": "yesterday"}, "column 'at': a time like .* is expected, got the text 'yesterday'"),
        ({"at": "2013-02-29"}, "column 'at': a time like .* is expected, got the text"),
        ({"at": "10000-01-01T00:00:00Z"}, "column 'at': a time like .* is expected, got the text"),
        ({"at": "0001-01-01T00:00:00+09:00"}, "column 'at' is a time outside years 1 to 9999"),
        ({"at": "9999-12-31T23:00:00Z"}, "column 'at' is a time outside years 1 to 9999"),
        ({"opened": "0001-01-01T00:00:00+09:00"}, "column 'opened' is a time outside years"),
        ({"colour": 1}, "unknown column 'colour'; columns: age, income, city, member, note"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_row_and_column(change, said):
    with pytest.raises(FeatureError, match=f"row 1: {said}") as caught:
        ENCODER.encode_rows([ROW, ROW | change])
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)


def test_a_row_that_lacks_a_column_or_is_no_row_is_named():
    lacking = {name: value for name, value in ROW.items() if name != "city"}
    with pytest.raises(FeatureError, match="row 0: column 'city' is missing; send null"):
        ENCODER.encode_rows([lacking])
    with pytest.raises(FeatureError, match="row 1: an object of named columns is expected, got"):
        ENCODER.encode_rows([ROW, 5])


def test_a_whole_number_may_be_written_with_a_point_and_a_number_without():
    written = {"age": 30.0, "income": 5, "face": (1, np.float32(2)), "city": "Oslo"}
    meant = {"age": 30, "income": 5.0, "face": [1.0, 2.0]}
    assert same(ENCODER.encode_rows([ROW | written]), ENCODER.encode_rows([ROW | meant]))


def second(value, first):
    return [first, value, first]


FIRST, LAST = -62135596800, 253402300799  # Seconds of years 1 to 9999.


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("age", ["a"] * 3, "column 'age' holds string; a whole number is expected"),
        ("age", [1.5] * 3, "column 'age' holds double; a whole number is expected"),
        ("city", [1] * 3, "column 'city' holds int64; text is expected"),
        ("member", [1, 0, 1], "column 'member' holds int64; true or false is expected"),
        ("at", [1, 2, 3], "column 'at' holds int64; a time is expected"),
        ("at", ["2013-10-01"] * 3, "column 'at' holds string; a time is expected"),
        ("face", [1.0] * 3, "column 'face' holds double; a list of 2 numbers is expected"),
        ("face", [["a"]] * 3, "column 'face' holds list.*; a list of 2 numbers is expected"),
        ("face", second([1.0], None), "row 1: column 'face' has 1 numbers; 2 are expected"),
        ("face", second([0, math.inf], None), "row 1: column 'face' holds inf at place 1"),
        ("face", second([None, 1.0], [1.0, 2]), "row 1: column 'face' holds nan at place 0"),
        ("income", second(math.inf, None), "row 1: column 'income' is inf"),
        ("income", second(math.nan, None), "row 1: column 'income' is nan"),
    ],
)
def test_a_table_that_does_not_fit_is_named_by_column_and_row(column, values, said):
    with pytest.raises(FeatureError, match=said):
        ENCODER.encode(with_column(column, pa.array(values)))


@pytest.mark.parametrize("number", [None, math.nan, math.inf])
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_a_vector_with_a_number_that_is_none_is_named_however_it_is_stored(kind, number):
    wrong = pa.array([None, [1, 2], [2, number]], pa.list_(kind, 2))
    with pytest.raises(FeatureError, match=r"row 2: column 'face' holds (nan|inf) at place 1"):
        ENCODER.encode(with_column("face", wrong))


@pytest.mark.parametrize(
    ("stored", "count"),
    [
        (pa.timestamp("s"), LAST + 1),
        (pa.timestamp("s", tz="UTC"), 2**63 - 1),
        (pa.timestamp("ms"), FIRST * 1000 - 1),
        (pa.timestamp("us", tz="Asia/Tokyo"), (LAST + 1) * 1_000_000),
        (pa.timestamp("us"), FIRST * 1_000_000 - 1),
        (pa.timestamp("us"), LAST * 1_000_000),  # In the new year already, by the zone's clock.
        (pa.date32(), 2**31 - 1),
        (pa.date64(), (FIRST - 86_400) * 1000),
    ],
)
def test_a_date_out_of_range_is_named_by_row_and_column(stored, count):
    whole = pa.int32() if stored == pa.date32() else pa.int64()
    times = pa.array([None, count, 0], whole).view(stored)
    with pytest.raises(FeatureError, match="row 1: column 'at' is a time outside years 1 to 9999"):
        ENCODER.encode(with_column("at", times))


def with_column(name, values):
    return TABLE.set_column(TABLE.schema.get_field_index(name), name, values)


def test_a_column_that_is_missing_or_there_twice_is_named():
    with pytest.raises(FeatureError, match="column 'city' is missing; columns: age, income"):
        ENCODER.encode(TABLE.drop_columns("city"))
    with pytest.raises(FeatureError, match="column 'city' is there 2 times; columns: age, income"):
        ENCODER.encode(TABLE.append_column("city", TABLE["city"]))


def test_bytes_that_are_no_text_are_named_by_column():
    wrong = pa.array([b"Oslo", b"\xff", b"Rome"]).view(pa.string())
    with pytest.raises(FeatureError, match="column 'city' holds text that is not UTF-8"):
        ENCODER.encode(with_column("city", wrong))


def test_a_text_of_ten_megabytes_is_a_category_of_its_own_and_read_to_its_limit():
    """Every word counts up to 100,000 characters, and none after it."""
    longer, even_longer = "ab " * 3_500_000, "ab " * 3_500_000 + "end"
    rows = [ROW | {"city": text, "note": text} for text in (longer, even_longer)]
    encoded = ENCODER.encode_rows(rows)
    assert encoded.integers[:, 0].tolist() == [1, 1]
    assert encoded.integers[0, 2] != encoded.integers[1, 2]
    assert encoded.numeric[0, 2:6].sum() == 33_334 + 33_333  # Words, the last cut off, and pairs.
    assert encoded.numeric[0].tobytes() == encoded.numeric[1].tobytes()
    texts = pa.DictionaryArray.from_arrays(
        pa.array([0, 1] * 30, pa.int8()), pa.array([longer, even_longer])
    )
    table = pa.concat_tables([TABLE] * 20)
    wide = table.set_column(table.schema.get_field_index("note"), "note", texts)
    assert (ENCODER.encode(wide).numeric[:, 2:6] == encoded.numeric[0, 2:6]).all()


def test_times_are_taken_as_such_too():
    at = datetime(2013, 10, 1, 9, tzinfo=UTC)
    assert same(ENCODER.encode_rows([ROW | {"at": at}]), ENCODER.encode_rows([ROW]))
