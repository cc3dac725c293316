import numpy as np
import pyarrow as pa
import pytest

from mlplatform.evaluate.performance import performance
from mlplatform.evaluate.tasks import measured
from mlplatform.evaluate.trivial import LastValues
from mlplatform.features.predicts import Predicts
from mlplatform.gates.performance import performance as judge
from mlplatform.model_measures import Opponent
from mlplatform.spec.performance_gates import PerformanceGate
from mlplatform.verdict import Outcome

MINE, THEIRS = "a" * 64, "b" * 64
BINARY, NUMBERS = Predicts("binary"), Predicts("regression")
CLASSES = Predicts("multiclass", ("x", "y", "z"))
QUANTILES = Predicts("regression", quantiles=(0.1, 0.9))
DEFAULT, LIVE = PerformanceGate(), Opponent(digest=THEIRS)


def scored(label, mine, theirs=None):
    columns = {"row_id": np.arange(len(label)), "label": label, MINE: stored(mine)}
    return pa.table(columns if theirs is None else {**columns, THEIRS: stored(theirs)})


def stored(said):
    said = np.asarray(said, np.float32)
    flat = pa.array(said.ravel())
    return pa.FixedSizeListArray.from_arrays(flat, said.shape[1]) if said.ndim > 1 else flat


def two_classes(rows=4000, share=0.4, noise=0.25, seed=0):
    """Labels, and probabilities that are right more often than not."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < share).astype(np.int8)
    return label, np.clip(label * 0.4 + 0.3 + rng.normal(0, noise, rows), 0, 1)


def asked(scores, champion=None, policy=DEFAULT, predicts=BINARY, last=None):
    seen = performance(predicts, scores, MINE, champion, policy, last)
    return seen, judge(seen, policy)


def test_a_good_first_model_is_measured_beside_the_majority_class_and_passes():
    label, said = two_classes()
    seen, verdict = asked(scored(label, said))
    assert list(seen.metrics) == ["accuracy", "auc"]
    wanted = measured(BINARY, label, said.astype(np.float32))
    assert {n: of.observed for n, of in seen.metrics.items()} == pytest.approx(
        {n: wanted[n] for n in seen.metrics}
    )
    assert all(of.lower < of.observed < of.upper for of in seen.metrics.values())
    majority, coin = seen.trivial
    assert (majority.what, majority.baseline) == ("the majority class", 1 - label.mean())
    assert coin.baseline == 0.5
    assert min(majority.lower, coin.lower) > 0
    assert verdict.passed
    assert "the first model: no champion to compare with" in verdict.because


def test_a_good_model_of_rare_positives_beats_the_baseline_in_auc_alone():
    label, said = two_classes(20_000, share=0.01)
    seen, verdict = asked(scored(label, said * 0.5))  # It never says yes.
    assert seen.trivial[0].lower <= 0 < seen.trivial[1].lower
    assert verdict.passed
    assert (
        "auc better than the same answer to every row (0.5), not shown to be in accuracy"
        in verdict.because
    )


def test_one_answer_to_every_row_fails_whatever_it_is():
    label, _ = two_classes()
    for constant in (0.1, 0.9):
        _, verdict = asked(scored(label, np.full(len(label), constant)))
        assert verdict.outcome is Outcome.FAIL
        assert "no better in accuracy than the majority class" in verdict.because


def test_answers_without_any_relation_to_the_label_do_not_pass():
    label, _ = two_classes()
    noise = np.random.default_rng(5).random(len(label))
    assert not asked(scored(label, noise))[1].passed


def test_a_model_as_good_as_the_champion_passes_and_a_worse_one_fails():
    label, theirs = two_classes()
    near = np.clip(theirs + np.random.default_rng(1).normal(0, 0.002, len(label)), 0, 1)
    _, verdict = asked(scored(label, near, theirs), LIVE)
    assert verdict.passed
    assert [row["metric"] for row in verdict.evidence["compared"]] == ["accuracy", "auc"]
    _, bad = two_classes(noise=0.5)
    seen, verdict = asked(scored(label, bad, theirs), LIVE)
    assert verdict.outcome is Outcome.FAIL
    assert seen.compared[0].lost > seen.compared[0].gained
    assert verdict.baseline == seen.compared[0].champion


def test_the_champion_itself_passes_on_few_rows_without_any_margin():
    label, said = two_classes(60)
    policy = PerformanceGate(metrics={"accuracy": {"margin": 0.0}})
    seen, verdict = asked(scored(label, said), Opponent(digest=MINE), policy)
    assert seen.compared[0].better == 0
    assert verdict.passed
    assert not asked(scored(label, said, said), LIVE, policy)[1].passed


@pytest.mark.parametrize(
    ("champion", "theirs", "why"),
    [
        (Opponent(digest=THEIRS, unscored="its artifact is gone"), None, "its artifact is gone"),
        (LIVE, None, "it was not scored on these rows"),
        (LIVE, np.full(4000, np.nan), "4,000 of 4,000 rows have no usable answer of it"),
        (LIVE, np.full((4000, 2), 0.5), "answers with [2] numbers a row"),
    ],
)
def test_a_champion_without_answers_is_inconclusive_with_the_reason_and_the_way_out(
    champion, theirs, why
):
    seen, verdict = asked(scored(*two_classes(), theirs), champion)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert why in seen.champion.unscored
    assert why in verdict.because
    assert "mlplatform gate override" in verdict.because


@pytest.mark.parametrize(
    ("label", "said", "outcome", "why"),
    [
        ([0, 1, 0], [0.1, np.nan, 0.2], Outcome.FAIL, "1 of 3 rows have no usable prediction"),
        ([], [], Outcome.FAIL, "the model was scored on 0 rows"),
        ([1] * 900, [0.9] * 900, Outcome.INCONCLUSIVE, "all 900 test rows are of one class"),
    ],
)
def test_rows_that_decide_nothing_are_no_pass(label, said, outcome, why):
    seen, verdict = asked(scored(np.array(label, np.int8), said))
    assert (seen.metrics, seen.trivial, verdict.outcome) == ({}, (), outcome)
    assert why in verdict.because


def test_several_classes_numbers_and_quantiles_have_defaults_of_their_own():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, 900).astype(np.int32)
    several = np.eye(3)[codes] * 0.5 + 1 / 6
    seen, verdict = asked(scored(codes, several), predicts=CLASSES)
    assert (list(seen.metrics), verdict.passed) == (["accuracy"], True)
    label = rng.normal(size=900).astype(np.float32)
    seen, verdict = asked(scored(label, label * 0.8), predicts=NUMBERS)
    assert (list(seen.metrics), seen.trivial[0].what) == (["rmse"], "the label's mean")
    assert verdict.passed
    both = np.column_stack([label - 0.3, label + 0.3])
    seen, verdict = asked(scored(label, both), predicts=QUANTILES)
    assert (list(seen.metrics), verdict.passed) == (["pinball"], True)
    assert not asked(scored(label, np.full(900, label.mean())), predicts=NUMBERS)[1].passed


def test_a_model_has_to_beat_the_last_value_where_that_is_the_baseline():
    rng = np.random.default_rng(3)
    label = rng.normal(size=900).astype(np.float32)
    policy = PerformanceGate(baseline={"kind": "last_value"})
    known = np.arange(900) >= 10
    close = LastValues(what="the last value", answers=(label + 0.1).astype(np.float32), known=known)
    _, verdict = asked(scored(label, label + 0.5), None, policy, NUMBERS, close)
    assert verdict.outcome is Outcome.FAIL
    assert "no better in rmse than the last value" in verdict.because
    assert asked(scored(label, label + 0.01), None, policy, NUMBERS, close)[1].passed
    with pytest.raises(ValueError, match="the last values of these rows are needed"):
        asked(scored(label, label), None, policy, NUMBERS)


def test_recall_alone_is_held_against_the_baseline_by_the_other_metrics():
    """No model beats the recall of "always yes", which is 1."""
    label, said = two_classes()
    seen, verdict = asked(scored(label, said), policy=PerformanceGate(metrics={"recall": {}}))
    assert list(seen.metrics) == ["recall"]
    assert [each.metric for each in seen.trivial] == ["accuracy", "auc"]
    assert verdict.passed


def test_a_constant_does_not_pass_for_being_better_than_last_values():
    """The label last known is right five times in nine, and as a probability of log loss 18 nats off."""
    label = np.tile(np.array([1, 0, 0], np.int8), 300)
    last = LastValues(what="the last value", answers=np.roll(label, 1) * 1.0, known=label >= 0)
    for metrics in ({}, {"log_loss": {}}, {"accuracy": {}, "log_loss": {}}):
        policy = PerformanceGate(metrics=metrics, baseline={"kind": "last_value"})
        seen, verdict = asked(scored(label, np.full(900, 0.33)), policy=policy, last=last)
        assert verdict.outcome is Outcome.FAIL
        assert "the last value" not in verdict.because
        of_last = [each.metric for each in seen.trivial if each.kind == "last_value"]
        assert of_last == ["accuracy"]
        good = asked(scored(label, 0.1 + 0.8 * label), policy=policy, last=last)[1]
        assert good.passed


def test_one_metric_out_of_many_is_not_beaten_by_luck():
    """The bounds of all metrics share an error of 5 %: each is wider the more there are."""
    label, said = two_classes(300)

    def lower(*names):
        policy = PerformanceGate(metrics={name: {} for name in names})
        return asked(scored(label, said), policy=policy)[0].trivial[0].lower

    assert lower("accuracy", "auc", "log_loss", "brier", "f1") < lower("accuracy") - 0.01


def test_a_floor_names_the_rows_that_decide_it():
    label, said = two_classes(400)
    near = measured(BINARY, label, said.astype(np.float32))["brier"] + 0.005
    policy = PerformanceGate(metrics={"brier": {"maximum": near, "margin": None}})
    seen, verdict = asked(scored(label, said), policy=policy)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert f"about {seen.rows_needed['brier']:,} rows would decide" in verdict.because
