import numpy as np
import pyarrow as pa
import pytest

from mlplatform.evaluate.calibration import calibration
from mlplatform.evaluate.tasks import measured
from mlplatform.features.predicts import Predicts
from mlplatform.gates.calibration import calibration as judge
from mlplatform.spec.performance_gates import CalibrationGate
from mlplatform.verdict import Outcome

MODEL = "a" * 64
BINARY, NUMBERS = Predicts("binary"), Predicts("regression")
CLASSES = Predicts("multiclass", ("x", "y", "z"))
QUANTILES = Predicts("regression", quantiles=(0.1, 0.5, 0.9))


def scored(label, said):
    said = np.asarray(said, np.float32)
    column = pa.array(said.ravel())
    if said.ndim > 1:
        column = pa.FixedSizeListArray.from_arrays(column, said.shape[1])
    return pa.table({"row_id": np.arange(len(label)), "label": label, MODEL: column})


def two_classes(rows=2000, off=0.0):
    rng = np.random.default_rng(0)
    score = rng.beta(2, 2, rows)
    return (rng.random(rows) < np.clip(score + off, 0, 1)).astype(np.int8), score


def test_the_error_of_classes_is_the_metric():
    label, score = two_classes()
    seen = calibration(BINARY, scored(label, score), MODEL)
    wanted = measured(BINARY, label, score.astype(np.float32))["calibration_error"]
    assert seen.error.observed == pytest.approx(wanted)
    assert seen.what == "expected calibration error"
    several = np.random.default_rng(1).dirichlet(np.ones(3), 500).astype(np.float32)
    codes = several.argmax(1).astype(np.int32)
    seen = calibration(CLASSES, scored(codes, several), MODEL)
    wanted = measured(CLASSES, codes, several)["calibration_error"]
    assert seen.error.observed == pytest.approx(wanted)
    assert "are right 1.000" in seen.worst


def test_overconfidence_is_shown_and_named():
    label, score = two_classes(off=-0.3)
    seen = calibration(BINARY, scored(label, score), MODEL)
    assert seen.error.lower > 0.2
    assert seen.worst.startswith("said 0.")


def test_quantiles_are_judged_by_their_share_and_numbers_by_their_bias():
    rng = np.random.default_rng(2)
    label = rng.normal(size=2000).astype(np.float32)
    right = np.tile(np.array([-1.2816, 0, 1.2816], np.float32), (2000, 1))
    assert calibration(QUANTILES, scored(label, right), MODEL).error.upper < 0.05
    narrow = calibration(QUANTILES, scored(label, right / 4), MODEL)
    assert narrow.error.lower > 0.2
    assert "below quantile 0." in narrow.worst
    high = calibration(NUMBERS, scored(label, label + 1), MODEL)
    assert high.error.observed == pytest.approx(1, rel=0.05)
    assert high.worst == "too high on 2,000 rows"


@pytest.mark.parametrize(
    ("label", "said", "unusable", "single"),
    [
        ([0, 1, 0], [0.1, np.nan, 0.2], 1, ""),
        ([0, 1, 0], [0.1, 1.5, 0.2], 1, ""),
        ([1, 1, 1], [0.9, 0.9, 0.9], 0, "all 3 test rows are of one class"),
        ([], [], 0, ""),
    ],
)
def test_rows_that_decide_nothing_have_no_error(label, said, unusable, single):
    seen = calibration(BINARY, scored(np.array(label, np.int8), said), MODEL)
    assert np.isnan([seen.error.observed, seen.error.lower, seen.error.upper]).all()
    assert (seen.unusable, seen.single, seen.error.rows) == (unusable, single, len(label))


def judged(predicts, label, said, **policy):
    seen = calibration(predicts, scored(np.asarray(label), said), MODEL)
    return judge(seen, CalibrationGate(**policy))


def test_few_right_answers_are_no_evidence_of_calibration():
    for rows in (2, 3, 10):
        label = (np.arange(rows) % 2).astype(np.int8)
        verdict = judged(BINARY, label, label)
        assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "bounds 0.0000 and 0.26" in verdict.because
    assert "about 29 rows would decide" in verdict.because
    label = (np.arange(400) % 2).astype(np.int8)
    assert judged(BINARY, label, label).passed


def test_a_rare_class_that_is_said_nine_times_too_often_fails():
    """Its calibration error is 0.08, under the limit."""
    label = (np.arange(20_000) % 100 == 0).astype(np.int8)
    verdict = judged(BINARY, label, np.full(20_000, 0.09))
    assert verdict.outcome is Outcome.FAIL
    assert "factor of the rarer class, said against seen, 9 on 20,000 rows" in verdict.because
    assert judged(BINARY, label, np.full(20_000, 0.09), max_ratio=None).passed
    assert judged(BINARY, label, np.full(20_000, 0.011)).passed
    few = judged(BINARY, label[:900], np.full(900, 0.011))
    assert few.outcome is Outcome.INCONCLUSIVE
    assert "rows would decide" in few.because


def test_quantiles_in_the_tail_are_held_to_their_tail():
    """None below the quantile of 0.1 is a gap of 0.1, which is all that there is."""
    label = np.random.default_rng(7).normal(size=3000).astype(np.float32)
    wide = np.tile(np.array([-9, 0, 9], np.float32), (3000, 1))
    verdict = judged(QUANTILES, label, wide)
    assert verdict.outcome is Outcome.FAIL
    assert "gap of quantile 0.1 0.1000 on 3,000 rows" in verdict.because
    assert "limit 0.05 (below it 0.000)" in verdict.because
    assert "quantile 0.5" not in verdict.because
    right = np.tile(np.array([-1.2816, 0, 1.2816], np.float32), (3000, 1))
    assert judged(QUANTILES, label, right).passed
    assert judged(QUANTILES, label, right, max_tail_error=0.01).outcome is not Outcome.PASS


def test_the_rows_named_for_a_promise_decide():
    label = (np.arange(900) % 100 == 0).astype(np.int8)
    said = judged(BINARY, label, np.full(900, 0.012)).because
    needed = int(said.split("about ")[-1].split(" rows")[0].replace(",", ""))
    dice, decided = np.random.default_rng(8), 0
    for _ in range(100):
        drawn = (dice.random(needed) < 0.01).astype(np.int8)
        decided += judged(BINARY, drawn, np.full(needed, 0.012)).outcome is not Outcome.INCONCLUSIVE
    assert 65 <= decided <= 95
