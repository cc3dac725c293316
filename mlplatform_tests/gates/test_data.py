from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from mlplatform.gates.data import data_schema, freshness, missing_values, row_count
from mlplatform.spec.data_gates import FreshnessGate, MissingGate, RowCountGate, SchemaGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAN = float("nan")
COLUMNS = ("age", "sex")


@dataclass(frozen=True)
class Anomaly:
    """What TFDV found, as `mlplatform.validate` describes it."""

    column: str
    reason: str


class TestDataSchema(GateContract):
    """Anomalies against the accepted schema."""

    gate, policy, limit = staticmethod(data_schema), SchemaGate(max_anomalies=1), 1
    good, bad = ([Anomaly("age", "new value")],), ([Anomaly("age", "gone"), Anomaly("", "short")],)
    missing = ((None,),)


class TestRowCount(GateContract):
    """Rows, and rows of the version before."""

    gate, policy, limit = staticmethod(row_count), RowCountGate(minimum=1000), 1000
    good, bad = (1000, 1500), (999, 999)
    missing = ((None, 1000), (0, None), (NAN, None), (-5, None))


class TestFreshness(GateContract):
    """The time of the newest row, and now."""

    gate, policy, limit = staticmethod(freshness), FreshnessGate(max_age_days=7), 7
    good, bad = (NOW - timedelta(days=7), NOW), (NOW - timedelta(days=7, seconds=1), NOW)
    missing = ((None, NOW), (NOW.replace(tzinfo=None), NOW))


class TestMissingValues(GateContract):
    """Shares of missing values, and the columns that must have one."""

    gate, policy, limit = staticmethod(missing_values), MissingGate(max_share=0.1), 0.1
    good, bad = ({"age": 0.1, "sex": 0.0}, COLUMNS), ({"age": 0.11, "sex": 0.0}, COLUMNS)
    missing = (
        (None, COLUMNS),
        ({}, COLUMNS),
        ({"age": 0.0}, COLUMNS),
        ({"age": 0.0, "sex": NAN}, COLUMNS),
    )


def test_an_anomaly_is_named_with_its_column_and_reason():
    verdict = data_schema([Anomaly("age", "expected int64, got string")], SchemaGate())
    assert verdict.because == "1 schema anomalies, limit 0 (age: expected int64, got string)"
    assert verdict.evidence == {"anomalies": ["age: expected int64, got string"]}


def test_a_table_that_lost_more_than_half_its_rows_fails_above_the_minimum():
    policy = RowCountGate(minimum=1000)
    assert row_count(5_000, 10_000, policy).passed
    verdict = row_count(4_999, 10_000, policy)
    assert verdict.outcome is Outcome.FAIL
    assert "fewer than 50% of those are left" in verdict.because
    assert verdict.baseline == 10_000


def test_rows_from_the_future_are_not_fresh():
    verdict = freshness(NOW + timedelta(days=30), NOW, FreshnessGate(max_age_days=7))
    assert verdict.outcome is Outcome.FAIL
    assert "30.0 days in the future" in verdict.because


def test_a_row_written_in_another_time_zone_is_as_old_as_it_is():
    newest = datetime.fromisoformat("2026-02-27T12:00:00-12:00")
    assert freshness(newest, NOW, FreshnessGate(max_age_days=7)).observed == pytest.approx(1.5)


def test_a_column_is_held_to_its_own_limit():
    policy = MissingGate(max_share=0.1, columns={"notes": 0.9, "age": 0.0})
    assert missing_values({"notes": 0.8, "age": 0.0}, ["notes", "age"], policy).passed
    verdict = missing_values({"notes": 0.8, "age": 0.01}, ["notes", "age"], policy)
    assert verdict.outcome is Outcome.FAIL
    assert (verdict.observed, verdict.limit) == (0.01, 0.0)
    assert verdict.because.startswith("age misses 1.00% of values, limit 0.00%")


def test_a_column_with_a_limit_of_its_own_must_be_measured():
    policy = MissingGate(columns={"notes": 0.9})
    verdict = missing_values({"age": 0.0}, ["age"], policy)
    assert verdict.outcome is Outcome.FAIL
    assert "not measured for notes" in verdict.because
