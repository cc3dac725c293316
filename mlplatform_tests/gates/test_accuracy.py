import numpy as np
import pytest

from mlplatform.gates.accuracy import Outcomes, accuracy
from mlplatform.spec.model_gates import AccuracyGate
from mlplatform.verdict import Outcome

POLICY = AccuracyGate(minimum=0.8, margin=0.01)
CHAMPION = "c" * 64


def test_a_first_model_passes_on_its_own_and_says_so(scored):
    verdict = accuracy(scored(), None, POLICY)
    assert verdict.passed
    assert "the first model: no champion" in verdict.because
    assert (verdict.observed, verdict.limit, verdict.baseline) == (0.9, 0.8, 0.5)


def test_a_model_no_better_than_the_majority_class_fails(scored):
    verdict = accuracy(scored(wrong=500), None, AccuracyGate(minimum=0.0))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == (
        "accuracy 0.5000, no better than always answering the majority class (0.5000)"
    )


def test_test_rows_of_a_single_class_cannot_be_passed():
    ones = Outcomes(
        model_digest="a", row_id=np.arange(9), label=np.ones(9, np.int8), correct=np.ones(9)
    )
    assert accuracy(ones, None, POLICY).outcome is Outcome.FAIL


def test_equal_answers_pass_against_the_champion(scored):
    verdict = accuracy(scored(), scored(digest=CHAMPION), POLICY)
    assert verdict.passed
    assert verdict.evidence["difference"] == 0
    assert verdict.baseline == 0.9


def test_the_champion_itself_passes_on_any_number_of_rows(scored):
    few, policy = scored(rows=10, wrong=1), AccuracyGate(minimum=0.8, margin=0.0)
    assert accuracy(few, few, policy).passed
    another = scored(rows=10, wrong=1, digest=CHAMPION)
    assert accuracy(few, another, policy).outcome is Outcome.INCONCLUSIVE


def test_a_model_worse_than_the_margin_beyond_doubt_fails(scored):
    verdict = accuracy(scored(wrong=150), scored(digest=CHAMPION), POLICY)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence["difference_upper"] < -0.01
    assert "-0.0500 against champion cccccccccccc on 1,000 rows" in verdict.because


def test_doubt_is_inconclusive_and_says_how_many_rows_would_decide(scored):
    """100 wrong each, on different rows: equal as far as seen, but 20 % disagreement is noise."""
    verdict = accuracy(scored(from_row=100), scored(digest=CHAMPION), POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.evidence["only_candidate_right"] == 100
    assert verdict.evidence["only_champion_right"] == 100
    # (1.645 + 0.842)² · 0.2 / 0.01² = 12,365
    assert verdict.evidence["rows_needed"] == pytest.approx(12_365, rel=0.01)
    assert "rows would decide" in verdict.because


def test_a_model_that_looks_worse_than_the_margin_is_not_failed_on_few_rows(scored):
    """20 of 1,000 rows worse, but 180 rows differ: a model within the margin could look like it."""
    candidate = scored(wrong=100, from_row=80)
    champion = scored(wrong=80, digest=CHAMPION)
    verdict = accuracy(candidate, champion, POLICY)
    assert verdict.evidence["difference"] == pytest.approx(-0.02)
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_two_models_without_a_digest_are_not_taken_for_one(scored):
    nameless, few = AccuracyGate(minimum=0.8, margin=0.0), scored(rows=10, wrong=1, digest="")
    assert accuracy(few, few, nameless).outcome is Outcome.INCONCLUSIVE


def test_a_missed_floor_fails_even_where_the_champion_is_beaten(scored):
    champion = scored(wrong=300, digest=CHAMPION)
    verdict = accuracy(scored(wrong=250), champion, AccuracyGate(minimum=0.8))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because == "accuracy 0.7500, below the floor 0.8"


def test_a_champion_that_nothing_can_run_bars_no_successor_and_the_verdict_says_so(scored):
    champion = scored(digest=CHAMPION)
    champion.correct[:] = np.nan
    verdict = accuracy(scored(), champion, POLICY)
    assert verdict.passed
    assert "champion cccccccccccc could not be scored on any of 1,000 rows" in verdict.because
    assert "judged by the floor and the majority class alone" in verdict.because
    assert verdict.evidence["champion_unscored"] is True
    assert verdict.baseline == verdict.evidence["majority_class"]
    low = accuracy(scored(wrong=250), champion, AccuracyGate(minimum=0.8))
    assert low.outcome is Outcome.FAIL
    champion.row_id[:2] = [1, 0]
    assert accuracy(scored(), champion, POLICY).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("how", ["no rows", "other rows", "other order", "other labels", "nan"])
def test_a_champion_that_cannot_be_compared_is_never_a_pass(scored, how):
    champion = scored(digest=CHAMPION)
    changed = {
        "no rows": scored(rows=0, wrong=0, digest=CHAMPION),
        "other rows": scored(rows=999, digest=CHAMPION),
    }.get(how, champion)
    if how == "other order":
        changed.row_id[:2] = [1, 0]
    if how == "other labels":
        changed.label[:2] = [1, 0]
    if how == "nan":
        changed.correct[0] = np.nan
    verdict = accuracy(scored(), changed, POLICY)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "cannot compare with champion cccccccccccc" in verdict.because


def test_of_several_classes_the_most_frequent_one_is_the_baseline():
    labels = np.repeat(np.arange(3, dtype=np.int32), [50, 30, 20])
    scored = Outcomes(
        model_digest="a", row_id=np.arange(100), label=labels, correct=(labels < 2).astype(float)
    )
    verdict = accuracy(scored, None, POLICY)
    assert verdict.passed
    assert verdict.evidence["majority_class"] == 0.5
