"""What columns tell of a label of several classes, or of a number."""

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.spec import PipelineSpec
from mlplatform.validate.label_views import CLASSES, is_counted_apart, label_views, sample
from mlplatform.validate.leakage import leaks
from mlplatform.validate.measure import measured
from mlplatform.validate.profile import plan_of
from mlplatform.validate.scan import scan

ROWS = 4_000
COLUMNS = {"x": "float64", "tells": "float64", "code": "string", "noise": "string"}


def spec(**label: object) -> PipelineSpec:
    """A spec with this label in the column y, of texts or of numbers."""
    kind = "float64" if label["task"] == "regression" else "string"
    said = {"columns": {**COLUMNS, "w": "int64", "y": kind}, "label": {"column": "y", **label}}
    source = {"kind": "csv", "files": ["a.csv"]}
    return PipelineSpec.model_validate({"name": "leaky", "source": source, **said})


CLASSED = spec(task="multiclass", classes=["a", "b", "c", "d"], weight="w")
NUMBER = spec(task="regression")


def table(of: PipelineSpec, rows: int = ROWS, seed: int = 0) -> pa.Table:
    """Rows of which `tells` and `code` say all, or of classes all of one, and the others nothing."""
    dice = np.random.default_rng(seed)
    place = dice.choice(4, rows, p=[0.4, 0.3, 0.2, 0.1])
    label: np.ndarray = np.array(list("abcd"))[place]
    tells, code = (place == 3) * 5.0 + dice.random(rows), np.where(place == 2, "yes", "no")
    if of.label.task == "regression":
        label = dice.gamma(2, 10, rows)
        tells, code = 3 - label, np.where(label > np.median(label), "much", "little")
    return pa.table(
        {
            "x": dice.normal(size=rows), "tells": tells, "code": code,
            "noise": dice.choice(list("uvw"), rows), "w": np.ones(rows, np.int64), "y": label,
        }
    )  # fmt: skip


def told(of: PipelineSpec, data: pa.Table) -> dict:
    """What each column says."""
    views = label_views(of, sample(data.to_batches(500), of, data.num_rows))
    seen = leaks(of, [one.view for one in views], None, [one.what for one in views])
    return {one.column: one for one in seen}


@pytest.mark.parametrize("of", [CLASSED, NUMBER], ids=["classes", "number"])
def test_what_gives_one_class_or_half_the_numbers_away_is_found(of):
    seen = told(of, table(of))
    assert seen["tells"].auc == pytest.approx(1.0)
    assert seen["code"].dependence == pytest.approx(1.0, abs=0.02)
    assert max(seen["x"].auc, seen["noise"].auc) < 0.6
    what = "of class c" if of is CLASSED else "above the median"
    assert what in seen["code"].worst
    assert {"w", "y"} & set(seen) == ({"w"} if of is NUMBER else set())


def test_half_of_numbers_that_are_mostly_one_are_told_from_the_rest():
    for label in (
        np.where(np.arange(ROWS) < 3000, 0.0, 7.0),
        np.where(np.arange(ROWS) < 900, 0.0, 7.0),
    ):
        data = table(NUMBER).set_column(5, "y", pa.array(label))
        data = data.set_column(1, "tells", pa.array(label))
        assert told(NUMBER, data)["tells"].auc == 1.0


def test_a_label_without_rows_or_that_does_not_vary_says_nothing():
    constant = table(NUMBER).set_column(5, "y", pa.array(np.ones(ROWS)))
    assert {seen.auc for seen in told(NUMBER, constant).values()} == {None}
    missing = table(NUMBER).set_column(5, "y", pa.nulls(ROWS, pa.float64()))
    assert label_views(NUMBER, missing) == []
    assert {seen.auc for seen in told(NUMBER, missing.slice(0, 0)).values()} == {None}


def test_of_countless_classes_the_most_frequent_are_looked_at():
    many = spec(task="multiclass", classes=[str(n) for n in range(50)])
    classes = np.repeat(np.arange(50), np.arange(1, 51)).astype(str)
    data = table(many, len(classes)).set_column(5, "y", pa.array(classes))
    views = label_views(many, data)
    assert len(views) == CLASSES
    assert views[0].what == "of class 49"


def test_a_sample_is_the_same_each_time_and_as_large_as_asked():
    data = table(CLASSED)
    one = sample(data.to_batches(300), CLASSED, ROWS, most=1000)
    assert one.equals(sample(data.to_batches(300), CLASSED, ROWS, most=1000))
    assert 850 < one.num_rows < 1150
    assert one.column_names == ["x", "tells", "code", "noise", "y"]


def test_only_what_is_not_of_two_classes_is_counted_apart():
    assert is_counted_apart(CLASSED.label)
    assert is_counted_apart(NUMBER.label)
    assert not is_counted_apart(NUMBER.label.model_copy(update={"column": ""}))


def all_measured(of: PipelineSpec, data: pa.Table, reference: pa.Table):
    """The measures of a dataset beside a reference of the same spec."""
    before = scan(reference.to_batches(), plan_of(of))
    now = scan(data.to_batches(), plan_of(of, like=before))
    return measured(
        of, now, new=[], reference=before, accepted_rows=None, anomalies=None, distances=None,
        landed_at=None, by_label=label_views(of, data),
    )  # fmt: skip


def test_a_number_is_compared_with_the_reference_and_goes_with_other_numbers():
    data = table(NUMBER, seed=1)
    m = all_measured(NUMBER, data, table(NUMBER))
    assert m.label.shift.ks < 0.05
    assert m.label.number.most == pytest.approx(max(data["y"].to_pylist()))
    pairs = {(one.first, one.second): one.r for one in m.correlations}
    assert pairs["tells", "y"] == pytest.approx(-1.0)
    assert "y" not in {one.column for one in m.shifts}
    moved = data.set_column(5, "y", pa.array(data["y"].to_numpy() + 10))
    far = all_measured(NUMBER, moved, table(NUMBER)).label.shift
    assert far.ks > 0.3
    assert far.mean - far.reference_mean == pytest.approx(10, abs=2)


def test_several_classes_are_counted_and_compared():
    m = all_measured(CLASSED, table(CLASSED, seed=1), table(CLASSED))
    assert set(m.label.classes) == set(m.label.reference) == set(m.label.expected) == set("abcd")
    assert not m.not_compared
    assert m.leaks


def test_a_number_that_the_reference_counted_by_classes_is_compared_all_the_same():
    binary = PipelineSpec.model_validate(
        {**NUMBER.model_dump(), "label": {"column": "code", "positive": "much"}}
    )
    before = scan(table(NUMBER).to_batches(), plan_of(binary))
    now = scan(table(NUMBER, seed=1).to_batches(), plan_of(NUMBER, like=before))
    m = measured(
        NUMBER, now, new=[], reference=before, accepted_rows=None, anomalies=None, distances=None,
        landed_at=None, by_label=[],
    )  # fmt: skip
    assert m.label.shift.ks < 0.05
    assert m.not_compared == {}
