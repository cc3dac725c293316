"""Gates against the reference: a large effect that is not chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.data import correlations, distribution
from mlplatform.spec.data_gates import CorrelationsGate, DistributionGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data.made import NAN, measured, shift, tied

POLICY = DistributionGate()


class TestDistribution(GateContract):
    """Distances of columns from the reference."""

    gate, policy, limit = staticmethod(distribution), DistributionGate(max_psi=0.2), 0.2
    good = (measured(shifts=[shift(psi=0.2, expected_psi=0.001)]),)
    bad = (measured(shifts=[shift(psi=0.21, expected_psi=0.001)]),)
    missing = (
        (measured(),),
        (measured(shifts=[]),),
        (measured(rows=0, shifts=[shift()]),),
        (measured(shifts=[shift(psi=None)]),),
        (measured(shifts=[shift(psi=NAN)]),),
        (measured(rows=None, has_reference=False),),
    )


class TestCorrelations(GateContract):
    """Pearson's r, now and in the reference."""

    gate, policy, limit = staticmethod(correlations), CorrelationsGate(max_change=0.2), 0.2
    good = (measured(correlations=[tied(r=0.3)]),)
    bad = (measured(correlations=[tied(r=0.29)]),)
    missing = (
        (measured(),),
        (measured(rows=0, correlations=[tied()]),),
        (measured(correlations=[tied(r=NAN)]),),
        (measured(correlations=[tied(reference_r=None)]),),
    )


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        ({"ks": 0.11, "ks_p": 1e-9}, "age: KS distance 0.11, limit 0.1"),
        ({"mean": 65.0}, "the mean moved 2.08 reference deviations, from 38 to 65, limit 2"),
        ({"l_infinity": 0.11}, "a share moved by 0.11 (L-infinity), limit 0.1"),
        ({"jensen_shannon": 0.11, "ks_p": 1e-9}, "Jensen-Shannon divergence 0.11, limit 0.1"),
        ({"spike": "-1", "spike_rows": 200, "spike_tried": 80}, "-1 is 2.00% of values, 0.00%"),
        (
            {"unseen": 200, "unseen_values": ("'N/A'",)},
            "2.00% of values are none the reference had",
        ),
    ],
)
def test_every_distance_alone_fails_beyond_its_limit(moved, told):
    verdict = distribution(measured(shifts=[shift(), shift(**moved)]), POLICY)
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because
    assert "mlplatform reference promote" in verdict.because
    assert sum(check["broken"] for check in verdict.evidence["columns"]) == 1


@pytest.mark.parametrize(
    "calm",
    [
        {"ks": 0.1, "ks_p": 1e-9},
        {"ks": 0.3, "ks_p": 0.01},
        {"mean": 64.0},
        {"l_infinity": 0.1},
        {"rows": 200, "l_infinity": 0.11},
        {"jensen_shannon": 0.1, "ks_p": 1e-9},
        {"jensen_shannon": 0.5, "ks_p": 0.4},
        {"spike": "0", "spike_rows": 5_000, "spike_reference_rows": 12_500},
        {"spike": "7", "spike_rows": 90, "spike_tried": 80},
        {"rows": 300, "spike": "7", "spike_rows": 4, "spike_reference_rows": 50, "spike_tried": 80},
        {"rows": 300, "spike": "7", "spike_rows": 5, "spike_reference_rows": 50, "spike_tried": 80},
        {"rows": 1_000, "reference_rows": 1_000, "psi": 0.3, "expected_psi": 0.15},
        {"unseen": 250, "reference_once": 800},
        {"rows": 100, "psi": 0.4, "expected_psi": 0.18, "reference_rows": 100},
    ],
)
def test_a_distance_that_is_small_or_chance_is_no_alarm(calm):
    verdict = distribution(measured(shifts=[shift(**calm)]), POLICY)
    assert verdict.passed, verdict.because


@pytest.mark.parametrize("kind", ["l_infinity", "jensen_shannon"])
def test_a_distance_that_tfdv_should_have_measured_is_missing(kind):
    verdict = distribution(measured(shifts=[shift(tfdv=kind)]), POLICY)
    assert (verdict.outcome, verdict.observed) == (Outcome.FAIL, None)
    assert "(not measured)" in verdict.because
    assert distribution(measured(shifts=[shift(**{"tfdv": kind, kind: 0.01})]), POLICY).passed


def test_the_chance_of_an_alarm_is_shared_by_all_columns():
    """One in 5,000 is rare for one column, and to be expected of one among many."""
    odd = shift(ks=0.2, ks_p=2e-4)
    calm = [shift(column=f"c{n}") for n in range(20)]
    assert not distribution(measured(shifts=[odd]), POLICY).passed
    assert distribution(measured(shifts=[odd, *calm]), POLICY).passed


def test_before_there_is_a_reference_nothing_is_compared_and_the_verdict_says_so():
    m = measured(has_reference=False, correlations=[tied(reference_r=None)])
    for verdict in (distribution(m, POLICY), correlations(m, CorrelationsGate())):
        assert verdict.passed
        assert "no reference yet" in verdict.because


def test_an_ignored_column_is_not_judged():
    moved = shift(psi=5.0)
    ignoring = DistributionGate(ignore={"age": "the survey has changed"})
    verdict = distribution(measured(shifts=[moved, shift(column="hours")]), ignoring)
    assert verdict.passed
    assert verdict.evidence["ignored"] == {"age": "the survey has changed"}


def test_hours_of_the_day_are_judged_by_hours_alone():
    strange = shift(psi=None, is_time=True, ks=None, mean=None, unseen=500)
    assert not distribution(measured(shifts=[strange]), POLICY).passed
    calm = shift(psi=None, is_time=True, ks=None, mean=None, unseen=0)
    assert distribution(measured(shifts=[calm]), POLICY).passed


def test_the_sentence_names_three_columns_and_counts_the_others():
    shifts = [shift(column=f"c{n}", psi=1.0 + n) for n in range(6)]
    because = distribution(measured(shifts=shifts), POLICY).because
    assert because.index("c5") < because.index("c4") < because.index("c3")
    assert "and 3 more columns" in because
    assert "c2" not in because


def test_a_change_of_few_rows_or_heavy_tails_is_chance():
    assert correlations(measured(correlations=[tied(rows=60, r=0.2)]), CorrelationsGate()).passed
    heavy = tied(rows=500, r=0.25, inflation=20)
    assert correlations(measured(correlations=[heavy]), CorrelationsGate()).passed
    plain = tied(rows=500, r=0.25)
    assert not correlations(measured(correlations=[plain]), CorrelationsGate()).passed


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(4, 10**6), st.integers(4, 10**6))
def test_correlations_may_change_either_way(r, before, rows, reference_rows):
    """Swapping now and then changes nothing but which is which."""
    there = tied(r=r, reference_r=before, rows=rows, reference_rows=reference_rows)
    back = tied(r=before, reference_r=r, rows=reference_rows, reference_rows=rows)
    first, second = (
        correlations(measured(correlations=[seen]), CorrelationsGate()) for seen in (there, back)
    )
    assert first.outcome is second.outcome
    assert first.observed == second.observed


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_larger_distance_is_never_better(first, second):
    low, high = sorted((first, second))
    calm, moved = (distribution(measured(shifts=[shift(psi=p)]), POLICY) for p in (low, high))
    assert calm.passed or not moved.passed
