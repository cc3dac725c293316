"""Gates on the steps of the walk: whole, sound, and the same as in training; never a pass without evidence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates import walk
from mlplatform.verdict import Outcome

BOTH = {"0": 30, "1": 10}
SOUND = {"train": BOTH, "validation": BOTH, "test": BOTH}


def test_every_landed_file_has_rows_and_they_add_up():
    assert walk.files_landed(5, {"a.csv": 2, "b.csv": 3}).passed
    assert not walk.files_landed(5, {"a.csv": 5, "b.csv": 0}).passed
    assert "b.csv" in walk.files_landed(5, {"a.csv": 5, "b.csv": 0}).because
    assert not walk.files_landed(6, {"a.csv": 5}).passed


def test_a_split_needs_both_classes_in_every_part():
    assert walk.split_sound(SOUND).passed
    without = walk.split_sound({**SOUND, "test": {"0": 40}})
    assert not without.passed
    assert "test has fewer than 2 classes" in without.because
    assert not walk.split_sound({**SOUND, "test": {"0": 40, "1": 0}}).passed


def test_a_split_needs_every_declared_class_in_every_part():
    three = {part: {"a": 5, "b": 3, "c": 1, "other": 0} for part in walk.PARTS}
    assert walk.split_sound(three, ("a", "b", "c")).passed
    without = walk.split_sound({**three, "test": {"a": 5, "b": 3, "c": 0}}, ("a", "b", "c"))
    assert not without.passed
    assert "test has no row of c" in without.because


def test_a_split_of_numbers_needs_more_than_one_in_every_part():
    numbers = {part: {"least": 1, "more": 9} for part in walk.PARTS}
    assert walk.split_sound(numbers, ("least", "more")).passed
    same = walk.split_sound({**numbers, "validation": {"least": 7, "more": 0}}, ("least", "more"))
    assert not same.passed
    assert "validation has one label at most: it does not vary" in same.because


def test_feature_vectors_are_finite_and_there_is_one_for_every_row():
    assert walk.features_finite(10, 10, 0).passed
    assert not walk.features_finite(10, 10, 1).passed
    assert not walk.features_finite(9, 10, 0).passed
    assert not walk.features_finite(0, 0, 0).passed


@given(st.floats(0, 10), st.floats(-1, 1))
def test_the_program_matches_training_within_the_parity_and_not_beyond(trained: float, gap: float):
    served = trained + gap
    verdict = walk.program_matches_training(trained, served)
    assert verdict.passed == (abs(trained - served) <= walk.PARITY)


def test_a_gap_of_numbers_is_counted_in_the_labels_deviations():
    assert walk.program_matches_training(1000.0, 1000.05, metric="rmse", unit=1e3).passed
    verdict = walk.program_matches_training(1000.0, 1000.2, metric="rmse", unit=1e3)
    assert not verdict.passed
    assert (
        "validation rmse 1000.2 as served, 1000 in training, gap 2.0e-04 of 1000" in verdict.because
    )
    assert not walk.program_matches_training(0.0, 0.0, metric="rmse", unit=0.0).passed


def test_a_gap_of_saturated_predictions_is_told_as_such():
    assert "are exactly 0 or 1" in walk.program_matches_training(3.5, 3.9, 0.2).because
    assert "are exactly 0 or 1" not in walk.program_matches_training(3.5, 3.9).because


@pytest.mark.parametrize(
    "verdict",
    [
        walk.files_landed(None, None),
        walk.files_landed(0, {}),
        walk.split_sound(None),
        walk.split_sound({}),
        walk.features_finite(None, 10, None),
        walk.features_finite(10, 10, None),
        walk.program_matches_training(None, 0.3),
        walk.program_matches_training(math.nan, math.nan),
        walk.program_matches_training(0.3, math.inf),
        walk.artifact_verified(None, "abc"),
        walk.artifact_verified(0, ""),
    ],
)
def test_what_was_not_measured_fails(verdict: walk.Verdict):
    assert verdict.outcome is Outcome.FAIL
    assert verdict.stops


def test_verified_bytes_pass_with_the_digest_they_were_checked_against():
    verdict = walk.artifact_verified(1234, "abcdef")
    assert verdict.passed
    assert verdict.evidence["digest"] == "abcdef"
