"""Gates on single values: ranges and outliers."""

import pytest

from mlplatform.gates.data import outliers, value_ranges
from mlplatform.spec.data_gates import OutliersGate, ValueRangesGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data.made import NAN, far, measured, spread

LIMITED = ValueRangesGate(columns={"age": (0, 120)}, max_share=0.01)


class TestValueRanges(GateContract):
    """Values outside the declared limits."""

    gate, policy, limit = staticmethod(value_ranges), LIMITED, 0.01
    good = (measured(ranges=[spread(outside=100)]),)
    bad = (measured(ranges=[spread(outside=101)]),)
    missing = (
        (measured(),),
        (measured(ranges=[]),),
        (measured(rows=0, ranges=[spread()]),),
        (measured(ranges=[spread(column="hours")]),),
    )


class TestOutliers(GateContract):
    """Values far from the reference's median."""

    gate, policy, limit = staticmethod(outliers), OutliersGate(max_increase=0.01), 0.01
    good = (measured(outliers=[far(outliers=100)]),)
    bad = (measured(outliers=[far(outliers=101)]),)
    missing = (
        (measured(),),
        (measured(rows=None, outliers=[far()]),),
        (measured(outliers=[far(deviation=None, median=None)]),),
    )


def test_one_value_outside_the_declared_limits_fails_by_default():
    policy = ValueRangesGate(columns={"age": (0, None)})
    verdict = value_ranges(measured(ranges=[spread(outside=1, least=-1.0)]), policy)
    assert verdict.outcome is Outcome.FAIL
    assert (
        "1 of 10,000 values of age lie outside [0, ] (seen: -1 to 90); mend the values"
        in verdict.because
    )


def test_infinite_values_fail_without_any_declaration():
    verdict = value_ranges(measured(ranges=[spread(not_finite=2)]), ValueRangesGate())
    assert verdict.outcome is Outcome.FAIL
    assert "2 of 10,000 values of age lie outside the finite numbers, 2 of them infinite" in (
        verdict.because
    )


def test_values_outside_a_domain_are_told():
    domain = ValueRangesGate(domains={"sex": ["Female", "Male"]})
    seen = spread(
        column="sex", least=None, most=None, reference_least=None, outside=3, worst="among them 'X'"
    )
    verdict = value_ranges(measured(ranges=[seen]), domain)
    assert "3 of 10,000 values of sex lie outside its declared domain (among them 'X')" in (
        verdict.because
    )


def test_values_with_line_ends_stay_on_one_line():
    seen = spread(outside=3, worst="among them 'a\nb'\r\n")
    because = value_ranges(measured(ranges=[seen]), ValueRangesGate()).because
    assert len(because.splitlines()) == 1


@pytest.mark.parametrize(
    ("what", "passed"),
    [
        ({"stretched": 10, "beyond": 10}, True),
        ({"stretched": 11, "beyond": 11}, False),
        ({"beyond": 100}, True),
        ({"beyond": 101}, False),
    ],
)
def test_few_values_may_lie_far_outside_what_the_reference_had_and_some_more_a_little(what, passed):
    assert value_ranges(measured(ranges=[spread(**what)]), ValueRangesGate()).passed is passed


def test_the_evidence_says_how_many_values_were_expected_outside():
    seen = spread(values=1000, reference_values=1000, stretched=500, beyond=500)
    shown = value_ranges(measured(ranges=[seen]), ValueRangesGate()).evidence["columns"]
    expected = {row["measure"]: row["expected"] for row in shown}
    assert expected == {
        "share far outside the reference's range": 0.0,
        "share outside the reference's range": 0.002,
        "share outside the declared limits, or infinite": 0.0,
    }


def test_a_small_reference_has_not_seen_every_value_there_is():
    """Of 200 new values 2 are outside the range of 200 old ones on average."""
    seen = spread(values=200, reference_values=200, beyond=5)
    assert value_ranges(measured(ranges=[seen]), ValueRangesGate()).passed


def test_times_are_shown_as_times():
    seen = spread(
        column="at", is_time=True, least=0.0, most=1e15, reference_least=9e14, stretched=5_000
    )
    because = value_ranges(measured(ranges=[seen]), ValueRangesGate()).because
    assert "(seen: 1970-01-01 00:00+00:00 to 2001-09-09 01:46+00:00)" in because


def test_without_a_reference_outliers_are_shown_and_pass():
    seen = far(outliers=500, reference_share=None)
    verdict = outliers(measured(has_reference=False, outliers=[seen]), OutliersGate())
    assert verdict.passed
    assert "no reference yet" in verdict.because
    assert verdict.evidence["shares"] == {"age": 0.05}


def test_a_heavy_tail_is_no_alarm_as_long_as_it_was_there_before():
    seen = far(outliers=600, reference_share=0.06)
    assert outliers(measured(outliers=[seen]), OutliersGate()).passed
    many = far(values=10**6, outliers=62_000, reference_share=0.06, reference_values=10**6)
    assert outliers(measured(outliers=[many]), OutliersGate()).passed
    grown = outliers(measured(outliers=[far(outliers=900, reference_share=0.06)]), OutliersGate())
    assert not grown.passed
    assert (
        "9.00% of age lie more than 10 deviations from the median 37, 6.00% of the reference"
        in (grown.because)
    )


def test_a_column_without_values_is_missing_and_no_outlier():
    assert outliers(measured(outliers=[far(values=0)]), OutliersGate()).passed
    assert value_ranges(measured(ranges=[spread(values=0, least=None)]), ValueRangesGate()).passed


def test_a_share_that_is_no_number_is_not_good():
    assert not outliers(measured(outliers=[far(reference_share=NAN)]), OutliersGate()).passed
