"""Streams of record batches about the same rows: cut alike, checked against each other, mapped on both cores."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

from mlplatform.errors import SourceError

ROW_ID = "row_id"
AHEAD = 2  # Batches waiting for each worker: enough to keep it busy while rows are written.

Item = TypeVar("Item")
Made = TypeVar("Made")


def aligned(
    one: Iterable[pa.RecordBatch], other: Iterable[pa.RecordBatch], what: str
) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
    """Yield both streams in batches of the same rows, however each was cut; nothing is copied.

    Raises:
        SourceError: Saying `what` if their `row_id`s differ, or one has more rows.
    """
    left, right = _filled(one), _filled(other)
    a, b = next(left, None), next(right, None)
    while a is not None and b is not None:
        rows = min(a.num_rows, b.num_rows)
        first, second = a.slice(0, rows), b.slice(0, rows)
        if not first.column(ROW_ID).equals(second.column(ROW_ID)):
            raise SourceError(what)
        yield first, second
        a = a.slice(rows) if rows < a.num_rows else next(left, None)
        b = b.slice(rows) if rows < b.num_rows else next(right, None)
    if a is not None or b is not None:
        raise SourceError(what)


def parted(
    dataset: Iterable[pa.RecordBatch], split: Iterable[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Yield batches of `dataset` with the part of each of their rows.

    Raises:
        SourceError: If the two are not about the same rows in the same order.
    """
    wrong = "the split is not about the rows of this dataset; materialise it again"
    for rows, of_rows in aligned(dataset, split, wrong):
        yield rows, of_rows.column("part")


def skipped(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield what comes after the first `rows` rows."""
    left = rows
    for batch in batches:
        if left < batch.num_rows:
            yield batch.slice(left) if left else batch
        left = max(0, left - batch.num_rows)


def first_rows(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield the first `rows` rows, or as many as there are."""
    left = rows
    for batch in batches:
        if left <= 0:
            return
        yield batch.slice(0, left) if left < batch.num_rows else batch
        left -= batch.num_rows


def in_order(
    function: Callable[[Item], Made], items: Iterable[Item], threads: int
) -> Iterator[Made]:
    """Yield `function` of each item, in order; `threads` compute ahead, a few items at most."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="features")
    coming: deque[Future[Made]] = deque()
    try:
        for item in items:
            coming.append(pool.submit(function, item))
            if len(coming) > threads * AHEAD:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _filled(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    return (batch for batch in batches if batch.num_rows)
