"""Daft on Ray: workers read groups of a dataset's rows and map the batch function over them.

Every row carries its place in the table, for results come back in any order. The files were
verified by this process before workers read them.
"""

import importlib.util
import json
import logging
import os
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlplatform.errors import FeatureError
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.engine import Mapped
from mlplatform.features.statistics import Statistics
from mlplatform.features.table_rows import ROW_ID, aligned

if TYPE_CHECKING:
    from mlplatform.features.engine_daft_worker import Group
    from mlplatform.lake import Table, Version

# Neither library shall tell its maker that it is used.
QUIET = {"SCARF_NO_ANALYTICS": "true", "RAY_USAGE_STATS_ENABLED": "0"}
CPU = "CPU"  # What Ray calls this resource.


class Daft:
    """Maps over the rows of one dataset version.

    Args:
        table: The dataset.
        version: What of it.
        address: Of the Ray cluster; empty starts one on this machine, which ends with the process.

    Raises:
        FeatureError: If Daft or Ray is not installed.
    """

    reads_rows = False

    def __init__(self, table: "Table", version: "Version", address: str = "") -> None:
        for module in ("daft", "ray"):
            if importlib.util.find_spec(module) is None:
                raise FeatureError(
                    f"engine 'daft' needs the package {module}; install mlplatform[ray], or set the"
                    " engine to 'local'"
                )
        self._table, self._version, self._address = table, version, address

    def map(
        self, function: BatchFunction, batches: Iterable[pa.RecordBatch], first_row: int = 0
    ) -> Iterator[Mapped]:
        """Yield all rows in order: those of the version from `first_row` on."""
        counted: list[Statistics] = []
        wrong = f"{self._table.name}: workers read other rows than this process"
        for rows, made in aligned(batches, self._made(function, first_row, counted), wrong):
            said = Statistics()
            for one in counted:
                said.add(one)
            counted.clear()
            yield Mapped(rows, made.drop_columns([ROW_ID]), said)

    def _made(
        self, function: BatchFunction, first_row: int, counted: list[Statistics]
    ) -> Iterator[pa.RecordBatch]:
        """Yield row_id and features in order; what the workers counted goes to `counted`."""
        os.environ.update(QUIET)  # Read when they are imported.
        from mlplatform.features.engine_daft_worker import NOTE, PLACE, frame

        groups, stored = self._groups(first_row)
        if not groups:
            return
        read = pa.schema([stored.field(name) for name in (ROW_ID, *function.reads)])
        rows = frame(groups, read, function, _workers(self._address))
        for batch in _ordered(rows.to_arrow_iter(), PLACE, first_row):
            _hear(batch.column(NOTE), counted)
            yield batch.drop_columns([PLACE, NOTE])

    def _groups(self, first_row: int) -> "tuple[list[Group], pa.Schema]":
        """Return the groups with rows from `first_row` on, and the columns stored."""
        from mlplatform.features.engine_daft_worker import Group

        filesystem, paths, stored = self._table.parquet(self._version)
        groups, first = [], 0
        for path in paths:
            with filesystem.open_input_file(path) as stream:
                told = pq.read_metadata(stream)
            for number in range(told.num_row_groups):
                rows = told.row_group(number).num_rows
                if first + rows > first_row:
                    skip = max(0, first_row - first)
                    groups.append(Group(filesystem, path, number, first + skip, skip))
                first += rows
        return groups, stored


def _hear(notes: pa.Array, counted: list[Statistics]) -> None:
    """Take the statistics that batches brought; the first error is the table's."""
    for note in notes.drop_null().to_pylist():
        said = json.loads(note)
        if "error" in said:
            raise FeatureError(said["error"])
        counted.append(Statistics.from_json(said["statistics"].encode()))


def _ordered(batches: Iterable[pa.RecordBatch], place: str, first: int) -> Iterator[pa.RecordBatch]:
    """Yield rows by their `place`, counted from `first`; what comes too early waits."""
    waiting: list[tuple[int, pa.RecordBatch]] = []
    for batch in batches:
        for piece in _runs(batch, place):
            heappush(waiting, piece)  # No two pieces begin at the same place.
        while waiting and waiting[0][0] == first:
            _, piece = heappop(waiting)
            first += piece.num_rows
            yield piece
    while waiting:  # Rows are lacking: whoever compares them finds out.
        yield heappop(waiting)[1]


def _runs(batch: pa.RecordBatch, place: str) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a batch where its places do not follow one another: several groups may share one."""
    places = batch.column(place).to_numpy()
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1).tolist()
    for start, end in zip(starts, [*starts[1:], len(places)], strict=True):
        yield int(places[start]), batch.slice(start, end - start)


def _workers(address: str) -> int:
    """Return how many CPUs the cluster has that this call starts, or joins, if there is none yet."""
    import ray

    if not ray.is_initialized():
        where: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
        try:
            ray.init(
                **where,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env={"env_vars": QUIET},
            )
        except (ConnectionError, RuntimeError, ValueError) as wrong:
            said = str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__
            raise FeatureError(
                f"engine 'daft': no Ray cluster at {address or 'this machine'}: {said}"
            ) from None
    import daft

    daft.set_runner_ray(noop_if_initialized=True)
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call] # Ray's.
    return max(1, int(resources.get(CPU, 1)))
