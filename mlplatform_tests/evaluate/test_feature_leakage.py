"""What one feature alone says about the label."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.evaluate.feature_leakage import (
    by_value,
    feature_leakage,
    information,
    quantiles,
)
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, VocabularyInput
from mlplatform.features.state import IdState, NumericState
from mlplatform.gates import features as gates
from mlplatform.spec.feature_gates import FeatureLeakageGate
from mlplatform.validate.leakage import auc
from mlplatform_tests.monitor import loans

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Loans to which each test adds a feature table of its own."""
    return loans.World(tmp_path_factory.mktemp("world"))


def f32(values):
    return np.asarray(values, np.float32)


@given(
    st.lists(
        st.tuples(st.floats(width=32, allow_nan=False, allow_infinity=False), st.booleans()),
        min_size=1,
    )
)
def test_rows_are_counted_by_distinct_value_in_ascending_order(rows):
    values, label = f32([value for value, _ in rows]), np.array([one for _, one in rows])
    numbers, negative, positive = by_value(values, label)
    distinct = np.unique(values)  # Zeros of both signs are one value.
    assert numbers.tolist() == distinct.tolist()
    assert positive.tolist() == [int((label & (values == v)).sum()) for v in distinct]
    assert negative.tolist() == [int((~label & (values == v)).sum()) for v in distinct]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=200), st.integers(2, 64))
def test_quantiles_keep_every_row_and_equal_values_together(rows, bins):
    counts = np.array(rows)
    negative, positive = quantiles(counts, 0 * counts, bins)
    assert negative.sum() == counts.sum()
    assert positive.sum() == 0
    assert len(negative) == bins
    edges = {0, *np.cumsum(counts).tolist()}
    assert set(np.cumsum(negative).tolist()) <= edges


def test_bins_of_distinct_values_are_equally_full():
    counts = np.ones(1000, np.int64)
    assert quantiles(counts, 0 * counts, 10)[0].tolist() == [100] * 10


def test_a_value_that_decides_the_label_tells_all_of_its_entropy():
    told = information(np.array([500, 0]), np.array([0, 500]))
    assert told == pytest.approx(1.0, abs=0.002)


def test_without_dependence_information_is_about_none_however_many_the_bins():
    label = RNG.random(20_000) < 0.2
    found = [
        information(*quantiles(*by_value(f32(RNG.normal(size=20_000)), label)[1:], 64))
        for _ in range(20)
    ]
    assert max(found) < 0.003  # 64 bins alone would tell 0.0031 on average.
    assert np.mean(found) < 0.0008


def test_one_class_has_no_entropy_to_tell_of():
    assert information(np.array([5, 5]), np.array([0, 0])) == 0.0


def test_a_noisy_copy_of_the_label_has_the_auc_of_its_pairs():
    label = RNG.random(5_000) < 0.3
    values = f32(label + RNG.normal(size=5_000))
    pairs = values[label][:, None] - values[~label][None, :]
    wanted = (pairs > 0).mean() + (pairs == 0).mean() / 2
    assert auc(*by_value(values, label)[1:]) == pytest.approx(wanted)


def labels(rows=loans.ROWS):
    return np.arange(rows) % 3 == 0


def table(**columns):
    """A feature table of the loans, every third of which is good; columns are vectors or ids."""
    rows = loans.ROWS
    keys = {"row_id": np.arange(rows), "part": loans.parts_of(rows)}
    return pa.table({**keys, "label": labels().astype(np.int8), **columns})


def measured(world, states, **columns):
    inputs = (
        NumberInput(column="amount", type="float64"),
        VocabularyInput(column="job", type="string", vocabulary=("Art", "Farm")),
    )
    fitted = Encoder(inputs=inputs, states=tuple(states))
    features = world.features_of(table(**columns), fitted)
    return {one.feature: one for one in feature_leakage(world.pipeline, world.lake, features)}


def number(name="amount", **more):
    plain = {"log": False, "clip": (), "fill": 0.0, "indicator": False, "edges": ()}
    return NumericState(
        name=name, input=0, scale="none", mean=0.0, deviation=1.0, **{**plain, **more}
    )


def test_a_feature_that_is_the_label_tells_all_and_one_of_noise_nothing(world):
    noise = RNG.normal(size=loans.ROWS).astype(np.float32)
    seen = measured(
        world,
        [number(), number("copy"), IdState(name="job", input=1, size=4)],
        amount__scaled=noise,
        copy__scaled=-labels().astype(np.float32),
        job__id=np.where(labels(), 2, 3).astype(np.int32),
    )
    assert seen["amount"].auc < 0.6
    assert seen["amount"].information < 0.1
    assert seen["copy"].auc == 1.0
    assert seen["copy"].information > 0.99
    assert seen["copy"].worst == "the less copy__scaled, the likelier the positive class"
    assert seen["job"].auc == 1.0
    assert seen["job"].information > 0.9
    assert "rows whose job__id is Art, 100.0% are of the positive class" in seen["job"].worst
    refused = gates.feature_leakage(list(seen.values()), FeatureLeakageGate())
    assert {row["column"] for row in refused.evidence["columns"] if row["broken"]} == {
        "copy",
        "job",
    }


def of_label(world, stored, label, **columns):
    """What features say of another label, stored like this."""
    features = world.features_of(
        table(**columns).set_column(2, "label", pa.array(stored)),
        Encoder(
            inputs=(NumberInput(column="amount", type="float64"),),
            states=(number(), number("copy")),
        ),
    )
    pipeline = loans.pipeline(world.pipeline.folder, label=label)
    return {one.feature: one for one in feature_leakage(pipeline, world.lake, features)}


def test_a_feature_that_tells_one_class_of_several_is_found(world):
    place = (np.arange(loans.ROWS) % 7 % 3).astype(np.int32)
    classes = {"column": "job", "task": "multiclass", "classes": ["Farm", "Tech", "Art"]}
    noise = RNG.normal(size=loans.ROWS)
    seen = of_label(world, place, classes, amount__scaled=f32(noise), copy__scaled=f32(place == 2))
    assert seen["copy"].auc == 1.0
    assert seen["copy"].worst == "the more copy__scaled, the likelier class Art"
    assert seen["amount"].auc < 0.65


def test_a_feature_that_tells_which_numbers_are_above_the_median_is_found(world):
    amount = f32(np.exp(RNG.normal(8, 1, loans.ROWS)))
    asked = {"column": "amount", "task": "regression"}
    noise = RNG.normal(size=loans.ROWS)
    seen = of_label(world, amount, asked, amount__scaled=f32(noise), copy__scaled=-np.sqrt(amount))
    assert seen["copy"].auc == 1.0
    assert seen["copy"].worst == "the less copy__scaled, the likelier labels above the median"
    assert seen["amount"].auc < 0.65
    constant = f32(np.ones(loans.ROWS))
    nothing = of_label(world, constant, asked, amount__scaled=f32(noise), copy__scaled=f32(noise))
    assert {one.auc for one in nothing.values()} == {None}


def test_ids_of_a_row_each_say_nothing_though_they_name_every_label(world):
    ids = np.arange(loans.ROWS, dtype=np.int32)
    seen = measured(world, [IdState(name="job", input=1, size=4)], job__id=ids)["job"]
    assert seen.auc < 0.6
    assert seen.information < 0.05


def test_the_best_of_several_columns_of_a_feature_counts(world):
    seen = measured(
        world,
        [number(indicator=True)],
        amount__scaled=RNG.normal(size=loans.ROWS).astype(np.float32),
        amount__missing=labels().astype(np.float32),
    )
    assert seen["amount"].auc == 1.0
    assert "amount__missing" in seen["amount"].worst


def test_what_moves_the_label_both_ways_has_information_and_no_auc(world):
    noise = RNG.normal(size=loans.ROWS)
    away = np.where(labels(), np.sign(noise) * (2 + abs(noise)), noise).astype(np.float32)
    seen = measured(world, [number()], amount__scaled=away)["amount"]
    assert seen.auc < 0.65
    assert seen.information > 0.4


def test_only_training_rows_are_looked_at(world):
    train = loans.parts_of(loans.ROWS) == "train"
    held_out = np.where(train, 0, labels()).astype(np.float32)
    seen = measured(world, [number()], amount__scaled=held_out)["amount"]
    assert (seen.rows, seen.auc) == (train.sum(), 0.5)


def test_more_rows_than_asked_for_are_sampled_and_the_same_each_time(world):
    copy = labels().astype(np.float32)
    fitted = Encoder(inputs=(NumberInput(column="amount", type="float64"),), states=(number(),))
    features = world.features_of(table(amount__scaled=copy), fitted)
    first, again = (
        feature_leakage(world.pipeline, world.lake, features, rows=100) for _ in range(2)
    )
    assert first == again
    assert 60 < first[0].rows < 140
    assert first[0].auc == 1.0


def test_a_label_with_hardly_a_row_of_a_class_is_not_measured(world):
    fitted = Encoder(inputs=(NumberInput(column="amount", type="float64"),), states=(number(),))
    rare = table(amount__scaled=np.zeros(loans.ROWS, np.float32))
    at = rare.schema.get_field_index("label")
    rare = rare.set_column(at, "label", pa.array(np.arange(loans.ROWS) < 9).cast(pa.int8()))
    (seen,) = feature_leakage(world.pipeline, world.lake, world.features_of(rare, fitted))
    assert seen.auc is None
    assert not gates.feature_leakage([seen], FeatureLeakageGate()).passed
