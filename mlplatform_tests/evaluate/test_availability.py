"""When values became known, by their times, and aggregates by recount."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.errors import LakeError
from mlplatform.evaluate.availability import NO_TIME, availability, late_values
from mlplatform.evaluate.availability_recount import same_bits, that_may_count
from mlplatform.features import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import VocabularyInput
from mlplatform.features.state import IdState
from mlplatform.gates import features as gates
from mlplatform.spec import validate
from mlplatform.spec.feature_gates import AvailabilityGate
from mlplatform_tests.monitor import loans

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
def world(tmp_path_factory):
    """Loans without any leak; tests add versions."""
    return loans.World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return validate(SPEC, tmp_path_factory.mktemp("loans") / "defs.yaml")


def asked(*rows, first=1):
    """Rows of (asked, score, scored)."""
    at, score, scored = zip(*rows, strict=True)
    times = pa.timestamp("us", tz="UTC")
    return pa.record_batch(
        {
            "asked": pa.array(at, times),
            "score": pa.array(score, pa.float64()),
            "scored": pa.array(scored, times),
            "source_file": ["a.csv"] * len(rows),
            "source_line": range(first, first + len(rows)),
        }
    )


def test_a_value_known_at_or_before_the_rows_time_is_in_time_and_one_after_it_is_late(spec):
    rows = asked((AT, 1.0, AT), (AT, 2.0, AT - HOUR), (AT, 3.0, AT + timedelta(microseconds=1)))
    seen = late_values(spec, [rows], ["score"])["score"]
    assert (seen.rows, seen.late) == (3, 1)
    assert [row["source_line"] for _, row in seen.latest] == [3]


def test_a_value_of_which_nobody_knows_the_time_is_late_and_no_value_is_not(spec):
    rows = asked((AT, 1.0, None), (None, 1.0, AT), (AT, None, None), (AT, None, AT + HOUR))
    seen = late_values(spec, [rows], ["score"])["score"]
    assert (seen.rows, seen.late) == (2, 2)
    assert [after for after, _ in seen.latest] == [NO_TIME, NO_TIME]


def test_the_latest_rows_of_all_batches_are_kept(spec):
    batches = [
        asked(*((AT, 1.0, AT + n * HOUR) for n in range(first, first + 4)), first=first)
        for first in (1, 5, 9)
    ]
    seen = late_values(spec, batches, ["score"])["score"]
    assert seen.late == 12
    assert [row["source_line"] for _, row in seen.latest] == [12, 11, 10, 9, 8]


def test_a_column_without_a_time_of_its_own_is_not_looked_at(spec):
    assert late_values(spec, [], ["y"]) == {}


def test_only_events_that_may_count_for_a_sampled_row_are_recounted():
    hours = [AT + at * HOUR for at in (-25, -24, -1, 0, 1, -1, -1)]
    tails = ["a", "a", "a", "a", "a", "b", None]
    events = pa.record_batch(
        {
            "tail": pa.array(tails).dictionary_encode(),
            "_event_time": pa.array([*hours[:-1], None], loans.TIMES),
            "n": range(7),
        }
    )
    rows = {"plane": ["a", "a", "c"], "at": pa.array([AT, AT - 25 * HOUR, None], loans.TIMES)}
    sample = pa.record_batch(rows)

    def kept(window):
        one = Aggregate("n", events="past", by={"tail": "plane"}, window=window)
        (batch,) = that_may_count(iter([events]), one, sample, "at")
        return batch.column("n").to_pylist()

    assert kept("24h") == [1, 2]
    assert kept("25h") == [0, 1, 2]
    assert kept(None) == [0, 1, 2]


def test_values_are_the_same_only_in_every_bit():
    assert same_bits(None, None)
    assert same_bits(0.1 + 0.2, 0.30000000000000004)
    assert not same_bits(0.3, 0.30000000000000004)
    assert not same_bits(0.0, -0.0)
    assert not same_bits(None, 0.0)


def known_late(share):
    """Loans of which this share of scores became known an hour after the row's time."""
    raw = loans.rows()
    late = np.arange(len(raw)) < share * len(raw)
    asked = raw["asked"].cast(pa.int64()).to_numpy()
    scored = np.where(late, asked + loans.HOUR, asked - loans.HOUR)
    at = raw.schema.get_field_index("scored")
    return raw.set_column(at, "scored", pa.array(scored).cast(loans.TIMES))


def judged(seen, **policy):
    return gates.availability(seen, AvailabilityGate(**policy))


def test_features_that_know_nothing_too_early_pass_and_everything_they_read_was_looked_at(world):
    seen = availability(world.pipeline, world.lake, world.features_of())
    assert judged(seen).passed
    looked = {(one.feature, one.column, one.found_by) for one in seen}
    assert looked == {
        ("amount", "amount", "declared"),
        ("score", "score", "declared"),
        ("score", "score", "known_at"),
        ("asked_before", "customer", "declared"),
        ("asked_before", "before", "recount"),
        ("mean_amount", "job", "declared"),
        ("mean_amount", "mean_amount", "recount"),
        ("job", "job", "declared"),
        ("asked", "asked", "declared"),
    }
    assert {one.rows for one in seen if one.found_by == "recount"} == {200}
    assert all(one.rows == loans.ROWS for one in seen if one.found_by != "recount")


def test_a_leak_by_time_in_one_row_of_a_hundred_is_caught_and_its_rows_are_shown(tmp_path):
    world = loans.World(tmp_path, known_late(0.01))
    seen = availability(world.pipeline, world.lake, world.features_of())
    verdict = judged(seen)
    assert not verdict.passed
    assert "score: 6 of 600 values (1.00%, limit 0.00%) became known after" in verdict.because
    assert "loans.csv:2: 1:00:00 after the row's time" in verdict.because
    assert [row["source_line"] for row in verdict.evidence["examples"]] == [2, 3, 4, 5, 6]
    assert verdict.evidence["examples"][0]["scored"] == "2026-01-05T01:00:00+00:00"
    assert judged(seen, max_late_share=0.01).passed


def test_a_table_made_before_its_column_was_declared_to_be_known_later_fails(world, tmp_path):
    declared = loans.pipeline(tmp_path, known_after={"score": "the bureau answers in a week"})
    verdict = judged(availability(declared, world.lake, world.features_of()))
    assert not verdict.passed
    assert "score is known only after the event" in verdict.because
    assert "the bureau answers in a week" in verdict.because


def test_an_entity_that_is_known_later_makes_its_aggregate_late(world, tmp_path):
    declared = loans.pipeline(tmp_path, known_after={"customer": "asked at the counter"})
    verdict = judged(availability(declared, world.lake, world.features_of()))
    assert "feature asked_before of customer is known only after" in verdict.because


def test_the_label_is_never_known_in_time(world):
    state = IdState(name="answer", input=0, size=4)
    read = VocabularyInput(column="good", type="string", vocabulary=("no", "yes"))
    table = world.features_of(fitted=Encoder(inputs=(read,), states=(state,)))
    verdict = judged(availability(world.pipeline, world.lake, table))
    assert "feature answer of good is known only after the event" in verdict.because
    assert "it is the label" in verdict.because


def test_an_aggregate_that_counts_an_event_too_many_differs_from_its_recount(world):
    changes = world.lake.table(world.aggregates.table).read(world.aggregates)
    ours = pc.equal(changes["aggregate"], loans.BEFORE.key)
    peeking = pc.if_else(ours, pc.add(changes["value"], 1.0), changes["value"])
    at = changes.schema.get_field_index("value")
    table = changes.set_column(at, "value", peeking)
    keys = {"aggregates": world.aggregates.lineage.facts["aggregates"]}
    wrong = world.write("aggregates", table, world.dataset, **keys)
    verdict = judged(availability(world.pipeline, world.lake, world.features_of(aggregates=wrong)))
    assert not verdict.passed
    assert "feature asked_before of before: " in verdict.because
    assert " of 200 values differ from a recount" in verdict.because
    assert "mean_amount" not in verdict.because
    assert "was used" in verdict.because


def test_a_table_that_does_not_say_what_it_was_made_from_is_an_error(world):
    state = world.lake.artifacts.put({"features.json": loans.encoder().to_json()})
    table = world.write("features", pa.table({"row_id": [0]}), state=state)
    with pytest.raises(LakeError, match="names no loans/dataset; materialise it again"):
        availability(world.pipeline, world.lake, table)
