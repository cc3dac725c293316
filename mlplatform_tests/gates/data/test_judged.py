"""All gates of a dataset together."""

import json
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime

from mlplatform.gates.data import judged
from mlplatform.measures import DataMeasured
from mlplatform.spec.data_gates import DataGates
from mlplatform.verdict import Outcome, Severity
from mlplatform_tests.gates.data import made

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ELSEWHERE = {"malformed_rows", "overlap"}  # Of `source`, and of `split`.
CLEAN = made.measured(
    newest=NOW,
    anomalies=[],
    missing=[made.missing()],
    duplicates=made.repeated(),
    ranges=[made.spread()],
    outliers=[made.far()],
    correlations=[made.tied()],
    shifts=[made.shift()],
    label=made.classes(),
    leaks=[made.leak()],
    sensitive=[],
)


def test_every_gate_on_the_dataset_answers_in_order_and_clean_data_passes():
    verdicts = judged(CLEAN, DataGates(), NOW)
    wanted = [n for n in DataGates.model_fields if n not in ELSEWHERE | {"min_new_rows"}]
    assert [verdict.gate for verdict in verdicts] == wanted
    assert [v.because for v in verdicts if not v.passed] == []


def test_what_was_not_measured_passes_no_gate():
    verdicts = judged(DataMeasured(rows=None), DataGates(), NOW)
    assert {verdict.outcome for verdict in verdicts} == {Outcome.FAIL}
    empty = judged(replace(CLEAN, rows=0), DataGates(), NOW)
    judge_other_counts = {"data_schema", "freshness", "missing_values", "duplicates",
                          "label_balance", "label_leakage"}  # fmt: skip
    assert {v.gate for v in empty if v.passed} <= judge_other_counts


def test_each_measure_that_is_missing_fails_a_gate_of_its_own():
    optional = {"new_rows", "accepted_rows", "new_newest", "accepted_newest"}
    for field in fields(DataMeasured):
        value = getattr(CLEAN, field.name)
        if field.name not in optional and value is not None and field.default is None:
            verdicts = judged(replace(CLEAN, **{field.name: None}), DataGates(), NOW)
            assert sum(not v.passed for v in verdicts) == 1, field.name


def test_example_rows_stand_in_the_verdict_that_failed_as_json():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"source_file": "a.csv", "source_line": 3, "age": float("inf"), "at": at, "raw": b"\x00"}
    bad = replace(
        CLEAN,
        ranges=[made.spread(not_finite=1)],
        examples={"value_ranges": [row], "outliers": [row]},
    )
    by_gate = {verdict.gate: verdict for verdict in judged(bad, DataGates(), NOW)}
    shown = by_gate["value_ranges"].evidence["examples"]
    assert shown[0]["age"] == "inf"
    assert shown[0]["at"] == "2026-01-01T00:00:00+00:00"
    assert "examples" not in by_gate["outliers"].evidence
    json.dumps([asdict(verdict) for verdict in by_gate.values()], allow_nan=False)


def test_a_gate_set_to_warn_does_not_stop_the_walk():
    warning = DataGates(data_schema={"severity": "warn"})
    verdict = judged(replace(CLEAN, anomalies=None), warning, NOW)[0]
    assert (verdict.severity, verdict.stops, verdict.passed) == (Severity.WARN, False, False)
