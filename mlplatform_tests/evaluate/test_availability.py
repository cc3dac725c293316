"""When values became known, by their times, and aggregates by recount."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from mlplatform.evaluate.availability import late_values
from mlplatform.evaluate.availability_recount import of_entities, same_bits
from mlplatform.features import Aggregate
from mlplatform.spec import validate

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPEC = {
    "name": "loans",
    "source": {"kind": "csv", "files": ["a.csv"]},
    "columns": {
        "asked": "timestamp",
        "score": "float64",
        "scored": "timestamp",
        "y": "string",
    },
    "label": {"column": "y", "positive": "1"},
    "event_time": "asked",
    "known_at": {"score": "scored"},
}


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return validate(SPEC, tmp_path_factory.mktemp("loans") / "defs.yaml")


def loans(*rows, first=1):
    """Rows of (asked, score, scored)."""
    asked, score, scored = zip(*rows, strict=True)
    times = pa.timestamp("us", tz="UTC")
    return pa.record_batch(
        {
            "asked": pa.array(asked, times),
            "score": pa.array(score, pa.float64()),
            "scored": pa.array(scored, times),
            "source_file": ["a.csv"] * len(rows),
            "source_line": range(first, first + len(rows)),
        }
    )


def test_a_value_known_at_or_before_the_rows_time_is_in_time_and_one_after_it_is_late(spec):
    rows = loans((AT, 1.0, AT), (AT, 2.0, AT - HOUR), (AT, 3.0, AT + timedelta(microseconds=1)))
    seen = late_values(spec, [rows], ["score"])["score"]
    assert (seen.rows, seen.late) == (3, 1)
    assert [row["source_line"] for _, row in seen.latest] == [3]


def test_a_value_of_which_nobody_knows_the_time_is_late_and_no_value_is_not(spec):
    rows = loans((AT, 1.0, None), (None, 1.0, AT), (AT, None, None), (AT, None, AT + HOUR))
    seen = late_values(spec, [rows], ["score"])["score"]
    assert (seen.rows, seen.late) == (2, 2)


def test_the_latest_rows_of_all_batches_are_kept(spec):
    batches = [
        loans(*((AT, 1.0, AT + n * HOUR) for n in range(first, first + 4)), first=first)
        for first in (1, 5, 9)
    ]
    seen = late_values(spec, batches, ["score"])["score"]
    assert seen.late == 12
    assert [row["source_line"] for _, row in seen.latest] == [12, 11, 10, 9, 8]


def test_a_column_without_a_time_of_its_own_is_not_looked_at(spec):
    assert late_values(spec, [], ["y"]) == {}


def test_only_events_of_sampled_entities_are_recounted():
    events = pa.record_batch({"tail": pa.array(["a", "b", "a", None]).dictionary_encode()})
    sample = pa.record_batch({"plane": ["a", "c"]})
    one = Aggregate("n", events="past", by={"tail": "plane"})
    (kept,) = of_entities(iter([events]), one, sample)
    assert kept.column("tail").to_pylist() == ["a", "a"]


def test_values_are_the_same_only_in_every_bit():
    assert same_bits(None, None)
    assert same_bits(0.1 + 0.2, 0.30000000000000004)
    assert not same_bits(0.3, 0.30000000000000004)
    assert not same_bits(0.0, -0.0)
    assert not same_bits(None, 0.0)
