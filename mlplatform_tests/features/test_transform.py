import datetime as dt

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from mlplatform.features import (
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Embedding,
    FeatureSet,
    Numeric,
    Text,
    feature,
)
from mlplatform.features.encoder import Encoder
from mlplatform.features.fitting import fit
from mlplatform.features.fitting_numbers import QUANTILES
from mlplatform.features.inputs import TimeInput
from mlplatform.features.state import TimeState
from mlplatform.features.transform import transform

TYPES = {"x": "float64", "y": "int64", "city": "string", "note": "string", "face": "vector[2]"}
TYPES |= {"at": "timestamp"}


def made(features, train, rows, functions=None):
    """Vectors and ids of `rows`, of features fitted on `train`; columns by name."""
    of = fit(FeatureSet(features), pa.table(train).to_batches(), TYPES)
    encoded = of.encode(pa.table(rows))
    vectors, ids = transform(of, functions or {}, encoded.numeric, encoded.integers)
    found = dict(zip(of.vector_names, np.asarray(vectors).T, strict=True))
    return found | dict(zip(of.id_names, np.asarray(ids).T, strict=True))


def numbers(values):
    return {"x": pa.array(values, pa.float64())}


def scaled(feature, train, values):
    """The float columns of one numeric feature fitted on `train`."""
    return np.stack(list(made([feature], numbers(train), numbers(values)).values()), axis=1)


def test_a_value_fills_the_bins_below_it_and_part_of_its_own():
    found = scaled(Numeric("x", bins=2), [0, 10, 30], [-5, 0, 5, 10, 25, 30, 99])
    expected = [[0, 0], [0, 0], [0.5, 0], [1, 0], [1, 0.75], [1, 1], [1, 1]]
    np.testing.assert_array_equal(found, expected)


def test_without_bins_a_value_is_standardised_and_bounded():
    found = scaled(Numeric("x"), [1, 3], [1, 2, 3, 1e30, -1e30, 3e38, -3e38])
    np.testing.assert_array_equal(found[:, 0], [-1, 0, 1, 10, -10, 10, -10])


def test_a_standardised_value_is_scikit_learns():
    values = np.random.default_rng(0).normal(50, 20, 300)
    theirs = StandardScaler().fit_transform(values[:, None])
    np.testing.assert_allclose(scaled(Numeric("x"), values, values), theirs, rtol=2e-4, atol=1e-5)


def test_a_quantile_is_scikit_learns():
    rng = np.random.default_rng(0)
    values, asked = np.float32(rng.lognormal(0, 2, 3000)), np.float32(rng.lognormal(0, 2, 500))
    theirs = QuantileTransformer(n_quantiles=QUANTILES, subsample=None).fit(values[:, None])
    found = scaled(Numeric("x", scale="quantile"), values, [*asked, -9, 1e9])
    expected = theirs.transform(np.append(asked, np.float32([-9, 1e9]))[:, None])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[-2:, 0].tolist() == [0, 1]


def test_quantiles_of_different_numbers_are_looked_up_each_in_its_own():
    features = [Numeric("x", scale="quantile"), Numeric("y", scale="quantile")]
    train = {"x": [0.0, 1, 2, 3, 4], "y": [10, 20, 20, 20, 110]}
    found = made(features, train, {"x": [1.0, 3.5], "y": [20, 65]})
    np.testing.assert_allclose(found["x__scaled"], [0.25, 0.875])
    np.testing.assert_allclose(found["y__scaled"], [0.5, 0.75])


def test_a_number_is_left_as_it_is_where_no_scale_is_asked():
    values = [0, -7.5, 1e38, 3, 1e-30]
    np.testing.assert_array_equal(
        scaled(Numeric("x", scale="none"), [1, 2], values)[:, 0], np.float32(values)
    )


def test_a_value_is_clipped_first_and_its_stand_in_is_not():
    found = scaled(Numeric("x", scale="none", clip=(0, 5), missing=-1), [1], [-9, 3, 99, None])
    assert found[:, 0].tolist() == [0, 3, 5, -1]


def test_the_logarithm_keeps_the_sign():
    found = scaled(Numeric("x", log=True), [-np.expm1(1), np.expm1(1)], [0, -np.expm1(1)])
    np.testing.assert_allclose(found[:, 0], [0, -1], atol=1e-6)


def test_a_missing_value_becomes_the_median_and_sets_its_indicator():
    found = scaled(Numeric("x", bins=2), [0, 10, 30, None], [None, 10])
    np.testing.assert_array_equal(found, [[1, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("how", [{}, {"bins": 4}, {"scale": "quantile"}])
def test_a_feature_constant_in_training_is_always_zero(how):
    found = scaled(Numeric("x", **how), [3, 3, 3], [3, 4, -1e9, -3.4e38])
    np.testing.assert_array_equal(found, np.zeros((4, 1)))


def test_numbers_closer_than_32_bits_tell_apart_are_still_finite():
    tiny = [0, 1e-45, 2e-45]
    for how in ({}, {"bins": 2}, {"scale": "quantile"}):
        assert np.isfinite(scaled(Numeric("x", **how), tiny, [*tiny, 5])).all()


def test_a_number_equal_to_an_edge_lies_above_it():
    rows = numbers([None, -1, 0, 0.1, 2, 1e30])
    found = made([Bucketize("b", column="x", edges=(0, 0.1, 2))], numbers([1]), rows)
    assert found["b__id"].tolist() == [0, 2, 3, 4, 5, 5]


def test_buckets_of_different_numbers_each_have_their_own_edges():
    features = [
        Bucketize("a", column="x", edges=(1, 2, 3, 4, 5)),
        Bucketize("b", column="y", edges=(7,)),
    ]
    found = made(features, {"x": [1.0], "y": [1]}, {"x": [0.5, 4.5, 9], "y": [7, 6, 8]})
    assert (found["a__id"].tolist(), found["b__id"].tolist()) == ([2, 6, 7], [3, 2, 3])


def test_words_are_counted_by_bucket_and_their_logarithm_taken():
    rows = {"note": ["late late train", "", None, "late " * 9000]}
    found = made([Text("note", buckets=2)], {"note": ["x"]}, rows)
    both = np.stack([found["note__000"], found["note__001"]], axis=1)
    counts = np.sort(np.expm1(both), axis=1)
    assert np.round(counts[:3]).tolist() in ([[1, 2], [0, 0], [0, 0]], [[0, 3], [0, 0], [0, 0]])
    assert both.max() == np.float32(np.log(4096))


def test_a_vector_passes_and_is_zero_where_missing():
    faces = pa.array([[1.5, -2.0], None], pa.list_(pa.float64()))
    found = made([Embedding("face")], {"face": faces}, {"face": faces})
    assert [found["face__000"].tolist(), found["face__001"].tolist()] == [[1.5, 0], [-2, 0]]


def test_combinations_have_ids_of_their_own_or_share_them_by_hash():
    cities, levels = ["a", "b", None, "zz"], [1.0, 5.0, None]
    pairs = [(city, x) for city in cities for x in levels]
    rows = {"city": [c for c, _ in pairs], "x": [x for _, x in pairs]}
    features = [
        Categorical("city"),
        Bucketize("level", column="x", edges=(3,)),
        Cross("own", of=("city", "level")),
        Cross("few", of=("level", "city"), buckets=5),
    ]
    found = made(features, {"city": ["a", "b"], "x": [1.0, 5.0]}, rows)
    own, few = found["own__id"], found["few__id"]
    assert len(set(own)) == len(pairs)
    assert (own.min(), own.max()) == (2 + 0, 2 + 3 * 4 + 3)
    assert set(few) <= set(range(2, 7))
    assert len(set(few)) > 2
    assert own[0] == 2 + found["city__id"][0] * 4 + found["level__id"][0]


def clock(days, seconds):
    """Every part and cycle of instants by their clock."""
    parts, cycles = ("hour", "weekday", "day", "month", "day_of_year"), ("day", "week", "year")
    one = TimeInput(column="at", timezone="UTC")
    state = TimeState(name="t", input=0, parts=parts, cycles=cycles)
    of = Encoder((one,), (state,))
    integers = np.stack([days, seconds], axis=1).astype(np.int32)
    vectors, ids = transform(of, {}, np.zeros((len(days), 0), np.float32), integers)
    return np.asarray(vectors), np.asarray(ids)


def test_parts_are_those_of_pythons_calendar_in_every_year_there_is():
    rng = np.random.default_rng(0)
    special = [dt.date(y, m, d) for y in (1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999)
               for m, d in ((1, 1), (2, 28), (3, 1), (12, 31))]  # fmt: skip
    leap = [dt.date(y, 2, 29) for y in (4, 400, 2000, 2024)]
    many = [dt.date.fromordinal(int(n)) for n in rng.integers(1, dt.date.max.toordinal(), 3000)]
    days = special + leap + many
    seconds = rng.integers(0, 86_400, len(days))
    vectors, ids = clock([d.toordinal() - dt.date(1970, 1, 1).toordinal() for d in days], seconds)
    expected = [
        (s // 3600, d.weekday(), d.day - 1, d.month - 1, d.timetuple().tm_yday - 1)
        for d, s in zip(days, seconds, strict=True)
    ]
    np.testing.assert_array_equal(ids - 2, expected)
    turns = np.stack(
        [
            seconds // 60 / 1440,
            (ids[:, 1] - 2 + seconds // 900 * 900 / 86_400) / 7,
            (ids[:, 4] - 2) / 366,
        ]
    )
    waves = [wave(2 * np.pi * turn) for turn in turns for wave in (np.sin, np.cos)]
    np.testing.assert_allclose(vectors.T, waves, atol=1e-6)


def test_a_missing_instant_has_no_parts_and_no_place_in_a_cycle():
    vectors, ids = clock([-(2**31), 0], [-(2**31), 0])
    assert not vectors[0].any()
    assert not ids[0].any()
    assert vectors[1, 1] == 1
    assert ids[1].tolist() == [2, 5, 2, 2, 2]


def test_an_instant_is_by_the_clock_of_its_time_zone():
    at = pa.array([dt.datetime(2024, 7, 1, 2, 30, tzinfo=dt.UTC), None])
    one = Datetime("at", parts=("hour", "month"), timezone="America/New_York")
    found = made([one], {"at": at}, {"at": at})
    assert (found["at__hour"].tolist(), found["at__month"].tolist()) == ([24, 0], [7, 0])


@feature(columns=["x", "y"], width=2)
def shares(x, y):
    """Two quotients."""
    return jnp.stack([x / y, y / x], axis=1)


def test_what_a_function_returns_passes_and_is_zero_where_it_is_not_finite():
    rows = {"x": [1.0, 0.0, None], "y": [4, 3, 2]}
    found = made([shares], rows, rows, {"shares": shares.function})
    assert found["shares__000"].tolist() == [0.25, 0, 0]
    assert found["shares__001"].tolist() == [4, 0, 0]


@pytest.mark.parametrize("features", [[Numeric("x")], [Categorical("city")]])
def test_a_set_of_one_kind_only_has_no_columns_of_the_other(features):
    table = {"x": [1.0, 2, 4], "city": ["a", "b", "b"]}
    of = fit(FeatureSet(features), pa.table(table).to_batches(), TYPES)
    encoded = of.encode(pa.table(table))
    vectors, ids = transform(of, {}, encoded.numeric, encoded.integers)
    assert vectors.shape == (3, len(of.vector_names))
    assert ids.shape == (3, len(of.id_names))
    assert (vectors.dtype, ids.dtype) == (np.float32, np.int32)
