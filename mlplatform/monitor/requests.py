"""Served requests beside the rows that a model was trained on, column by column."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import PlatformError
from mlplatform.measures import MissingSeen, RequestsSeen, ShiftSeen
from mlplatform.monitor import reference
from mlplatform.monitor.drift import ColumnDrift, measure
from mlplatform.monitor.histogram import NumericBins
from mlplatform.validate import distance
from mlplatform.validate.sensitive import shown

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.lake import Lake
    from mlplatform.spec import Pipeline

TABLE = "predictions"  # Of the server's log: a row a row of each request.
MODEL = "model_digest"


def requests(pipeline: "Pipeline", lake: "Lake", digest: str, max_requests: int) -> RequestsSeen:
    """Return how the newest logged requests, of whichever model, differ from one model's training rows.

    A column counts over the requests to models that read it, an aggregate over those to models that
    define it alike; one that none of them reads is left out. So requests may be many, and no column
    of them compared.

    Args:
        pipeline: Whose requests.
        lake: Where they are logged, and where the model is.
        digest: The model artifact whose `reference.json` they are held against.
        max_requests: How many of the newest rows are judged.

    Raises:
        CorruptionError: If the artifact is damaged.
        PlatformError: If the log holds what is no number where numbers were cut.
    """
    table = lake.table(pipeline.table(TABLE))
    newest = table.latest()
    if newest is None:
        return RequestsSeen(requests=0)
    artifact = lake.artifacts.open(digest)
    cut = reference.load(artifact.read("reference.json"))
    logged = next(table.batches(newest), None)
    reads = _reads(_encoder(lake, digest))
    names = [name for name in cut if name in reads and logged and name in logged.schema.names]
    window = tail(table.batches(newest, [MODEL, *names]), max_requests)
    by_model = {one: window.filter(pc.equal(window[MODEL], one)) for one in _models(window)}
    read = {one: _reads_of(lake, one) for one in by_model}
    drifts = []
    for name in names:
        parts = [rows for one, rows in by_model.items() if read[one].get(name) == reads[name]]
        values = pa.concat_tables(parts) if parts else window.slice(0, 0)
        if values.num_rows:
            drifts += measure({name: cut[name]}, values)
    return RequestsSeen(
        requests=window.num_rows,
        shifts=tuple(_shift(one) for one in drifts),
        missing=tuple(_missing(one) for one in drifts),
    )


def tail(batches: Iterable[pa.RecordBatch], most: int) -> pa.Table:
    """Return the last rows, at most `most`, of at least one batch, holding no more than needed."""
    held: deque[pa.RecordBatch] = deque()
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        while rows - held[0].num_rows >= most:
            rows -= held.popleft().num_rows
    found = pa.Table.from_batches(held)
    return found.slice(max(found.num_rows - most, 0))


def _models(window: pa.Table) -> Sequence[str]:
    found: list[str] = pc.unique(window[MODEL]).to_pylist()
    return found


def _reads(encoder: "Encoder") -> dict[str, str]:
    """Return the logged columns that a model reads, with what defines an aggregate, else nothing."""
    looked_up = {one.name: one.key for one in encoder.aggregates}
    return dict.fromkeys(encoder.asked, "") | looked_up


def _reads_of(lake: "Lake", digest: str) -> Mapping[str, str]:
    """Return what `_reads` does; nothing, where the model is gone or cannot be read any more."""
    try:
        return _reads(_encoder(lake, digest))
    except PlatformError:
        return {}


def _encoder(lake: "Lake", digest: str) -> "Encoder":
    from mlplatform.features.encoder import Encoder

    return Encoder.from_json(lake.artifacts.open(digest).read("features.json"))


def _shift(drift: ColumnDrift) -> ShiftSeen:
    """The drift of a column as the gates judge it; missing values have a bin of their own."""
    before, now = (np.array(one.counts, np.int64) for one in (drift.reference, drift.current))
    ks = ks_p = None
    if isinstance(drift.reference.bins, NumericBins) and before[:-1].any() and now[:-1].any():
        ks, ks_p = distance.ks(before[:-1], now[:-1])
    return ShiftSeen(
        column=drift.column,
        rows=drift.current.rows,
        reference_rows=drift.reference.rows,
        psi=drift.psi,
        expected_psi=drift.expected,
        ks=ks,
        ks_p=ks_p,
        worst=_worst(drift),
    )


def _worst(drift: ColumnDrift) -> str:
    was = np.array(drift.reference.counts) / drift.reference.rows
    share = np.array(drift.current.counts) / drift.current.rows
    best = int(np.argmax(np.abs(share - was)))
    name = drift.reference.bins.names[best]
    told = name if isinstance(drift.reference.bins, NumericBins) else shown(name)
    return f"{told}: {share[best]:.1%} of requests, of training rows {was[best]:.1%}"


def _missing(drift: ColumnDrift) -> MissingSeen:
    """Rows of the last bin, which holds missing values."""
    return MissingSeen(
        column=drift.column,
        rows=drift.current.rows,
        missing=drift.current.counts[-1],
        reference_rows=drift.reference.rows,
        reference_missing=drift.reference.counts[-1],
    )
