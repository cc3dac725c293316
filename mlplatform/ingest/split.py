"""Which rows train, validate and test: a row's own content decides, so growth changes nothing.

By hash of an entity, of a key, or of the content: equal ones are on one side, for ever and in
whatever order they land. Or by time: what happened before an instant trains, what happened after it
tests. See `mlplatform.ingest.hashing` for the hash.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import TIMESTAMP
from mlplatform.ingest.hashing import again, hashes_by, uniform
from mlplatform.spec import PipelineSpec

if TYPE_CHECKING:
    from mlplatform.ingest.balance import Balance

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
SCHEMA = pa.schema([pa.field("row_id", pa.int64()), pa.field("part", pa.string())])
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def assign(
    spec: PipelineSpec, batches: Iterable[pa.RecordBatch], balance: "Balance | None" = None
) -> pa.RecordBatchReader:
    """Return row_id and part ("train", "validation" or "test") for each row, in the same order.

    Constant memory; `batches` need the columns that `reads` names. `balance` counts what passes.

    Raises:
        SourceError: While it is read, as `parts_of` does.
    """
    return pa.RecordBatchReader.from_batches(SCHEMA, _assigned(spec, batches, balance))


def reads(spec: PipelineSpec) -> list[str]:
    """Return the columns of `dataset` that decide its split or are counted with it, each once."""
    by_hash = (name for columns in _identities(spec) for name in columns)
    decide = [spec.event_time] if spec.split.by == "time" else by_hash
    wanted = ["row_id", *decide, spec.label.column, "source_file", "source_line"]
    return list(dict.fromkeys(name for name in wanted if name))


def parts_of(batch: pa.RecordBatch, spec: PipelineSpec) -> pa.Array:
    """Return the part of each row: pure, the same in any batch.

    Rows of `split.test_files` are test. Of the others, by `time`: those before `validation_from`
    train, those before `test_from` validate. Else a share `split.test` is test, and of those left a
    share `split.validation` validates, by hash of the entity (`group`), or the key, or all declared
    columns: the first of these that the row has whole.

    Raises:
        SourceError: Naming file and line of a row without the time it is split by.
    """
    split = spec.split
    official = np.asarray(
        pc.is_in(batch.column("source_file"), pa.array(split.test_files, "string"))
    )
    if split.by == "time":
        held_out, validates = _by_time(batch, spec, official)
    else:
        hashes = hashes_by(batch, _identities(spec), split.seed)
        held_out = uniform(hashes) < split.test
        validates = uniform(again(hashes)) < split.validation
    codes = np.where(official | held_out, 2, np.where(validates, 1, 0)).astype(np.int8)
    return pa.DictionaryArray.from_arrays(codes, pa.array(PARTS)).dictionary_decode()


def held_out(batch: pa.RecordBatch, spec: PipelineSpec) -> np.ndarray:
    """Return bool[rows]: whether each row is test, without a hash where none is needed.

    A row without the time it is split by counts as not: the split itself refuses it.
    """
    split = spec.split
    official = np.asarray(
        pc.is_in(batch.column("source_file"), pa.array(split.test_files, "string"))
    )
    if split.by == "time":
        late, _ = _by_time(batch, spec, np.ones_like(official))
        return np.asarray(official | late)
    if not split.test:
        return official
    return np.asarray(
        official | (uniform(hashes_by(batch, _identities(spec), split.seed)) < split.test)
    )


def parts(dataset: pa.Table, split: pa.Table) -> pa.ChunkedArray:
    """Return the part of each row of `dataset`.

    Raises:
        SourceError: If `split` is not about these rows in this order.
    """
    if dataset["row_id"] != split["row_id"]:
        raise SourceError("the split is not about the rows of this dataset; materialise it again")
    return split["part"]


def rows_of(part: str, dataset: pa.Table, split: pa.Table) -> pa.Table:
    """Return the rows of `dataset` that `split` gives to `part`.

    Raises:
        SourceError: If `split` is not about these rows in this order.
    """
    return dataset.filter(pc.equal(parts(dataset, split), part))


def _assigned(
    spec: PipelineSpec, batches: Iterable[pa.RecordBatch], balance: "Balance | None"
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        part = parts_of(batch, spec)
        if balance is not None:
            balance.add(part, batch.column(spec.label.column))
        yield pa.RecordBatch.from_arrays([batch.column("row_id"), part], schema=SCHEMA)


def _identities(spec: PipelineSpec) -> list[list[str]]:
    """What makes rows belong together, the widest first; a row's whole content comes last."""
    entity = [spec.split.group] if spec.split.by == "group" and spec.split.group else []
    return [columns for columns in (entity, spec.key) if columns] + [list(spec.columns)]


def _by_time(
    batch: pa.RecordBatch, spec: PipelineSpec, official: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return whether each row is test, and whether it validates if it is not."""
    since, until = spec.split.validation_from, spec.split.test_from
    assert since is not None  # noqa: S101 - a spec that splits by time has all three.
    assert until is not None  # noqa: S101
    assert spec.event_time is not None  # noqa: S101
    times = batch.column(spec.event_time)
    if times.null_count:
        missing = np.flatnonzero(np.asarray(times.is_null()) & ~official)
        if len(missing):
            raise _timeless(batch, spec.event_time, int(missing[0]))
    instants = np.asarray(times.cast(TIMESTAMP).view(pa.int64()).fill_null(0))
    return instants >= _microseconds(until), instants >= _microseconds(since)


def _microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def _timeless(batch: pa.RecordBatch, column: str, row: int) -> SourceError:
    file, line = batch.column("source_file")[row], batch.column("source_line")[row]
    return SourceError(
        f"{file}:{line}: {column}: no value, and split.by is 'time'; "
        "correct the row, or split by 'row' or 'group'"
    )
