import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError
from mlplatform.evaluate.regression import regression
from mlplatform.features.predicts import Predicts
from mlplatform.gates.regression import regression as judge
from mlplatform.model_measures import Opponent
from mlplatform.spec.performance_gates import RegressionGate
from mlplatform.verdict import Outcome

MINE, THEIRS = "a" * 64, "b" * 64
BINARY, NUMBERS = Predicts("binary"), Predicts("regression")
LIVE, POLICY = Opponent(digest=THEIRS), RegressionGate()


def table(rows=4000, drop=0.0, seed=0):
    """Rows of two groups; the candidate errs in `drop` more of the women over 50."""
    rng = np.random.default_rng(seed)
    sex, age = rng.choice(["Female", "Male"], rows), rng.choice(["over 50", "under"], rows)
    label = rng.integers(0, 2, rows).astype(np.int8)
    theirs = np.where(rng.random(rows) < 0.9, label, 1 - label)
    broken = (sex == "Female") & (age == "over 50") & (rng.random(rows) < drop)
    mine = np.where(broken, 1 - theirs, theirs)
    scores = {"row_id": np.arange(rows), "label": label}
    scores |= {MINE: mine.astype(np.float32), THEIRS: theirs.astype(np.float32)}
    return pa.table({"sex": sex, "age": age}), pa.table(scores)


def asked(rows, scores, champion=LIVE, policy=POLICY, groups=("sex", "age"), predicts=BINARY):
    seen = regression(predicts, rows, groups, scores, MINE, champion, policy)
    return seen, judge(seen, policy)


def test_all_rows_every_value_and_every_pair_of_values_are_compared():
    seen, verdict = asked(*table())
    assert [each.slice for each in seen.slices] == [
        *("all", "sex=Female", "sex=Male", "age=over 50", "age=under"),
        *("sex=Female & age=over 50", "sex=Female & age=under"),
        *("sex=Male & age=over 50", "sex=Male & age=under"),
    ]
    assert sum(each.rows for each in seen.slices) == 4 * 4000
    assert verdict.passed
    assert "none of 9 slices is shown to be worse" in verdict.because
    assert "the largest drop that these rows could hide is 0.0" in verdict.because


def test_a_model_that_is_worse_for_one_pair_of_groups_alone_fails_and_names_it():
    seen, verdict = asked(*table(drop=0.08))
    assert verdict.outcome is Outcome.FAIL
    assert "sex=Female & age=over 50: accuracy" in verdict.because
    worst = min(seen.slices, key=lambda each: each.compared.better)
    assert worst.slice == "sex=Female & age=over 50"
    assert (verdict.observed, verdict.limit) == (worst.compared.better, -0.01)


def test_bounds_are_wider_the_more_slices_there_are():
    alone, _ = asked(*table(drop=0.02), groups=())
    many, _ = asked(*table(drop=0.02))
    assert many.slices[0].compared.lower < alone.slices[0].compared.lower
    assert many.slices[0].compared.upper > alone.slices[0].compared.upper


def test_equal_models_seldom_fail_however_many_slices_are_asked():
    """Each answers at random as well as the other; 41 slices, and no margin at all."""
    policy, trials = RegressionGate(margin=0.0, min_rows=20), 40
    failed = 0
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        label = rng.integers(0, 2, 2000).astype(np.int8)
        said = [np.where(rng.random(2000) < 0.85, label, 1 - label) for _ in range(2)]
        rows = pa.table({"group": rng.integers(0, 40, 2000)})
        scores = {"row_id": np.arange(2000), "label": label}
        scores |= {MINE: said[0].astype(np.float32), THEIRS: said[1].astype(np.float32)}
        failed += asked(rows, pa.table(scores), LIVE, policy, ("group",))[1].outcome is Outcome.FAIL
    assert failed <= 0.1 * trials


def test_slices_of_too_few_rows_are_named_and_not_judged():
    rows, scores = table(rows=300)
    seen, verdict = asked(rows, scores)
    assert {each.slice for each in seen.slices} >= {"all", "sex=Female"}
    assert all(size < 100 for size in seen.small.values())
    assert len(seen.small) == 4
    assert "slices too small to judge: 4" in verdict.because


def test_numbers_are_compared_by_their_error_as_a_share_of_the_champions():
    rng = np.random.default_rng(1)
    label, noise = rng.normal(size=(2, 2000)).astype(np.float32)
    rows = pa.table({"region": np.repeat(["north", "south"], 1000)})
    mine = label + noise * np.repeat([0.5, 1.0], 1000).astype(np.float32)
    scores = pa.table(
        {"row_id": np.arange(2000), "label": label, MINE: mine, THEIRS: label + noise * 0.5}
    )
    seen, verdict = asked(rows, scores, groups=("region",), predicts=NUMBERS)
    assert verdict.outcome is Outcome.FAIL
    assert "region=south: rmse" in verdict.because
    assert "region=north" not in verdict.because
    assert seen.slices[0].compared.relative


def test_a_first_model_passes_and_says_so():
    _, verdict = asked(*table(), champion=None)
    assert verdict.passed
    assert verdict.because == "the first model: no champion to compare with (margin 0.01)"


def test_the_champion_itself_is_no_worse_anywhere():
    seen, verdict = asked(*table(), champion=Opponent(digest=MINE))
    assert verdict.passed
    assert {each.compared.lower for each in seen.slices} == {0.0}


def test_a_champion_without_answers_is_inconclusive():
    _, verdict = asked(*table(), champion=Opponent(digest="c" * 64))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "it was not scored on these rows; `mlplatform gate override`" in verdict.because


def test_rows_that_decide_nothing_are_no_pass():
    rows, scores = table()
    assert asked(rows.slice(0, 0), scores.slice(0, 0))[1].outcome is Outcome.FAIL
    nan = scores.set_column(2, MINE, pa.array(np.full(4000, np.nan, np.float32)))
    assert asked(rows, nan)[1].outcome is Outcome.FAIL
    one = scores.set_column(1, "label", pa.array(np.ones(4000, np.int8)))
    assert asked(rows, one)[1].outcome is Outcome.INCONCLUSIVE


def test_an_empty_group_is_one_slice_of_rows_without_a_value():
    _, scores = table()
    nobody = pa.table({"sex": pa.nulls(4000, pa.string())})
    seen, _ = asked(nobody, scores, groups=("sex",))
    assert [each.slice for each in seen.slices] == ["all", "sex=(missing)"]


def test_wrong_calls_are_errors():
    rows, scores = table()
    with pytest.raises(FeatureError, match="group column 'race' is not in the table"):
        asked(rows, scores, groups=("race",))
    with pytest.raises(ValueError, match="10 rows to slice, 4000 scores"):
        asked(rows.slice(0, 10), scores)


def test_two_rows_are_no_evidence_that_nothing_is_worse():
    rows, scores = table(rows=2, seed=3)
    both = scores.set_column(1, "label", pa.array([0, 1], pa.int8()))
    _, verdict = asked(rows, both, groups=())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "all: 2 rows against" in verdict.because
    assert verdict.evidence["slices"][0]["outcome"] == "inconclusive"
