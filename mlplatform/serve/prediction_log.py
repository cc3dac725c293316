"""Every answer to the `predictions` table: queued at once, written in batches by one thread."""

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlplatform.errors import PlatformError
from mlplatform.serve.columns import arrow_type
from mlplatform.serve.decode import Row
from mlplatform.serve.metrics import Metrics
from mlplatform.serve.settings import ServeSettings
from mlplatform.spec.model import LOG_COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lineage, Table

TABLE = "predictions"  # `<pipeline>/predictions`
COLUMNS = "columns"  # Fact of each commit: the raw columns of the table, as JSON.
# Fact of each commit: which column holds what was predicted, a number or a list of them.
ANSWER, ONE, SEVERAL = "answer", "probability", "prediction"
RESERVED = LOG_COLUMNS
CLOSE_SECONDS = 10.0  # How long a stopping server tries to write what is queued.
RETRY_SECONDS = 1.0  # After the lake refused.

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answered request: its rows and what was predicted of each, a number or a list of them.

    `output` is what that is called: probability, probabilities, prediction or quantiles.
    """

    request_id: str
    arm: str
    model_version: int
    model_digest: str
    rows: list[Row]
    answers: list[Any]
    output: str = ONE
    latency_ms: float
    at: datetime


class PredictionLog:
    """A bounded queue and the thread that empties it.

    Args:
        table: Where the rows go.
        columns: Returns name and type of the raw columns to keep beside each prediction; asked
            for when the table is new. Later the table keeps the columns it has.
        lineage: Who writes.
        metrics: Counts rows logged and dropped.
        settings: Sizes and intervals.
    """

    def __init__(
        self,
        table: "Table",
        columns: Callable[[], Mapping[str, str]],
        lineage: "Lineage",
        metrics: Metrics,
        settings: ServeSettings,
    ) -> None:
        self._table, self._columns, self._lineage = table, columns, lineage
        self._metrics, self._settings = metrics, settings
        self._queue: deque[Answer] = deque()
        self._rows = 0
        self._give_up: float | None = None  # By time.monotonic(); None while open.
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def offer(self, answer: Answer) -> bool:
        """Queue an answer; return whether there was room. Never waits for the lake."""
        rows = len(answer.rows)
        with self._wake:
            if self._rows + rows > self._settings.queue_rows or self._give_up is not None:
                self._metrics.dropped.inc(rows)
                return False
            self._queue.append(answer)
            self._rows += rows
            if self._rows >= self._settings.flush_rows:
                self._wake.notify()
        return True

    def close(self) -> None:
        """Write what is queued, for at most `CLOSE_SECONDS`; rows left then count as dropped."""
        with self._wake:
            self._give_up = time.monotonic() + CLOSE_SECONDS
            self._wake.notify()
        self._thread.join(CLOSE_SECONDS + RETRY_SECONDS)
        with self._wake:  # Of a write still under way nobody will hear the outcome.
            self._metrics.dropped.inc(self._rows)
            self._rows = 0

    def _run(self) -> None:
        while self._give_up is None:
            with self._wake:
                self._wake.wait_for(self._is_due, self._settings.flush_seconds)
            self._flush()
        self._flush()

    def _is_due(self) -> bool:
        return self._give_up is not None or self._rows >= self._settings.flush_rows

    def _flush(self) -> None:
        with self._wake:
            answers = list(self._queue)
            self._queue.clear()
        if not answers:
            return
        rows = sum(len(answer.rows) for answer in answers)
        outcome = self._metrics.logged
        try:
            self._write(answers)
        except Exception:  # This thread must outlive whatever a row holds.
            outcome = self._metrics.dropped
            _log.exception("%d predictions are not logged", rows)
        with self._wake:
            if self._rows:  # None are left where `close` has given them up and counted them.
                outcome.inc(rows)
                self._rows -= rows

    def _write(self, answers: list[Answer]) -> None:
        token = f"predictions:{uuid.uuid4()}"  # The same for every attempt: written once.
        while True:
            try:
                columns, column = self._stored(answers[0].output)
                facts = {COLUMNS: json.dumps(columns), ANSWER: column}
                lineage = replace(self._lineage, facts=facts)
                self._table.append(to_table(answers, columns, column), lineage, token=token)
            except PlatformError as wrong:
                self._metrics.log_failures.inc()
                _log.warning("predictions are not logged yet: %s", wrong)
                if self._give_up is not None and time.monotonic() > self._give_up - RETRY_SECONDS:
                    raise
                with self._wake:
                    self._wake.wait_for(lambda: self._give_up is not None, RETRY_SECONDS)
            else:
                return

    def _stored(self, output: str) -> tuple[dict[str, str], str]:
        """Return the raw columns of the table, and the one for answers; a new one is as is needed now."""
        newest = self._table.latest()
        if newest is None:
            return dict(self._columns()), ONE if output == ONE else SEVERAL
        stored: dict[str, str] = json.loads(newest.lineage.facts[COLUMNS])
        column = newest.lineage.facts.get(ANSWER, ONE)
        unfit = column == ONE and output != ONE  # Answers that have no place in the table.
        self._metrics.unlogged_columns.set(len(self._columns().keys() - stored.keys()) + unfit)
        return stored, column


def schema(columns: Mapping[str, str], answer: str = ONE) -> "pa.Schema":
    """Return the columns of the table: the raw columns stand behind the server's own.

    `answer` names that of what was predicted: `probability`, of class 1, or `prediction`, a list of
    one number, of one a class or of one a quantile.
    """
    import pyarrow as pa

    kind = pa.float64() if answer == ONE else pa.list_(pa.float64())

    own = [
        ("request_id", pa.string()),
        ("request_row", pa.int32()),
        ("arm", pa.string()),
        ("model_version", pa.int64()),
        ("model_digest", pa.string()),
        (answer, kind),
        ("latency_ms", pa.float64()),
        ("answered_at", pa.timestamp("us", tz="UTC")),
    ]
    return pa.schema([*own, *((name, arrow_type(kind)) for name, kind in columns.items())])


def to_table(answers: list[Answer], columns: Mapping[str, str], column: str = ONE) -> "pa.Table":
    """Return one row for each row of each answer.

    A column that a model does not read is null, and so is a `probability` where another thing was
    predicted.
    """
    import pyarrow as pa

    rows = [
        {
            **row,
            "request_id": answer.request_id,
            "request_row": number,
            "arm": answer.arm,
            "model_version": answer.model_version,
            "model_digest": answer.model_digest,
            column: _held(answer, said, column),
            "latency_ms": answer.latency_ms,
            "answered_at": answer.at,
        }
        for answer in answers
        for number, (row, said) in enumerate(zip(answer.rows, answer.answers, strict=True))
    ]
    return pa.Table.from_pylist(rows, schema=schema(columns, column))


def _held(answer: Answer, said: Any, column: str) -> Any:
    """Return what the column holds of one row's answer."""
    if column == ONE:
        return said if answer.output == ONE else None
    return said if isinstance(said, list) else [said]
