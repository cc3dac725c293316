import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.state import BucketState
from mlplatform.features.statistics import Moments, Statistics, _of_column, value
from mlplatform.features.statistics_shown import markdown, occupancy, pictures, table, words
from mlplatform_tests.features import table_cases as trips

ROWS = 1500
floats = st.floats(-(2.0**100), 2.0**100, width=32)


@pytest.fixture(scope="module")
def function() -> BatchFunction:
    return trips.function()


@pytest.fixture(scope="module")
def batch():
    return trips.dataset(ROWS).combine_chunks().to_batches()[0]


@pytest.fixture(scope="module")
def counted(function, batch) -> Statistics:
    return function.counted(batch)[1]


def test_every_declared_feature_is_counted_under_its_name(counted):
    assert list(counted.features) == [each.name for each in trips.FEATURES.features]
    assert counted.rows == ROWS


def test_missing_values_are_those_of_the_raw_columns(counted, batch):
    for name, column in {"fare": "fare", "stops": "stops", "city": "city", "left": "left"}.items():
        assert counted.features[name].missing == batch.column(column).null_count > 0
    either = np.asarray(batch.column("fare").is_null()) | np.asarray(
        batch.column("stops").is_null()
    )
    assert counted.features["fare_of_stops"].missing == either.sum()
    assert counted.features["note"].missing is None  # Counts of no words are those of no text.


def test_moments_of_a_column_are_its_mean_deviation_and_extremes(counted, function, batch):
    values = function(batch).column("fare__scaled").to_numpy().astype(np.float64)
    seen = counted.features["fare"].columns["fare__scaled"]
    assert seen.rows == ROWS
    assert (seen.mean, seen.deviation) == pytest.approx((values.mean(), values.std()))
    assert (seen.low, seen.high) == (values.min(), values.max())


def test_rows_lie_in_the_bin_whose_lower_end_they_passed(counted, function, batch):
    made = function(batch)
    bins = [n for n in made.schema.names if n.startswith("stops__bin_")]
    passed = np.stack([made.column(name).to_numpy() > 0 for name in bins])
    rows = occupancy(counted.features["stops"], ROWS)
    assert sum(rows) == ROWS
    assert rows == [
        int((np.maximum(passed.sum(axis=0), 1) == k + 1).sum()) for k in range(len(bins))
    ]


def test_ids_are_counted(counted, function, batch):
    ids, rows = np.unique(function(batch).column("city__id").to_numpy(), return_counts=True)
    assert counted.features["city"].ids["city__id"] == dict(
        zip(ids.tolist(), rows.tolist(), strict=True)
    )
    assert counted.features["city_level"].sizes.keys() == {"city_level__id"}


@given(st.lists(st.integers(0, ROWS), max_size=4))
def test_statistics_of_parts_add_up_to_those_of_the_whole(function, batch, counted, cuts):
    total = Statistics()
    ends = [*sorted(cuts), ROWS]
    for start, end in zip([0, *ends], ends, strict=False):
        total.add(function.counted(batch.slice(start, end - start))[1])
    assert total.rows == ROWS
    for name, whole in counted.features.items():
        found = total.features[name]
        assert (found.missing, found.above, found.ids) == (whole.missing, whole.above, whole.ids)
        for column, moments in whole.columns.items():
            other = found.columns[column]
            assert (other.low, other.high, other.histogram) == (
                moments.low, moments.high, moments.histogram,
            )  # fmt: skip
            assert (other.mean, other.deviation) == pytest.approx((moments.mean, moments.deviation))


@given(st.lists(floats, min_size=1, max_size=50), st.sampled_from([0.25, 0.5, 0.75]))
def test_a_quantile_is_told_to_a_sixteenth_of_its_size(values, share):
    array = np.array(values, np.float32)
    exact = float(np.sort(array)[max(0, int(np.ceil(share * len(array))) - 1)])
    assert _of_column(array).quantile(share) == pytest.approx(exact, rel=1 / 16, abs=1e-37)


@given(floats)
def test_a_float_lies_in_the_bucket_of_its_leading_bits(number):
    array = np.array([number], np.float32)
    (bits,) = _of_column(array).histogram
    assert value(bits) == pytest.approx(float(array[0]), rel=1 / 16, abs=1e-37)


def test_deviations_far_from_zero_are_exact():
    array = (1e6 + np.arange(1000) % 2).astype(np.float32)
    total = Moments()
    for part in np.split(array, 4):
        total.add(_of_column(part))
    assert total.deviation == pytest.approx(0.5)


def test_statistics_come_back_from_json(counted):
    assert Statistics.from_json(counted.to_json()) == counted
    assert Statistics.from_json(Statistics().to_json()) == Statistics()
    for wrong in (b"{}", b"[]", b"", b'{"format": 0}'):
        with pytest.raises(FeatureError, match=r"statistics\.json"):
            Statistics.from_json(wrong)


def test_a_person_sees_words_shares_and_a_picture_of_every_feature(counted, function):
    shown = pictures(counted, function.encoder)
    assert list(shown) == list(counted.features)
    assert "`Paris`" in shown["city"]
    assert "(missing)" in shown["city"]
    assert "2 to 4" in shown["stops_level"]
    assert "mean" in shown["fare"]
    for name, text in shown.items():
        assert len(text) < 1000, name
        assert "data:image/svg+xml;base64," in text
    lines = table(counted, function.encoder).splitlines()
    assert len(lines) == 2 + len(counted.features)
    assert {line.count("|") for line in lines} == {6}


def test_hostile_words_and_personal_data_are_not_shown_as_they_are(counted, function):
    from dataclasses import replace

    words = ("a|b`c\n<script>", "someone@example.org", "z" * 100)
    inputs = tuple(
        replace(one, vocabulary=words) if one.kind == "vocabulary" else one
        for one in function.encoder.inputs
    )
    encoder = replace(function.encoder, inputs=inputs)
    state = next(state for state in encoder.states if state.name == "city")
    shown = markdown(state, counted.features["city"], encoder, counted.rows)
    assert "|" not in shown
    assert shown.count("\n") == 2
    assert "someone@example.org" not in shown
    assert len(shown) < 1000


def test_the_interval_of_a_constant_has_a_name(function):
    name = words(BucketState(name="b", input=0, edges=()), function.encoder)
    assert [name(0), name(2)] == ["(missing)", "`any`"]
