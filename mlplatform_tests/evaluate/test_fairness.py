import warnings

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.evaluate.fairness import fairness
from mlplatform.features.predicts import Predicts
from mlplatform.model_measures import Opponent
from mlplatform.spec.performance_gates import FairnessGate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Of its own dependencies.
    from fairlearn import metrics as fairlearn
from sklearn.metrics import accuracy_score

BINARY = Predicts("binary")
MINE, THEIRS = "a" * 64, "b" * 64
ALL = FairnessGate(
    max_accuracy_gap=0.1,
    max_equalized_odds=0.2,
    max_demographic_parity=0.2,
    min_disparate_impact=0.8,
    min_rows=30,
)


def table(rows=3000, seed=0, drop=0.0):
    """Rows with a column of groups, and scores: `drop` of the true positives of group C are missed."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2])
    label = (rng.random(rows) < 0.4).astype(np.int8)
    said = np.where(rng.random(rows) < 0.85, label, 1 - label)
    missed = (group == "C") & (said == 1) & (rng.random(rows) < drop)
    mine = np.where(missed, 0.2, np.where(said == 1, 0.8, 0.3)).astype(np.float32)
    scores = pa.table({"row_id": np.arange(rows), "label": label, MINE: mine})
    return pa.table({"group": group}), scores


def measured(rows, scores, champion=None, policy=ALL, predicts=BINARY, groups=("group",)):
    return fairness(predicts, rows, groups, scores, MINE, champion, policy)


@pytest.mark.parametrize("seed", range(3))
def test_gaps_are_fairlearns(seed):
    rows, scores = table(seed=seed, drop=0.3)
    truth, said = scores["label"].to_numpy(), scores[MINE].to_numpy() >= 0.5
    of = {"sensitive_features": rows["group"].to_numpy()}
    accuracy = fairlearn.MetricFrame(metrics=accuracy_score, y_true=truth, y_pred=said, **of)
    wanted = {
        "accuracy_gap": accuracy.difference(),
        "equalized_odds": fairlearn.equalized_odds_difference(truth, said, **of),
        "demographic_parity": fairlearn.demographic_parity_difference(truth, said, **of),
        "disparate_impact": fairlearn.demographic_parity_ratio(truth, said, **of),
    }
    found = measured(rows, scores).gaps
    assert {gap.criterion: gap.observed for gap in found} == pytest.approx(wanted)
    assert {gap.column for gap in found} == {"group"}
    rates = next(gap for gap in found if gap.criterion == "accuracy_gap").rates
    assert {v: of["accuracy"] for v, of in rates.items()} == pytest.approx(dict(accuracy.by_group))
    assert sum(of["accuracy_rows"] for of in rates.values()) == rows.num_rows


def test_bounds_enclose_each_gap_and_a_gap_names_its_groups():
    for gap in measured(*table(drop=0.5)).gaps:
        assert 0 <= gap.lower <= gap.observed <= gap.upper <= 1
    odds = next(g for g in measured(*table(drop=0.5)).gaps if g.criterion == "equalized_odds")
    assert odds.lower > 0.2
    assert "true positive rate 0.4" in odds.worst
    assert "for C" in odds.worst


def test_the_same_rows_give_the_same_bounds():
    assert measured(*table()).gaps == measured(*table()).gaps


def test_groups_without_enough_rows_of_the_rate_are_named_and_not_judged():
    """D has 60 rows, of which 20 are positive: enough for its accuracy, too few for its hits."""
    rows, scores = table()
    few = pa.table({"group": ["D"] * 60})
    more = pa.table(
        {
            "row_id": np.arange(60),
            "label": np.repeat([1, 0], [20, 40]).astype(np.int8),
            MINE: np.full(60, 0.9, np.float32),
        }
    )
    both = pa.concat_tables([rows, few]), pa.concat_tables([scores, more])
    found = {gap.criterion: gap for gap in measured(*both).gaps}
    assert found["accuracy_gap"].small == {}
    assert found["accuracy_gap"].observed > 0.4
    assert found["equalized_odds"].small == {"D": 20}
    assert found["equalized_odds"].rates["D"]["true_positive_rate"] == 1.0
    assert found["equalized_odds"].observed > 0.5  # Its 40 negatives are enough.


def test_fewer_than_two_groups_with_enough_rows_are_no_gap():
    rows, scores = table(rows=200)
    found = measured(rows, scores, policy=ALL.model_copy(update={"min_rows": 75})).gaps
    assert all(gap.observed is None and gap.lower is None for gap in found)
    assert found[0].small.keys() == {"B", "C"}


def test_a_rate_of_one_group_alone_leaves_the_gap_unbounded():
    """Of positives only A has enough, so nothing says how far the hits may lie apart."""
    rows, scores = table(rows=300)
    label = np.where(rows["group"].to_numpy() == "A", scores["label"].to_numpy(), 0)
    scores = scores.set_column(1, "label", pa.array(label.astype(np.int8)))
    odds = measured(rows, scores).gaps[1]
    assert odds.observed is not None
    assert odds.upper == 1.0


def test_nobody_selected_has_no_disparate_impact():
    rows, scores = table()
    none = scores.set_column(2, MINE, pa.array(np.full(len(scores), 0.1, np.float32)))
    found = {gap.criterion: gap for gap in measured(rows, none).gaps}
    assert found["disparate_impact"].observed is None
    assert found["demographic_parity"].observed == 0


def test_an_increase_is_over_the_champion_on_the_same_rows():
    rows, scores = table(drop=0.6)
    _, fair = table(drop=0.0)
    scores = scores.append_column(THEIRS, fair[MINE])
    found = {g.criterion: g for g in measured(rows, scores, Opponent(digest=THEIRS)).gaps}
    before = {g.criterion: g for g in measured(rows, fair).gaps}
    for name, gap in found.items():
        observed, lower, upper = gap.increase
        sign = -1 if name == "disparate_impact" else 1
        assert observed == pytest.approx(sign * (gap.observed - before[name].observed))
        assert lower <= observed <= upper
    assert found["equalized_odds"].increase[1] > 0.3


@pytest.mark.parametrize(
    ("champion", "why"),
    [
        (Opponent(digest=THEIRS, unscored="its artifact is gone"), "its artifact is gone"),
        (Opponent(digest=THEIRS), "not scored on these rows"),
    ],
)
def test_a_champion_without_answers_says_why_and_leaves_no_increase(champion, why):
    seen = measured(*table(), champion)
    assert why in seen.champion.unscored
    assert all(gap.increase is None for gap in seen.gaps)


def test_a_champion_with_nan_is_not_compared():
    rows, scores = table()
    theirs = np.full(len(scores), np.nan, np.float32)
    seen = measured(rows, scores.append_column(THEIRS, pa.array(theirs)), Opponent(digest=THEIRS))
    assert "3,000 of 3,000 rows have no usable answer" in seen.champion.unscored


def test_of_several_classes_the_accuracy_is_compared():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, 600)
    said = np.eye(3, dtype=np.float32)[label]
    said[:100] = np.eye(3, dtype=np.float32)[(label[:100] + 1) % 3]
    flat = pa.FixedSizeListArray.from_arrays(pa.array(said.ravel()), 3)
    scores = pa.table({"row_id": np.arange(600), "label": label.astype(np.int32), MINE: flat})
    rows = pa.table({"group": np.repeat(["A", "B"], 300)})
    (gap,) = measured(rows, scores, predicts=Predicts("multiclass", ("x", "y", "z"))).gaps
    assert gap.criterion == "accuracy_gap"
    assert gap.observed == pytest.approx(1 / 3)


def test_rows_that_decide_nothing_have_no_gaps():
    rows, scores = table()
    half = np.where(np.arange(len(scores)) < 5, np.nan, 0.4).astype(np.float32)
    unusable = measured(rows, scores.set_column(2, MINE, pa.array(half)))
    assert (unusable.unusable, unusable.gaps) == (5, [])
    ones = pa.array(np.ones(len(scores), np.int8))
    single = measured(rows, scores.set_column(1, "label", ones))
    assert single.single == "all 3,000 test rows are of one class"
    empty = measured(rows.slice(0, 0), scores.slice(0, 0))
    assert (empty.rows, empty.gaps) == (0, [])


def test_wrong_calls_are_errors():
    rows, scores = table()
    with pytest.raises(FeatureError, match="group column 'race' is not in the table"):
        measured(rows, scores, groups=("race",))
    with pytest.raises(ValueError, match="10 rows to group, 3000 scores"):
        measured(rows.slice(0, 10), scores)
    with pytest.raises(ValueError, match="these models predict numbers"):
        measured(rows, scores, predicts=Predicts("regression"))
