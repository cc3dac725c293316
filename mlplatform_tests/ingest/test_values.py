"""Text becomes values of its declared type or is named; nothing is coerced in silence."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlplatform.ingest import values
from mlplatform.ingest.chunk import ARROW
from mlplatform.ingest.values import parsed, reason, typed_columns
from mlplatform_tests.ingest.texts import spec_of

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False)
INSTANTS = st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999)
INSTANTS |= INSTANTS.map(lambda at: at.astimezone(timezone(-timedelta(hours=5, minutes=30))))
KINDS = ["int64", "float64", "bool", "timestamp"]
NEARLY = st.text(st.sampled_from("0019.-+eEtruefalsTZ: xinf_,٣\n"), max_size=8)
NEARLY |= st.sampled_from(["1", "-0", "1.5", "true", "2020-01-01", "2020-01-01T00:00Z", "1e999"])


def texts(*written):
    return pa.array(written, pa.string())


@given(st.lists(st.tuples(INT64, FLOAT64, st.booleans(), INSTANTS), min_size=1, max_size=9))
def test_what_was_written_is_read_back_exactly(written):
    whole, decimal, truth, instant = zip(*written, strict=True)
    assert parsed(texts(*map(str, whole)), "int64").to_pylist() == list(whole)
    assert parsed(texts(*map(repr, decimal)), "float64").to_pylist() == list(decimal)
    assert parsed(texts(*map(str, truth)), "bool").to_pylist() == list(truth)
    instants = parsed(texts(*(at.isoformat() for at in instant)), "timestamp")
    assert instants.to_pylist() == list(instant)


@settings(max_examples=300, deadline=None)
@given(st.lists(NEARLY | st.none(), min_size=1, max_size=6), st.sampled_from(KINDS))
@example(["1", "0x1"], "int64")
@example(["1", "+1"], "float64")
def test_a_text_means_the_same_whatever_stands_around_it(written, kind):
    """The quick parser is taken only where it agrees with the careful one, text by text."""
    together = parsed(texts(*written), kind)
    alone = [values.CAREFUL[kind](texts(text))[0].as_py() for text in written]
    assert together.type == ARROW[kind]
    assert together.to_pylist() == alone
    assert parsed(texts("1", *written, "y").slice(1, len(written)), kind).to_pylist() == alone


NEITHER = [
    "",
    " ",
    "1e999x",
    "NaN",
    "nan",
    "inf",
    "-Infinity",
    "0x1A",
    " 1",
    "1 ",
    "1_0",
    "1,5",
    "٣",
    "+1",
    "--1",
    "1\n",
]
NO_INT = [*NEITHER, "1.0", "1e3", "9223372036854775808", "-9223372036854775809", "9" * 5000]
NO_FLOAT = [*NEITHER, ".", "1e", "e3", "-", "1.2.3", "1e999", "-1e999", "9" * 400]
NO_BOOL = ["", "yes", "t", "on", "01", "1.0", " true", "2", "fal\u017fe"]
NO_TIMESTAMP = [
    *["", "2020-02-30", "2020-13-01", "20200101", "1577836800", "01/02/2020", "2020-1-1", "now"],
    *["2020-01-01T24:00", "2020-01-01T23:59:60", "2020-01-01T00:00:00.1234567", "0000-01-01"],
    *["2020-01-01 00:00 +01:00", "2020-01-01T00:00+25:00", "9999-12-31T23:59:59-01:00", " 2020-01-01"],
]  # fmt: skip
NO = [
    *(("int64", text) for text in NO_INT),
    *(("float64", text) for text in NO_FLOAT),
    *(("bool", text) for text in NO_BOOL),
    *(("timestamp", text) for text in NO_TIMESTAMP),
]


@pytest.mark.parametrize(("kind", "text"), NO)
def test_what_is_not_of_its_type_has_no_value_and_a_reason_in_one_line(kind, text):
    assert parsed(texts(text), kind).to_pylist() == [None]
    why = reason(text, kind)
    assert "\n" not in why
    assert len(why) < 100
    assert why.endswith((f" is no {kind}", "is not finite"))


YES = [
    *(("float64", text, float(text)) for text in ("1.", ".5", "-.5", "-0", "1E5", "1e+5", "12", "1e-999")),
    *(("int64", text, int(text)) for text in ("007", "-0", "0" * 30 + "1", "-" + "0" * 30 + "9")),
    *(("bool", text, True) for text in ("true", "TRUE", "True", "1")),
    *(("bool", text, False) for text in ("false", "FALSE", "fAlse", "0")),
    *(
        ("timestamp", text, datetime(2020, 1, 2, 3, 4, 5, 600000, tzinfo=UTC))
        for text in (
            "2020-01-02T03:04:05.6",
            "2020-01-02 03:04:05.600",
            "2020-01-02T03:04:05.600000Z",
            "2020-01-02T03:04:05.600000000",
            "2020-01-02T05:34:05.6000000000+02:30",
            "2020-01-01T22:04:05.600000-0500",
        )
    ),
    ("timestamp", "2020-01-02", datetime(2020, 1, 2, tzinfo=UTC)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), YES)
def test_every_common_way_to_write_a_value_is_read(kind, text, value):
    assert parsed(texts(text), kind).to_pylist() == [value]
    assert parsed(texts(text, "?", None), kind).to_pylist() == [value, None, None]


def test_a_row_is_blamed_on_its_first_bad_column():
    columns = [texts("ann", None, "cy"), texts("1", "x", "2"), texts("y", "z", "2.5")]
    typed = typed_columns(columns, spec_of())
    assert typed.blamed == {
        0: ("height", "'y' is no float64"),
        1: ("age", "'x' is no int64"),
    }
    assert typed.columns[1].to_pylist() == [1, None, 2]
