"""Summaries: figures as counted, in Markdown short enough to be shown, whatever the values are."""

import base64
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.summary import Bar, ColumnSummary, Top, markdown, records, summarised, svg
from mlplatform_tests.validate.conftest import COLUMNS, people

DAGSTER_SHOWS = 1000  # Characters of Markdown, below which its UI shows it and not a link.


def of(table, columns):
    """Summaries by name of what a scan sees of a table."""
    seen = scan(table.to_batches(), Plan(columns=columns)).view()
    return {column.name: column for column in summarised(seen)}


def numbers(values, kind="float64"):
    types = {
        "float64": pa.float64(),
        "int64": pa.int64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }
    return of(pa.table({"x": pa.array(values, types[kind])}), {"x": kind})["x"]


def test_a_number_has_its_moments_quartiles_and_bars():
    values = np.random.default_rng(0).normal(10, 2, 5000)
    got = numbers([*values, None])
    assert (got.rows, got.missing, got.distinct) == (5001, 1, pytest.approx(5000, rel=0.05))
    assert (got.minimum, got.maximum) == (values.min(), values.max())
    assert (got.mean, got.deviation) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    expected = np.quantile(values, [0.25, 0.5, 0.75])
    assert got.quartiles == pytest.approx(expected, rel=0.01)
    assert sum(bar.rows for bar in got.bars) == 5000
    tallest = max(got.bars, key=lambda bar: bar.rows)
    assert tallest.low < 10.5
    assert tallest.high > 9.5


def test_each_bar_of_whole_numbers_holds_as_many_of_them():
    got = numbers(list(range(30)) * 10, "int64")
    assert [bar.rows for bar in got.bars] == [20.0] * 15
    assert [bar.rows for bar in numbers([3, 3, 5], "int64").bars] == [2.0, 0.0, 1.0]


def test_a_far_value_does_not_flatten_the_picture():
    got = numbers([*np.linspace(0, 1, 1000), 1e9])
    assert got.maximum == 1e9
    assert got.bars[-1].high <= 2
    assert sum(bar.rows > 0 for bar in got.bars) == len(got.bars)


def test_a_column_with_one_value_or_none_or_infinities_is_summarised():
    assert [bar.rows for bar in numbers([7.0] * 5).bars] == [5.0]
    void = numbers([None, None])
    assert (void.missing_share, void.minimum, void.quartiles, void.bars) == (1, None, (), ())
    assert "2 missing (100.0%)" in markdown(void)
    got = numbers([1.0, 2.0, float("inf")])
    assert (got.not_finite, got.maximum) == (1, 2.0)
    assert "1 not finite" in markdown(got)


def test_strings_and_bools_have_their_most_frequent_values():
    table = pa.table({"c": ["b", "a", "a", None], "t": pa.array([True, True, True, False])})
    got = of(table, {"c": "string", "t": "bool"})
    assert got["c"].top == (Top(value="a", rows=2), Top(value="b", rows=1))
    assert got["t"].top == (Top(value="true", rows=3), Top(value="false", rows=1))
    assert got["c"].distinct == 2
    assert "`a` 50.0%, `b` 25.0%" in markdown(got["c"])


def test_times_are_shown_as_dates_and_their_deviation_in_days():
    days = [datetime(2013, 1, day, 12, tzinfo=UTC) for day in range(1, 10)]
    shown = markdown(numbers(days, "timestamp"))
    assert "min 2013-01-01 12:00" in shown
    assert "mean 2013-01-05 12:00 ± 2.582 days" in shown
    assert "µs" in markdown(numbers([2**62, 2**62 - 1], "timestamp"))


def test_the_picture_is_a_drawing_that_xml_readers_read():
    shown = markdown(numbers(list(range(100))))
    (image,) = re.findall(r"!\[histogram\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", shown)
    drawing = ET.fromstring(base64.b64decode(image))  # noqa: S314 - our own
    (path,) = drawing.iter("{http://www.w3.org/2000/svg}path")
    assert path.get("d").startswith("M0 36V")


def test_a_bar_is_as_high_as_its_rows_and_one_with_any_row_is_seen():
    assert 'd="M0 36V18H84V0H168V36z"' in svg([1, 2])
    assert 'd="M0 36V0H56V35H112V36H168V36z"' in svg([10_000, 1, 0])


hostile = st.text(max_size=300) | st.sampled_from(
    [
        "`",
        "](javascript:alert(1))",
        "<script>",
        "![x](http://e)",
        "\n# H",
        "|a|b|",
        "\u202egnp",
        "  ",
    ]
)
figures = st.floats(allow_nan=False, allow_infinity=False)
bars = st.lists(st.builds(Bar, low=figures, high=figures, rows=st.floats(0, 1e12)), max_size=24)


@given(
    name=hostile,
    top=st.lists(st.builds(Top, value=hostile, rows=st.integers(0, 10**12)), max_size=10),
    values=st.lists(figures, min_size=7, max_size=7),
    bars=bars,
    rows=st.integers(0, 10**12),
)
def test_hostile_names_and_values_are_code_and_every_column_is_short(name, top, values, bars, rows):
    least, *quartiles, most, mean, deviation = values
    number = ColumnSummary(
        name=name,
        type="float64",
        rows=rows,
        missing=rows,
        not_finite=rows,
        distinct=rows,
        minimum=least,
        maximum=most,
        mean=mean,
        deviation=deviation,
        quartiles=tuple(quartiles),
        bars=tuple(bars),
    )
    text = ColumnSummary(name=name, type="string", rows=rows, missing=0, distinct=9, top=tuple(top))
    for column in (number, text):
        shown = markdown(column)
        assert len(shown) < DAGSTER_SHOWS
        spans = re.findall(r"`[^`\n]*`", shown)
        assert shown.count("`") == 2 * len(spans)
        outside = re.sub(r"`[^`\n]*`|!\[histogram\]\(data:[^)]*\)", "", shown)
        assert re.fullmatch(r"[\w\s,.:;()%+±µ-]*", outside), outside
        assert len(shown.split("\n")) <= 3


def test_the_longest_column_is_short_enough_with_its_picture():
    top = tuple(Top(value=f"{n}" * 300, rows=10**12 - n) for n in range(10))
    shown = markdown(
        ColumnSummary(name="x" * 300, type="string", rows=10**13, missing=10**12, top=top)
    )
    assert "svg" in shown
    assert len(shown) < DAGSTER_SHOWS


PEOPLE = ["Maria Garcia", "John Smith", "Anna Müller", "James Brown", "Linda Jones", "Paul Clark"]


def test_of_a_column_with_personal_data_no_value_is_shown():
    cards = [4111111111111111, 4012888888881881, 4222222222222220, 5555555555554444] * 5
    mails = [f"{name.split()[0].lower()}@example.org" for name in PEOPLE]
    table = pa.table(
        {
            "full_name": [PEOPLE[n % 6] for n in range(20)],
            "contact": [*[mails[n % 6] for n in range(19)], "unknown"],
            "city": ["Oslo", "Rome"] * 10,
            "card": pa.array(cards, pa.int64()),
        }
    )
    kinds = {"full_name": "string", "contact": "string", "city": "string", "card": "int64"}
    got = of(table, kinds)
    shown = "".join(map(markdown, got.values())) + str(got) + str(records(_Profiled(got)))
    for value in (*PEOPLE, *mails, "unknown"):
        assert value not in shown
    assert [top.value for top in got["contact"].top if "@" not in top.value] == ["xxxxxxx"]
    assert [top.value for top in got["city"].top] == ["Oslo", "Rome"]
    assert {top.value for top in got["full_name"].top} >= {"Xxxx Xxxxx", "Xxxxx Xxxxxx"}
    assert (got["card"].minimum, got["card"].maximum) == (None, None)
    assert "min" not in markdown(got["card"])


def test_a_single_value_that_looks_personal_is_masked_in_any_column():
    seen = scan(
        pa.table({"c": ["Oslo", "ann@example.org"]}).to_batches(), Plan(columns={"c": "string"})
    )
    (got,) = summarised(seen.view(), personal=())
    assert [top.value for top in got.top] == ["Oslo", "xxx@xxxxxxx.xxx"]
    (got,) = summarised(seen.view(), personal={"c"})
    assert [top.value for top in got.top] == ["Xxxx", "xxx@xxxxxxx.xxx"]


class _Profiled:
    def __init__(self, columns):
        self.columns = columns.values()


def test_a_table_has_a_row_a_column_of_plain_values():
    class Profiled:
        columns = summarised(scan(people().to_batches(), Plan(columns=COLUMNS)).view())

    got = {record["column"]: record for record in records(Profiled)}
    assert list(got) == list(COLUMNS)
    assert got["age"] == {
        "column": "age",
        "type": "int64",
        "missing": "",
        "distinct": 40,
        "min": "20",
        "median": "39",
        "max": "59",
        "most frequent": "",
    }
    assert got["member"]["most frequent"] == "yes 75.0%"
    assert all(isinstance(v, str | int | float) for record in got.values() for v in record.values())
