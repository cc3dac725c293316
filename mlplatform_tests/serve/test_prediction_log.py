"""Answers reach the lake once each, in batches, or are counted as dropped."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.lake import Lake, Lineage
from mlplatform.serve import prediction_log
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.prediction_log import Answer, PredictionLog
from mlplatform.serve.settings import ServeSettings

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
WHO = Lineage(asset="census/predictions", run_id="serve-1", code_version="test")
COLUMNS = {"age": "int64", "hours": "float64", "work": "string"}
ROW = {"age": 39, "hours": 40.5, "work": None}


def answer(request_id: str, *rows: dict[str, object]) -> Answer:
    """Return an answer of model version 3."""
    return Answer(
        request_id=request_id,
        arm="canary",
        model_version=3,
        model_digest="c" * 64,
        rows=list(rows) or [ROW],
        answers=[0.25] * max(len(rows), 1),
        latency_ms=1.5,
        at=AT,
    )


class Logged:
    """A log on a real table, with what was counted."""

    def __init__(self, lake: Lake, columns: dict[str, str] = COLUMNS, **settings: object) -> None:
        self.metrics = Metrics()
        self.table = lake.table("census/predictions")
        chosen = ServeSettings(**{"flush_seconds": 60.0, **settings})
        self.log = PredictionLog(self.table, lambda: columns, WHO, self.metrics, chosen)

    def count(self, name: str) -> float:
        """Return the rows counted as `logged` or `dropped`."""
        return self.metrics.registry.get_sample_value(f"mlplatform_predictions_{name}_total")

    def rows(self) -> list[dict[str, object]]:
        """Return the table's rows."""
        return self.table.read().to_pylist() if self.table.exists() else []


def eventually(is_so: Callable[[], bool]) -> bool:
    """Return whether `is_so` within some seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end and not is_so():
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def test_a_row_holds_the_request_the_answer_and_the_raw_columns(lake):
    logged = Logged(lake)
    logged.log.offer(answer("r1", ROW, {**ROW, "age": None}))
    logged.log.close()
    first, second = logged.rows()
    assert first == {
        "request_id": "r1",
        "request_row": 0,
        "arm": "canary",
        "model_version": 3,
        "model_digest": "c" * 64,
        "probability": 0.25,
        "latency_ms": 1.5,
        "answered_at": AT,
        **ROW,
    }
    assert (second["request_row"], second["age"]) == (1, None)
    assert logged.table.latest().lineage.asset == "census/predictions"


def test_instants_and_vectors_are_kept_as_the_dataset_has_them(lake):
    logged = Logged(lake, {"seen": "timestamp", "place": "vector[2]"})
    logged.log.offer(answer("r1", {"seen": AT, "place": [1.0, 0.1]}, {"seen": None, "place": None}))
    logged.log.close()
    kept = logged.table.read().select(["seen", "place"])
    assert kept.schema.types == [pa.timestamp("us", tz="UTC"), pa.list_(pa.float32())]
    assert kept.to_pylist() == [
        {"seen": AT, "place": [1.0, float(np.float32(0.1))]},
        {"seen": None, "place": None},
    ]


def test_a_full_batch_is_written_without_waiting_for_the_interval(lake):
    logged = Logged(lake, flush_rows=3)
    for n in range(3):
        logged.log.offer(answer(f"r{n}"))
    assert eventually(lambda: logged.count("logged") == 3)
    assert [row["request_id"] for row in logged.rows()] == ["r0", "r1", "r2"]
    logged.log.close()


def test_a_small_batch_is_written_after_the_interval(lake):
    logged = Logged(lake, flush_seconds=0.1)
    logged.log.offer(answer("r1"))
    assert eventually(lambda: len(logged.rows()) == 1)
    logged.log.close()


def test_what_exceeds_the_queue_is_dropped_and_counted(lake):
    logged = Logged(lake, queue_rows=2)
    assert [logged.log.offer(answer(f"r{n}")) for n in range(4)] == [True, True, False, False]
    logged.log.close()
    assert (logged.count("logged"), logged.count("dropped")) == (2, 2)
    assert len(logged.rows()) == 2


def test_rows_refused_by_the_lake_are_written_once_when_it_is_back(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_log, "RETRY_SECONDS", 0.05)
    (tmp_path / "lake").write_text("a file where the lake should be")
    logged = Logged(lake, flush_seconds=0.05)
    logged.log.offer(answer("r1"))
    refused = lambda: logged.metrics.registry.get_sample_value(  # noqa: E731
        "mlplatform_predictions_log_failures_total"
    )
    assert eventually(lambda: refused() >= 2)
    logged.log.offer(answer("r2"))
    (tmp_path / "lake").unlink()
    assert eventually(lambda: logged.count("logged") == 2)
    assert [row["request_id"] for row in logged.rows()] == ["r1", "r2"]
    logged.log.close()


def test_closing_gives_up_in_time_and_counts_what_was_lost(lake, tmp_path, monkeypatch):
    monkeypatch.setattr(prediction_log, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(prediction_log, "CLOSE_SECONDS", 0.3)
    (tmp_path / "lake").write_text("a file where the lake should be")
    logged = Logged(lake)
    logged.log.offer(answer("r1"))
    logged.log.close()
    assert logged.count("dropped") == 1
    assert logged.log.offer(answer("r2")) is False


def test_a_write_that_hangs_at_closing_is_lost_and_counted_once(lake, monkeypatch):
    """Whatever becomes of it later, each row is counted as logged or as dropped, never as both."""
    monkeypatch.setattr(prediction_log, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(prediction_log, "CLOSE_SECONDS", 0.1)
    began, go_on = threading.Event(), threading.Event()

    def hang(*_):
        began.set()
        go_on.wait(10)

    monkeypatch.setattr(prediction_log.PredictionLog, "_write", hang)
    logged = Logged(lake, flush_rows=1)
    logged.log.offer(answer("r1"))
    assert began.wait(10)
    logged.log.close()
    assert (logged.count("dropped"), logged.count("logged")) == (1, 0)
    go_on.set()
    logged.log._thread.join(10)
    assert (logged.count("dropped"), logged.count("logged")) == (1, 0)


def test_a_table_keeps_its_columns_when_a_model_reads_others(lake):
    """The new model's column is not kept and counted, the old one's is null; no row is lost."""
    first = Logged(lake)
    first.log.offer(answer("r1"))
    first.log.close()
    other = Logged(lake, {"age": "int64", "wage": "float64"})
    other.log.offer(answer("r2", {"age": 7, "wage": 1.0}))
    other.log.close()
    row = other.rows()[1]
    assert (row["age"], row["hours"], "wage" in row) == (7, None, False)
    unlogged = "mlplatform_predictions_unlogged_columns"
    assert other.metrics.registry.get_sample_value(unlogged) == 1


def test_a_row_that_cannot_be_stored_does_not_stop_the_log(lake):
    logged = Logged(lake, flush_rows=1)
    logged.log.offer(answer("bad", {**ROW, "age": "not a number"}))
    assert eventually(lambda: logged.count("dropped") == 1)
    logged.log.offer(answer("good"))
    assert eventually(lambda: logged.count("logged") == 1)
    logged.log.close()


def test_nothing_is_written_while_nothing_is_asked(lake, tmp_path):
    Logged(lake, flush_seconds=0.02).log.close()
    assert not (tmp_path / "lake").exists()


def test_answers_of_several_numbers_are_lists_and_a_table_keeps_its_kind(lake):
    """A pipeline's label may change its task; what it logged before stays readable."""
    several = replace(answer("one"), answers=[[0.2, 0.8]], output="probabilities")
    logged = Logged(lake)
    logged.log.offer(several)
    logged.log.offer(answer("two"))
    logged.log.close()
    assert [row["prediction"] for row in logged.rows()] == [[0.2, 0.8], [0.25]]
    again = Logged(lake)
    again.log.offer(answer("three"))
    again.log.close()
    assert [row["prediction"] for row in logged.rows()][2:] == [[0.25]]


def test_answers_that_a_table_of_probabilities_has_no_place_for_are_null_and_counted(lake):
    first = Logged(lake)
    first.log.offer(answer("one"))
    first.log.close()
    later = Logged(lake)
    later.log.offer(replace(answer("two"), answers=[12.5], output="prediction"))
    later.log.close()
    assert [row["probability"] for row in later.rows()] == [0.25, None]
    name = "mlplatform_predictions_unlogged_columns"
    assert later.metrics.registry.get_sample_value(name) == 1
