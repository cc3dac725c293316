import numpy as np
import pyarrow as pa
import pytest

from mlplatform.gates.model import Outcomes, accuracy, artifact_size, fairness, latency
from mlplatform.spec.model_gates import AccuracyGate, FairnessGate, LatencyGate, SizeGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NAN, INF = float("nan"), float("inf")


def rates(**groups):
    """The slices table of `evaluate`: {"sex": {"Female": (positives, rate), …}, …}."""
    rows = [
        {"slice": f"{g}={v}", "group": g, "value": v, "rows": n, "observed": rate}
        | {"metric": "true_positive_rate"}
        for g, values in groups.items()
        for v, (n, rate) in values.items()
    ]
    return pa.Table.from_pylist(rows) if rows else None


class TestLatency(GateContract):
    """The 99th percentile in ms, and how many samples it rests on."""

    gate, policy, limit = staticmethod(latency), LatencyGate(max_p99_ms=50), 50
    good, bad = (50.0, 1000), (50.1, 1000)
    missing = (
        *((None, 1000), (NAN, 1000), (INF, 1000), (-1.0, 1000)),
        *((1.0, 0), (1.0, 999), (1.0, None)),
    )


class TestArtifactSize(GateContract):
    """Bytes of the artifact."""

    gate, policy, limit = staticmethod(artifact_size), SizeGate(max_megabytes=20), 20
    good, bad = (20_000_000,), (20_000_001,)
    missing = ((None,), (0,), (NAN,), (-1,))


class TestFairness(GateContract):
    """The slices, and the columns to judge."""

    gate, policy, limit = staticmethod(fairness), FairnessGate(max_gap=0.2, min_positives=50), 0.2
    good = (rates(sex={"Female": (50, 0.5), "Male": (900, 0.7)}), ["sex"])
    bad = (rates(sex={"Female": (50, 0.5), "Male": (900, 0.71)}), ["sex"])
    missing = (
        (None, ["sex"]),
        (rates(race={"White": (50, 0.5), "Black": (50, 0.5)}), ["sex"]),
        (rates(sex={"Female": (50, NAN), "Male": (900, 0.7)}), ["sex"]),
        (rates(sex={"Female": (50, None), "Male": (900, 0.7)}), ["sex"]),
        (rates(sex={"Male": (900, 0.7)}), ["sex"]),
        (rates(sex={"Female": (49, 0.7), "Male": (900, 0.7)}), ["sex"]),
        (rates(sex={"Female": (90, 0.7), "Male": (900, 0.7)}), []),
    )


def scored(correct, labels=None):
    """What a model got right; half of the rows are positive."""
    right = np.asarray(correct, dtype=np.float64)
    half = np.arange(len(right), dtype=np.int8) % 2
    rows = {"row_id": np.arange(len(right)), "label": half if labels is None else labels}
    return Outcomes(model_digest="a" * 64, correct=right, **rows)


class TestAccuracy(GateContract):
    """What the candidate got right, and the champion, of which there is none."""

    gate, policy, limit = staticmethod(accuracy), AccuracyGate(minimum=0.85), 0.85
    good, bad = (scored([1] * 17 + [0] * 3), None), (scored([1] * 16 + [0] * 4), None)
    missing = (
        (None, None),
        (scored([]), None),
        (scored([1] * 19 + [NAN]), None),
        (scored([1] * 20, labels=np.zeros(5)), None),
    )


def test_too_few_latency_samples_are_inconclusive_however_fast():
    verdict = latency(0.1, 999, LatencyGate())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "1,000 samples are needed" in verdict.because


def test_the_worst_gap_of_any_column_counts_and_names_both_groups():
    slices = rates(
        sex={"Female": (100, 0.6), "Male": (100, 0.7)},
        race={"Black": (60, 0.4), "White": (900, 0.75), "Other": (10, 0.0)},
    )
    verdict = fairness(slices, ["sex", "race"], FairnessGate(max_gap=0.2))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.observed == pytest.approx(0.35)
    assert "race: true positive rate 0.400 for Black, 0.750 for White, gap 0.350" in verdict.because
    assert "sex" not in verdict.because


def test_groups_too_small_are_named_and_not_judged():
    slices = rates(race={"Black": (60, 0.7), "White": (900, 0.75), "Other": (10, 0.0)})
    verdict = fairness(slices, ["race"], FairnessGate())
    assert verdict.passed
    assert "too small to judge: Other with 10" in verdict.because
    assert verdict.evidence["race"]["too_small"] == {"Other": 10}


def test_a_column_whose_groups_are_all_too_small_is_inconclusive_beside_a_good_one():
    slices = rates(sex={"F": (90, 0.7), "M": (90, 0.7)}, race={"A": (9, 0.1), "B": (9, 0.9)})
    verdict = fairness(slices, ["sex", "race"], FairnessGate())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.because == "race: 0 groups with 50+ positives, 2 needed (A with 9, B with 9)"


def test_fairness_over_no_declared_group_is_inconclusive():
    assert fairness(rates(sex={"F": (90, 1.0)}), [], FairnessGate()).outcome is Outcome.INCONCLUSIVE
