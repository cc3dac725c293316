import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.evaluate import classes
from mlplatform.evaluate.metrics import binary
from mlplatform.evaluate.slices import MOST, SLICES_SCHEMA, by_group, slices_of, table_of
from mlplatform.evaluate.weak_slices import WeakSlice
from mlplatform.features.predicts import Predicts

PEOPLE = pa.table(
    {"sex": ["F", "M", "F", "M", "F", None], "job": pa.array(list("abbbba")).dictionary_encode()}
)
LABELS = [1, 1, 1, 0, 0, 1]
SCORES = [0.9, 0.2, 0.4, 0.8, 0.1, 0.7]


def found(table):
    return {(r["slice"], r["metric"]): (r["rows"], r["observed"]) for r in table.to_pylist()}


def test_rates_of_each_group_by_hand():
    rates = found(by_group(PEOPLE, ["sex"], LABELS, SCORES))
    assert rates["sex=F", "accuracy"] == (3, pytest.approx(2 / 3))
    assert rates["sex=F", "true_positive_rate"] == (2, 0.5)
    assert rates["sex=F", "selection_rate"] == (3, pytest.approx(1 / 3))
    assert rates["sex=M", "true_positive_rate"] == (1, 0.0)
    assert rates["sex=(missing)", "accuracy"] == (1, 1.0)
    assert rates["all", "accuracy"] == (6, 0.5)


def test_the_table_is_tidy_in_a_stated_order_with_all_rows_first():
    table = by_group(PEOPLE, ["sex", "job"], LABELS, SCORES)
    assert table.schema == SLICES_SCHEMA
    slices = list(dict.fromkeys(table["slice"].to_pylist()))
    assert slices == ["all", "sex=(missing)", "sex=F", "sex=M", "job=a", "job=b"]
    of_a = table.filter(pa.compute.field("slice") == "job=a").to_pylist()
    assert {(r["kind"], r["group"], r["value"]) for r in of_a} == {("group", "job", "a")}
    assert len({r["metric"] for r in of_a}) == len(of_a)


def test_a_rate_over_no_rows_is_null_and_not_zero():
    rates = found(by_group(PEOPLE.slice(3, 2), ["sex"], [0, 0], [0.1, 0.9]))
    assert rates["sex=F", "true_positive_rate"] == (0, None)


def test_a_group_with_a_score_that_is_no_probability_has_no_rates():
    rates = found(by_group(PEOPLE, ["sex"], LABELS, [float("nan"), *SCORES[1:]]))
    assert rates["sex=F", "true_positive_rate"] == (2, None)
    assert rates["sex=F", "accuracy"] == (3, None)
    assert rates["sex=M", "accuracy"] == (2, 0.0)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 1), st.sampled_from(["a", "b", None])), min_size=1
    )
)
def test_a_slice_has_the_metrics_of_its_rows_alone(people):
    labels, scores, groups = (list(column) for column in zip(*people, strict=True))
    table = pa.table({"g": pa.array(groups, pa.string())})
    rates = found(by_group(table, ["g"], labels, scores))
    for value in set(groups):
        of = np.array([g == value for g in groups])
        alone = binary(np.array(labels)[of], np.array(scores)[of])
        name = f"g={value if value is not None else '(missing)'}"
        assert rates[name, "accuracy"] == (of.sum(), pytest.approx(alone["accuracy"]))
        recall = rates[name, "true_positive_rate"][1]
        assert recall == pytest.approx(alone["recall"]) or (
            recall is None and np.isnan(alone["recall"])
        )


def test_whole_numbers_group_as_well_as_words():
    table = pa.table({"year": [2, 10, 2]})
    assert found(by_group(table, ["year"], [1, 1, 0], [0.9, 0.9, 0.9]))["year=2", "accuracy"] == (
        2,
        0.5,
    )


def test_an_unknown_group_column_is_named():
    with pytest.raises(FeatureError, match="group column 'race' is not in the table"):
        by_group(PEOPLE, ["sex", "race"], LABELS, SCORES)


def test_a_table_of_other_rows_is_an_error():
    with pytest.raises(ValueError, match="5 rows in the table, 6 scores"):
        by_group(PEOPLE.slice(1), ["sex"], LABELS, SCORES)


def test_no_rows_have_counts_of_zero():
    nothing = by_group(PEOPLE.slice(0, 0), ["sex", "job"], [], [])
    rows, accuracy = found(nothing)["all", "accuracy"]
    assert rows == 0
    assert math.isnan(accuracy)
    assert set(nothing["slice"].to_pylist()) == {"all"}
    assert set(nothing["lower"].to_pylist()) == {None}


def test_classes_and_numbers_have_the_metrics_of_their_task():
    three = Predicts("multiclass", ("a", "b", "c"))
    scores = np.eye(3)[[0, 1, 2, 0, 1, 2]]
    rates = found(by_group(PEOPLE, ["sex"], [0, 1, 1, 1, 1, 2], scores, three))
    assert rates["sex=F", "accuracy"] == (3, pytest.approx(2 / 3))
    assert {metric for _, metric in rates} == set(classes.METRICS)
    said, true = [1.0, 2, 3, 4, 5, float("nan")], [0.0] * 6
    rates = found(by_group(PEOPLE, ["sex"], true, said, Predicts("regression")))
    assert rates["sex=F", "mae"] == rates["sex=F", "bias"] == (3, 3.0)
    assert rates["sex=(missing)", "mae"] == (1, None)
    pair = Predicts("regression", quantiles=(0.1, 0.9))
    rates = found(by_group(PEOPLE, [], [0, 0, 0, 0, 0, 9.0], [[-1.0, 1.0]] * 6, pair))
    assert rates["all", "coverage"] == (6, pytest.approx(5 / 6))
    assert rates["all", "pinball"][1] == pytest.approx((5 * 0.1 + (0.1 * 10 + 0.9 * 8) / 2) / 6)
    one = by_group(PEOPLE, [], [0.0] * 6, [[1.0]] * 6, Predicts("regression", quantiles=(0.5,)))
    assert one["metric"].to_pylist() == ["pinball", "rmse", "mae"]


def crossed(rows: int, seed: int = 0):
    """Two columns whose values meet `rows` times each, and answers on them."""
    rng = np.random.default_rng(seed)
    sex, race = np.repeat(["F", "M"], 2 * rows), np.tile(np.repeat(["A", "B"], rows), 2)
    truth = rng.integers(0, 2, 4 * rows)
    return pa.table({"sex": sex, "race": race}), truth, rng.random(4 * rows)


def test_intersections_are_slices_of_their_own_with_the_metrics_of_their_rows():
    table, labels, scores = crossed(40)
    rows = by_group(table, ["sex", "race"], labels, scores).to_pylist()
    mine = {r["metric"]: r for r in rows if r["slice"] == "sex=F & race=B"}
    assert {(r["kind"], r["group"], r["value"]) for r in mine.values()} == {
        ("intersection", "sex & race", "F & B")
    }
    alone = binary(labels[40:80], scores[40:80])
    assert mine["auc"]["observed"] == pytest.approx(alone["auc"])
    assert mine["auc"]["lower"] < alone["auc"] < mine["auc"]["upper"]
    assert mine["auc"]["method"] == "bootstrap"
    assert mine["accuracy"]["method"] == "exact"


def test_an_intersection_of_hardly_any_rows_is_left_out_and_of_many_only_the_largest_stay():
    table, labels, scores = crossed(29)
    kinds = by_group(table, ["sex", "race"], labels, scores)["kind"].to_pylist()
    assert "intersection" not in kinds
    few, many = np.arange(12_000) % 20, np.arange(12_000) // 20 % 20
    slices = slices_of(pa.table({"a": few, "b": many}), ["a", "b"])
    assert sum(s.kind == "intersection" for s in slices) == MOST


def test_a_column_of_one_value_and_a_label_of_one_class_have_rows_and_no_bounds_of_the_undefined():
    table = pa.table({"g": ["a"] * 40})
    rows = by_group(table, ["g"], [0] * 40, np.linspace(0, 1, 40)).to_pylist()
    mine = {r["metric"]: r for r in rows if r["slice"] == "g=a"}
    assert mine["auc"]["observed"] is mine["auc"]["lower"] is mine["recall"]["upper"] is None
    assert (mine["auc"]["method"], mine["recall"]["rows"]) == ("none", 0)
    assert mine["accuracy"]["lower"] < mine["accuracy"]["observed"] == 0.5


def test_weak_slices_come_last_under_a_group_of_their_own():
    found = WeakSlice("age in [17, 24)", np.arange(10, 30), 0.4, 0.1, 0.2)
    table, labels, scores = crossed(10)
    slices = slices_of(table, ["sex"], [found])
    assert [s.name for s in slices] == ["all", "sex=F", "sex=M", "age in [17, 24)"]
    rows = table_of(slices, labels, scores, Predicts()).to_pylist()
    assert {(r["kind"], r["group"]) for r in rows if r["slice"] == found.name} == {("weak", "weak")}
    accuracy = binary(labels[10:30], scores[10:30])["accuracy"]
    assert next(r for r in rows if r["slice"] == found.name)["observed"] == accuracy
