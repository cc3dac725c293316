"""Gates on the table as a whole: quarantine, schema, rows, age."""

from datetime import UTC, datetime, timedelta

import pytest

from mlplatform.gates.data import data_schema, freshness, malformed_rows, row_count
from mlplatform.measures import Anomaly, Malformed
from mlplatform.spec.data_gates import FreshnessGate, MalformedRowsGate, RowCountGate, SchemaGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data.made import NAN, measured

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
GONE = Anomaly(column="age", reason="SCHEMA_MISSING_COLUMN", detail="Column is missing")
SHORT = Anomaly(column="", reason="DATA_MISSING", detail="there are no rows")


def quarantined(**by_file: tuple[int, int]) -> Malformed:
    """Rejected and all rows by file, all for one reason."""
    rejected = sum(bad for bad, _ in by_file.values())
    rows = sum(rows for _, rows in by_file.values())
    example = {"source_file": "a.csv", "source_line": 7, "reason": "3 fields", "text": "1,2,3"}
    return Malformed(
        rows=rows,
        rejected=rejected,
        by_file=by_file,
        reasons={"3 fields": rejected},
        examples=[example],
    )


class TestMalformedRows(GateContract):
    """Rows in quarantine, by file."""

    gate, policy, limit = staticmethod(malformed_rows), MalformedRowsGate(max_share=0.01), 0.01
    good, bad = (quarantined(a=(1, 100)),), (quarantined(a=(11, 1000)),)
    missing = ((None,), (quarantined(),), (quarantined(a=(0, 0)),))


class TestDataSchema(GateContract):
    """Anomalies against the accepted schema."""

    gate, policy, limit = staticmethod(data_schema), SchemaGate(max_anomalies=1), 1
    good, bad = (measured(anomalies=[GONE]),), (measured(anomalies=[GONE, SHORT]),)
    missing = ((measured(),),)


class TestRowCount(GateContract):
    """Rows, and rows of the version accepted before."""

    gate, policy, limit = staticmethod(row_count), RowCountGate(minimum=1000), 1000
    good, bad = (measured(rows=1000, accepted_rows=1500),), (measured(rows=999),)
    missing = (
        (measured(rows=None, accepted_rows=1000),),
        (measured(rows=0),),
        (measured(rows=NAN),),
    )


class TestFreshness(GateContract):
    """The time of the newest row, and now."""

    gate, policy, limit = staticmethod(freshness), FreshnessGate(max_age_days=7), 7
    good = (measured(newest=NOW - WEEK), NOW)
    bad = (measured(newest=NOW - WEEK - timedelta(seconds=1)), NOW)
    missing = ((measured(), NOW), (measured(newest=NOW.replace(tzinfo=None)), NOW))


def test_a_bad_file_is_not_hidden_by_a_large_good_one():
    seen = quarantined(small=(50, 100), large=(0, 1_000_000))
    verdict = malformed_rows(seen, MalformedRowsGate())
    assert verdict.outcome is Outcome.FAIL
    assert "of small 50 of 100 (50.00%, limit 1.00%); mend small" in verdict.because
    assert verdict.evidence["examples"][0]["source_line"] == 7
    assert verdict.evidence["over"] == ["small"]


def test_hundreds_of_unseen_values_do_not_fill_the_sentence():
    many = Anomaly(column="city", reason="ENUM", detail="missing from the schema: " + "Ulm, " * 500)
    verdict = data_schema(measured(anomalies=[many]), SchemaGate())
    assert len(verdict.because) < 500
    assert verdict.evidence["anomalies"][0]["detail"] == many.detail


def test_an_anomaly_is_named_with_its_column_and_detail():
    verdict = data_schema(measured(anomalies=[GONE, SHORT]), SchemaGate())
    expected = "2 schema anomalies, limit 0 (age: Column is missing; the table: there are no rows)"
    advice = "if it is right, see `mlplatform schema diff` and say `mlplatform schema accept`"
    assert verdict.because == f"{expected}; mend the data; {advice}"
    assert verdict.evidence["anomalies"][0] == {
        "column": "age",
        "reason": "SCHEMA_MISSING_COLUMN",
        "detail": "Column is missing",
    }


def test_a_table_that_lost_more_rows_than_it_may_fails_above_the_minimum():
    policy = RowCountGate(minimum=1000, max_drop=0.3)
    assert row_count(measured(rows=7_000, accepted_rows=10_000), policy).passed
    verdict = row_count(measured(rows=6_999, accepted_rows=10_000), policy)
    assert verdict.outcome is Outcome.FAIL
    assert "more than 30% of those are gone" in verdict.because
    assert verdict.baseline == 10_000


def test_rows_from_the_future_are_not_fresh():
    verdict = freshness(measured(newest=NOW + timedelta(days=30)), NOW, FreshnessGate())
    assert verdict.outcome is Outcome.FAIL
    assert "30.0 days in the future" in verdict.because
    assert freshness(measured(newest=NOW + timedelta(hours=14)), NOW, FreshnessGate()).passed


def test_a_row_written_in_another_time_zone_is_as_old_as_it_is():
    newest = datetime.fromisoformat("2026-02-27T12:00:00-12:00")
    verdict = freshness(measured(newest=newest), NOW, FreshnessGate(max_age_days=7))
    assert verdict.observed == pytest.approx(1.5)


@pytest.mark.parametrize(("behind", "passed"), [(-1, True), (3, True), (3.01, False)])
def test_new_rows_that_are_all_older_than_the_old_ones_are_a_stale_batch(behind, passed):
    before = NOW - timedelta(days=2)
    m = measured(newest=before, accepted_newest=before, new_newest=before - timedelta(days=behind))
    verdict = freshness(m, NOW, FreshnessGate(max_behind_days=3))
    assert verdict.passed is passed
    assert ("an old batch came again" in verdict.because) is not passed
