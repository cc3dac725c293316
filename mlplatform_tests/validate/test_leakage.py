"""What one column alone says about the label, beyond chance."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from mlplatform.spec import PipelineSpec
from mlplatform.validate.leakage import (
    ByClass,
    auc,
    candidates,
    cross_fitted,
    late_shares,
    leak,
    leaks,
)
from mlplatform.validate.scan import Plan, scan

ROWS = 5_000
counts = st.lists(st.integers(0, 50), min_size=1, max_size=30)


def spec(columns: dict[str, str], **more: object) -> PipelineSpec:
    """A spec of these columns and the label y."""
    label = {"column": "y", "positive": "1"}
    source = {"kind": "csv", "files": ["a.csv"]}
    said = {"columns": {**columns, "y": "int64"}, "label": label, "source": source}
    return PipelineSpec.model_validate({"name": "leaky", **said, **more})


def seen_of(columns: dict[str, str], table: dict[str, object], **more: object) -> dict:
    """What each column says about the label."""
    of = spec(columns, **more)
    rows = pa.table(table).to_batches()
    plan = Plan(columns=of.columns, label="y", positive="1")
    return {seen.column: seen for seen in leaks(of, [scan(rows, plan).view()])}


@pytest.fixture
def truth() -> np.ndarray:
    """A label of which 24 % are positive."""
    return (np.random.default_rng(0).random(ROWS) < 0.24).astype(np.int64)


def test_an_id_is_no_perfect_predictor_although_each_value_has_one_class(truth):
    ids = {"number": np.arange(ROWS), "text": [f"id-{n:05d}" for n in range(ROWS)]}
    seen = seen_of({"number": "int64", "text": "string"}, {**ids, "y": truth})
    for name in ids:
        assert seen[name].auc < 0.6
        assert seen[name].dependence < 0.05


def test_noise_says_nothing_also_in_few_rows():
    dice = np.random.default_rng(1)
    for _ in range(50):
        y = (dice.random(300) < 0.1).astype(np.int64)
        table = {"x": dice.normal(size=300), "c": dice.choice(list("abcdefgh"), 300), "y": y}
        seen = seen_of({"x": "float64", "c": "string"}, table)
        for found in seen.values():
            assert found.auc is None or (found.auc < 0.85 and found.dependence < 0.3)


@pytest.mark.parametrize(
    "tell",
    [
        lambda y, g: y * 1.0,
        lambda y, g: -5.0 * y + g.random(ROWS),
        lambda y, g: 2.0 * g.integers(0, 40, ROWS) + y,
        lambda y, g: np.where(y == 1, np.nan, g.normal(size=ROWS)),
        lambda y, g: np.abs(g.normal(size=ROWS)) * np.where(g.random(ROWS) < 0.5, 1, -1) + 9 * y,
    ],
    ids=["copy", "reversed", "parity", "missingness", "shifted"],
)
def test_every_function_of_the_label_is_found(truth, tell):
    table = {"x": tell(truth, np.random.default_rng(2)), "y": truth}
    seen = seen_of({"x": "float64"}, table)["x"]
    assert seen.auc > 0.99
    assert seen.dependence > 0.7


def test_a_category_that_is_the_label_is_found_and_told(truth):
    outcome = np.where(truth == 1, "refunded", "paid")
    seen = seen_of({"outcome": "string"}, {"outcome": outcome, "y": truth})["outcome"]
    assert seen.auc > 0.99
    assert "with refunded, 100.0% are of the positive class" in seen.worst


def test_being_missing_can_tell_the_label(truth):
    table = {"x": [None if y else 1.0 for y in truth], "y": truth}
    seen = seen_of({"x": "float64"}, table)["x"]
    assert seen.missing_auc == 1.0
    assert seen_of({"x": "float64"}, {"x": np.ones(ROWS), "y": truth})["x"].missing_auc is None


def test_a_number_on_a_scale_has_the_auc_of_its_order(truth):
    x = np.random.default_rng(3).normal(size=ROWS) + truth
    for either_way in (x, -x):
        seen = seen_of({"x": "float64"}, {"x": either_way, "y": truth})["x"]
        assert seen.auc == pytest.approx(roc_auc_score(truth, x), abs=0.001)


def test_without_enough_rows_of_a_class_nothing_is_measured():
    y = np.zeros(ROWS, np.int64)
    y[:9] = 1
    assert seen_of({"x": "float64"}, {"x": y * 1.0, "y": y})["x"].auc is None
    y[9] = 1
    assert seen_of({"x": "float64"}, {"x": y * 1.0, "y": y})["x"].auc > 0.99


def test_only_columns_that_a_feature_may_use_are_asked():
    of = spec(
        {"a": "int64", "b": "int64", "c": "int64"}, unused={"b": "an id"}, known_after={"c": "late"}
    )
    assert candidates(of) == ["a"]


def test_the_worst_of_two_views_counts(truth):
    """New rows with a leak, after many without one."""
    of = spec({"x": "float64"})
    dice = np.random.default_rng(4)
    old = pa.table({"x": dice.normal(size=ROWS), "y": truth, "atom": np.zeros(ROWS, np.int8)})
    new = pa.table({"x": truth[:500] * 1.0, "y": truth[:500], "atom": np.ones(500, np.int8)})
    plan = Plan(columns=of.columns, label="y", positive="1", atoms=lambda b: np.asarray(b["atom"]))
    both = scan([*old.to_batches(), *new.to_batches()], plan)
    assert leaks(of, [both.view()])[0].auc < 0.7
    assert leaks(of, [both.view(), both.view([1])])[0].auc > 0.99


@given(counts, st.data())
def test_auc_is_that_of_the_rows_and_turns_over_with_the_classes(negative, data):
    positive = data.draw(
        st.lists(st.integers(0, 50), min_size=len(negative), max_size=len(negative))
    )
    n, p = np.array(negative), np.array(positive)
    found = auc(n, p)
    assert found == pytest.approx(1 - auc(p, n))
    assert found == pytest.approx(1 - auc(n[::-1], p[::-1]))
    if n.sum() and p.sum():
        scores = np.concatenate([np.repeat(np.arange(len(n)), part) for part in (n, p)])
        labels = np.repeat([0, 1], [n.sum(), p.sum()])
        assert found == pytest.approx(roc_auc_score(labels, scores))


@given(counts, st.data())
def test_no_bins_say_more_than_everything(negative, data):
    positive = data.draw(
        st.lists(st.integers(0, 50), min_size=len(negative), max_size=len(negative))
    )
    n, p = np.array(negative), np.array(positive)
    ranked, told = cross_fitted(n, p)
    assert 0 <= ranked <= 1
    assert told <= 1
    assert cross_fitted(n, p) == (ranked, told)


def test_a_bin_without_rows_changes_nothing():
    n, p = np.array([40, 10, 0]), np.array([5, 30, 0])
    with_empty = ByClass(negative=n, positive=p, names=["a", "b", "missing"], ordered=True)
    assert leak("x", with_empty).missing_auc is None
    assert leak("x", with_empty).auc == pytest.approx(auc(n, p), abs=0.1)


def test_times_after_the_event_are_counted_by_column():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    hour = timedelta(hours=1)
    columns = dict.fromkeys(("at", "booked", "left"), "timestamp")
    of = spec(columns, event_time="at", unused={"left": "an old clock"})
    rows = pa.table(
        {
            "at": [at, at, at, at],
            "booked": [at - hour, at, at + hour, None],
            "left": [at + hour] * 4,
        }
    )
    shares = late_shares(rows.to_batches(), of)
    assert shares == {"booked": pytest.approx(1 / 3)}
    assert [seen.late_share for seen in leaks(of, [], shares)] == [None, pytest.approx(1 / 3)]
    never_compared = [seen.late_share for seen in leaks(of, [])]
    assert never_compared == [None, pytest.approx(math.nan, nan_ok=True)]
    assert late_shares(rows.to_batches(), spec(columns)) == {}


def test_a_time_that_no_event_stands_beside_is_not_known_to_be_early():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    of = spec(dict.fromkeys(("at", "booked", "empty"), "timestamp"), event_time="at")
    kind = pa.timestamp("us", "UTC")
    rows = pa.table(
        {
            "at": pa.array([at, None], kind),
            "booked": pa.array([None, at], kind),
            "empty": pa.array([None, None], kind),
        }
    )
    shares = late_shares(rows.to_batches(), of)
    assert shares == {"booked": pytest.approx(math.nan, nan_ok=True)}
    late = {seen.column: seen.late_share for seen in leaks(of, [], shares)}
    assert late["empty"] is None
    assert math.isnan(late["booked"])
