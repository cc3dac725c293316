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


def changed(**fields):
    return ALL.model_copy(update=fields)


def more_of(rows, scores, name, labels, said):
    """The same rows and scores, and those of a group of this name."""
    few = pa.table({"group": [name] * len(labels)})
    about = {"row_id": np.arange(len(labels)), "label": np.array(labels, np.int8)}
    more = pa.table({**about, MINE: np.array(said, np.float32)})
    return pa.concat_tables([rows, few]), pa.concat_tables([scores, more])


def of_criterion(seen, criterion="equalized_odds"):
    return next(gap for gap in seen.gaps if gap.criterion == criterion)


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
    """D has 60 rows, rare among 9,000, of which 20 are positive: enough for its accuracy, too few for its hits."""
    rows, scores = table(9000)
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
    found = measured(rows, scores, policy=changed(min_rows=75)).gaps
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


def test_a_large_group_with_few_positives_counts_and_its_bounds_are_wide():
    """1,000 rows of E, of which 10 are positive and 6 found, as of all others."""
    labels = np.repeat([1, 0], [10, 990])
    said = np.where(np.arange(1000) < 6, 0.9, 0.1)
    odds = of_criterion(measured(*more_of(*table(), "E", labels, said)))
    assert odds.small == {}
    assert odds.lower < 0.2 < 0.4 < odds.upper
    assert "for E (of 10)" in odds.worst
    rarer = changed(min_share=0.3)
    assert of_criterion(measured(*more_of(*table(), "E", labels, said), policy=rarer)).small == {
        "E": 10
    }


def test_a_large_group_without_a_positive_leaves_the_gap_unbounded():
    labels, said = np.zeros(1000), np.full(1000, 0.1)
    rows, scores = more_of(*table(), "E", labels, said)
    scores = scores.append_column(THEIRS, scores[MINE])
    odds = of_criterion(measured(rows, scores, Opponent(digest=THEIRS)))
    assert odds.upper == 1.0
    assert odds.increase[2] == 1.0


@pytest.mark.parametrize("criterion", ["equalized_odds", "accuracy_gap", "disparate_impact"])
def test_a_small_group_that_is_shown_to_be_beyond_the_limit_is_the_gap(criterion):
    """25 rows of E of 3,025, all positive and all missed."""
    odds = of_criterion(measured(*more_of(*table(), "E", [1] * 25, [0.1] * 25)), criterion)
    assert "E" not in odds.small
    assert "0.000 for E (of 25)" in odds.worst
    if criterion == "disparate_impact":
        assert odds.upper < 0.8
    else:
        assert odds.lower > 0.2


def test_a_small_group_that_shows_nothing_leaves_the_gap_as_it_is():
    plain = of_criterion(measured(*table(drop=0.3)))
    found = of_criterion(measured(*more_of(*table(drop=0.3), "E", [1] * 3, [0.1] * 3)))
    assert found.observed == plain.observed
    assert found.small == {"E": 0}
    assert found.lower < plain.lower  # Half of the error is for what small groups show.


def test_what_small_groups_show_is_bounded_for_all_rates_at_once():
    both = more_of(*table(), "E", [1] * 25, [0.1] * 25)
    only = FairnessGate(max_accuracy_gap=0.1, max_equalized_odds=None, min_rows=30)
    alone = of_criterion(measured(*both, policy=only), "accuracy_gap")
    among = of_criterion(measured(*both), "accuracy_gap")
    assert among.observed == alone.observed
    assert among.lower < alone.lower


def planted(rows=4000):
    """Accuracy 0.63 for F & X and M & Y, 0.95 for the others: 0.79 for each sex and each race."""
    rng = np.random.default_rng(4)
    sex, race = rng.choice(["F", "M"], rows), rng.choice(["X", "Y"], rows)
    label = (rng.random(rows) < 0.4).astype(np.int8)
    hard = (sex == "F") == (race == "X")
    right = rng.random(rows) < np.where(hard, 0.63, 0.95)
    said = np.where(right, label, 1 - label) * 0.8 + 0.1
    scores = {"row_id": np.arange(rows), "label": label, MINE: said.astype(np.float32)}
    return pa.table({"sex": sex, "race": race}), pa.table(scores)


def test_a_gap_that_only_intersections_have_is_seen():
    seen = measured(*planted(), groups=("sex", "race"))
    gaps = {gap.column: gap for gap in seen.gaps if gap.criterion == "accuracy_gap"}
    assert gaps.keys() == {"sex", "race", "sex & race"}
    assert gaps["sex"].upper < 0.1
    assert gaps["race"].upper < 0.1
    assert gaps["sex & race"].lower > 0.2
    off = measured(*planted(), groups=("sex", "race"), policy=changed(intersections=None))
    assert {gap.column for gap in off.gaps} == {"sex", "race"}


def test_lower_bounds_widen_with_the_number_of_columns():
    rows, scores = table(drop=0.5)
    wide = pa.table({f"c{n}": rows["group"] for n in range(12)})
    policy = changed(intersections=None)
    alone = of_criterion(measured(wide, scores, groups=("c0",), policy=policy))
    among = of_criterion(measured(wide, scores, groups=wide.column_names, policy=policy))
    assert among.observed == alone.observed
    assert among.lower < alone.lower - 0.01
    assert among.upper == alone.upper


def test_the_lower_bound_of_an_increase_widens_with_the_criteria_asked_for():
    rows, scores = table(drop=0.6)
    scores = scores.append_column(THEIRS, table()[1][MINE])
    one = FairnessGate(max_accuracy_gap=None, max_equalized_odds=0.2)
    # As many rates share the critical value: only the increase's own level differs.
    more = FairnessGate(max_accuracy_gap=None, max_equalized_odds=0.2, max_demographic_parity=1.0)
    alone, among = (
        of_criterion(measured(rows, scores, Opponent(digest=THEIRS), policy=policy)).increase
        for policy in (one, more)
    )
    assert among[0] == alone[0]
    assert among[1] < alone[1]


def test_the_champion_itself_has_no_increase():
    rows, scores = table(drop=0.3)
    seen = measured(rows, scores, Opponent(digest=MINE))
    assert {gap.increase for gap in seen.gaps} == {(0.0, 0.0, 0.0)}


NUMBERS = Predicts("regression")
RATIO = FairnessGate(max_error_ratio=1.5)


def numbers(times=1.0, rows=2000, small=0):
    """Rows of two groups and errors, those of F so many times as large; `small` rows of S."""
    rng = np.random.default_rng(6)
    group = np.where(rng.random(rows) < 0.5, "F", "M")
    group[:small] = "S"
    label = rng.normal(size=rows)
    said = label + rng.normal(0, 0.3, rows) * np.where(group == "F", times, 1.0)
    scores = {"row_id": np.arange(rows), "label": label, MINE: said.astype(np.float32)}
    return pa.table({"group": group}), pa.table(scores)


def test_of_numbers_the_mean_errors_are_compared():
    (gap,) = measured(*numbers(2.0, small=10), policy=RATIO, predicts=NUMBERS).gaps
    assert gap.criterion == "error_ratio"
    assert 1.5 < gap.lower < gap.observed < gap.upper < 2.5
    assert "for F" in gap.worst
    assert gap.small == {"S": 10}
    assert gap.rates["S"]["mean_error_rows"] == 10
    (gap,) = measured(*numbers(), policy=RATIO, predicts=NUMBERS).gaps
    assert gap.upper < 1.5


def test_of_quantiles_the_pinball_losses_are_compared():
    rows, scores = numbers(2.0)
    said = np.repeat(scores[MINE].to_numpy(), 2)
    both = pa.FixedSizeListArray.from_arrays(pa.array(said), 2)
    of = Predicts("regression", quantiles=(0.1, 0.9))
    (gap,) = measured(rows, scores.set_column(2, MINE, both), policy=RATIO, predicts=of).gaps
    assert 1.5 < gap.lower < gap.observed < 2.5


def test_of_numbers_the_increase_is_a_share_of_the_champions_ratio():
    rows, scores = numbers(1.2)
    equal = scores.append_column(THEIRS, scores[MINE])
    worse = scores.append_column(THEIRS, numbers()[1][MINE])
    live = Opponent(digest=THEIRS)
    (same,) = measured(rows, equal, live, policy=RATIO, predicts=NUMBERS).gaps
    assert same.increase == pytest.approx((0, 0, 0), abs=0.01)
    (grown,) = measured(rows, worse, live, policy=RATIO, predicts=NUMBERS).gaps
    observed, lower, upper = grown.increase
    assert observed == pytest.approx(0.2, abs=0.05)
    assert 0.05 < lower < observed < upper < 0.4


def test_numbers_without_a_limit_have_no_gap():
    assert measured(*numbers(), policy=FairnessGate(), predicts=NUMBERS).gaps == []
    (gap,) = measured(*numbers(rows=60), policy=RATIO, predicts=NUMBERS).gaps
    assert gap.observed is None
