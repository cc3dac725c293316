"""A lake of many registered models, in real commits that wait for no disk: what `explain_speed.py` asks about."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from mlplatform.lake import Lake, Lineage, Version
from mlplatform.lake.commit import APPEND, OVERWRITE, Batch, Commit, compose, to_metadata
from mlplatform.lake.local import LocalStorage
from mlplatform.lake.parquet import columns_of, write
from mlplatform.lake.storage import log_file
from mlplatform.rollout.traffic import Kind
from mlplatform_tests.provenance.registered import Durable, Registered

LANDINGS = 500  # More would make `dataset` longer than its models are many.


def make(root: Path, models: int) -> str:
    """Make the lake and return the digest of the model in the middle.

    Every model is a canary, then the champion. A file lands before each of the first `LANDINGS`.
    """
    os.fsync = lambda _: None  # type: ignore[assignment]  # The lake is thrown away; nothing here is for a crash.
    lake = Lake(root)
    pipeline = Registered(Quick(lake, LocalStorage(root)))
    middle = ""
    for number in range(1, models + 1):
        if number <= LANDINGS:
            pipeline.land()
        else:
            again(pipeline)
        model = pipeline.model(auc=0.9 + number / models / 20)
        middle = model.digest if number == models // 2 else middle
        first = number == 1
        for kind in (Kind.DEPLOYED,) if first else (Kind.CANARY, Kind.PROMOTED):
            pipeline.event(kind, model)
    checkpoints(root)
    return middle


def again(pipeline: Registered) -> None:
    """Write the newest dataset, split and features once more, as a walk after a change of code does."""
    ids = pa.table({"row_id": pa.array(range(pipeline.landed * 5), pa.int64())})
    for noun, read in (
        ("dataset", ["source"]),
        ("split", ["dataset"]),
        ("features", ["dataset", "split"]),
    ):
        name = f"{pipeline.name}/{noun}"
        table = ids.append_column(noun, ids.column(0))
        pipeline.data[noun] = pipeline.writer.overwrite(name, table, pipeline.lineage(noun, *read))


def checkpoints(root: Path) -> None:
    """Write each table's Delta checkpoint, which also proves that delta-rs reads its log."""
    from deltalake import DeltaTable

    for log in root.glob("*/*/_delta_log"):
        DeltaTable(str(log.parent)).create_checkpoint()


@dataclass
class Quick:
    """Writes commits as delta-rs does, without asking it: it reads the whole log first, ten thousand times."""

    lake: Lake
    storage: LocalStorage
    newest: dict[str, Commit] = field(default_factory=dict)
    alive: dict[str, str] = field(default_factory=dict)
    stored: dict[bytes, str] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)

    def append(self, table: str, rows: pa.Table, lineage: Lineage, token: str) -> Version:
        """Add rows."""
        return self._commit(APPEND, table, rows, lineage, token)

    def overwrite(self, table: str, rows: pa.Table, lineage: Lineage) -> Version:
        """Replace rows."""
        token = f"{table}:{len(self.newest)}:{self._number(table)}"
        return self._commit(OVERWRITE, table, rows, lineage, token)

    def put(self, files: Mapping[str, bytes]) -> str:
        """Store an artifact, one of equal content once."""
        key = json.dumps(
            [[n, hashlib.sha256(d).hexdigest()] for n, d in sorted(files.items())]
        ).encode()
        if key not in self.stored:
            self.stored[key] = self.lake.artifacts.put(files)
        return self.stored[key]

    def _number(self, table: str) -> int:
        return self.newest[table].version.number + 1 if table in self.newest else 0

    def _commit(
        self, kind: str, table: str, rows: pa.Table, lineage: Lineage, token: str
    ) -> Version:
        if table not in self.newest:
            durable = Durable(self.lake)
            first = (
                durable.append(table, rows, lineage, token)
                if kind == APPEND
                else durable.overwrite(table, rows, lineage)
            )
            self.newest[table] = self.lake.peek(table).commit(0)
            return first
        parent = self.newest[table]
        batch = self._written(table, rows)
        commit = compose(kind, table, token, batch, lineage, parent)
        self._log(commit, [f.path for f in parent.files] if kind == OVERWRITE else [])
        self.newest[table] = commit
        return commit.version

    def _written(self, table: str, rows: pa.Table) -> Batch:
        """Return the rows in a file; rows that the table had before in a link to it."""
        known = hashlib.sha256(repr((table, rows.num_rows, rows.nbytes)).encode()).hexdigest()
        if rows.num_rows <= 1 or known not in self.batches:
            batch = write(self.storage, table, rows)
            self.batches[known] = batch
            return batch
        return _linked(self.storage, table, self.batches[known], rows)

    def _log(self, commit: Commit, removed: list[str]) -> None:
        at = int(commit.version.committed_at.timestamp() * 1000)
        file = commit.files[0]
        add = {
            "path": file.path, "partitionValues": {}, "size": file.bytes, "modificationTime": at,
            "dataChange": True, "stats": json.dumps({"numRecords": file.rows}),
        }  # fmt: skip
        info = {"timestamp": at, "operation": "WRITE", "engineInfo": "benchmark"}
        actions = [
            {"commitInfo": {**info, **to_metadata(commit)}},
            {"add": add},
            *(
                {"remove": {"path": path, "deletionTimestamp": at, "dataChange": True}}
                for path in removed
            ),
            {"txn": {"appId": commit.version.lineage.asset, "version": commit.version.number}},
        ]
        lines = "\n".join(json.dumps(action, separators=(",", ":")) for action in actions)
        log = Path(self.storage.uri(f"{commit.version.table}/_delta_log"))
        (log / log_file(commit.version.number)).write_text(lines)


def _linked(storage: LocalStorage, table: str, batch: Batch, rows: pa.Table) -> Batch:
    """Return a batch of the same bytes under a name of its own."""
    from dataclasses import replace
    from uuid import uuid4

    path = f"part-{uuid4().hex}.parquet"
    Path(storage.uri(f"{table}/{path}")).hardlink_to(storage.uri(f"{table}/{batch.file.path}"))
    return replace(batch, file=replace(batch.file, path=path), columns=columns_of(rows.schema))
