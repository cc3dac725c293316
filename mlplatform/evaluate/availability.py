"""Was everything that features read known at each row's time? Declared, by times, and by recount."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.availability_recount import recounts
from mlplatform.evaluate.made_from import MadeFrom, Reads
from mlplatform.measures import AvailabilitySeen, Example

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline, PipelineSpec

EXAMPLES = 5  # Rows shown of a column, the latest first.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = np.iinfo(np.int64).max  # How late a value is of which nobody knows the time.
TIMES = pa.timestamp("us", tz="UTC")


def availability(pipeline: "Pipeline", lake: "Lake", features: "Version") -> list[AvailabilitySeen]:
    """Return what is known of each column that the features of a table read.

    One entry a feature and column says whether it is declared to be known later, one more counts
    rows by their times where the spec names a `known_at` column, and one more recounts aggregates.
    What the table was made by counts, and not what `features.py` says by now.

    Raises:
        LakeError: If the table does not say what it was made from, or that is gone.
        FeatureError: If the rows do not fit the features.
    """
    made = MadeFrom(pipeline, lake, features)
    spec, reads = pipeline.spec, made.reads
    columns = {name for one in reads for name in one.columns}
    late = late_values(spec, made.rows(_needed(spec, columns)), columns)
    found = []
    for one in reads:
        found += [_declared(spec, one, name, features.rows) for name in one.columns]
        found += [_timed(one, name, late[name]) for name in one.columns if name in late]
    return [*found, *recounts(made)]


@dataclass
class Late:
    """Values of one column, those of them that became known after their row's time, and the latest."""

    column: str
    rows: int = 0
    late: int = 0
    latest: list[tuple[int, Example]] = field(default_factory=list)  # How late in microseconds.


def late_values(
    spec: "PipelineSpec", batches: Iterable[pa.RecordBatch], columns: Iterable[str]
) -> dict[str, Late]:
    """Return those of `columns` for which the spec names a `known_at` column, counted.

    A value is late when it became known after the row's event time, and when nobody knows one of
    the two times. Batches need these columns, the times, `source_file` and `source_line`.
    """
    found = {name: Late(name) for name in columns if name in spec.known_at}
    for batch in batches if found else ():
        event = _instants(batch, spec.event_time or "")
        for seen in found.values():
            _count(seen, spec, batch, event)
    return found


def _count(seen: Late, spec: "PipelineSpec", batch: pa.RecordBatch, event: np.ndarray) -> None:
    known = _instants(batch, spec.known_at[seen.column])
    lacking = (known == NO_TIME) | (event == NO_TIME)
    after = np.where(lacking, NO_TIME, known - np.where(lacking, known, event))
    present = batch.column(seen.column).is_valid().to_numpy(zero_copy_only=False)
    late = np.flatnonzero(present & (after > 0))
    seen.rows += int(present.sum())
    seen.late += len(late)
    worst = late[np.argsort(-after[late], kind="stable")[:EXAMPLES]]
    told = ["source_file", "source_line", spec.event_time, spec.known_at[seen.column]]
    rows = batch.take(pa.array(worst)).select(list(dict.fromkeys(filter(None, told)))).to_pylist()
    both = [*seen.latest, *zip(after[worst].tolist(), rows, strict=True)]
    seen.latest = sorted(both, key=lambda pair: -pair[0])[:EXAMPLES]


def _instants(batch: pa.RecordBatch, column: str) -> np.ndarray:
    """Return int64[rows] microseconds since 1970, `NO_TIME` where there is none."""
    times = batch.column(column).cast(TIMES).cast(pa.int64())
    return np.asarray(times.fill_null(NO_TIME))


def _needed(spec: "PipelineSpec", columns: Iterable[str]) -> list[str]:
    """Return what `late_values` reads; nothing, where no column has a time of its own."""
    timed = [name for name in columns if name in spec.known_at]
    if not timed:
        return []
    times = [spec.known_at[name] for name in timed]
    wanted = [*sorted(timed), *times, spec.event_time or "", "source_file", "source_line"]
    return list(dict.fromkeys(wanted))


def _declared(spec: "PipelineSpec", one: Reads, column: str, rows: int) -> AvailabilitySeen:
    reasons: Mapping[str, str] = {spec.label.column: "it is the label", **spec.known_after}
    late = column in reasons
    return AvailabilitySeen(
        feature=one.feature,
        column=column,
        found_by="declared",
        rows=rows,
        late=rows if late else 0,
        worst=reasons[column] if late else "",
    )


def _timed(one: Reads, column: str, seen: Late) -> AvailabilitySeen:
    return AvailabilitySeen(
        feature=one.feature,
        column=column,
        found_by="known_at",
        rows=seen.rows,
        late=seen.late,
        worst=_worst(seen.latest),
        examples=tuple(row for _, row in seen.latest),
    )


def _worst(latest: Sequence[tuple[int, Example]]) -> str:
    if not latest:
        return ""
    after, row = latest[0]
    where = f"{row['source_file']}:{row['source_line']}"
    if after == NO_TIME:
        return f"{where} does not say when"
    return f"{where}: {timedelta(microseconds=after)} after the row's time"
