"""A log entry written by us and not by delta-rs, which cannot say that files change and rows do not.

By the Delta protocol (delta.io, PROTOCOL.md, "Add File and Remove File"): actions with `dataChange`
false rearrange rows, and a file that is added again under its path replaces what was said of it.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlplatform.errors import ConcurrentWriteError
from mlplatform.lake.commit import Commit, DataFile, to_metadata
from mlplatform.lake.storage import Storage, log_file

OPERATION = "OPTIMIZE"  # As Delta's own compaction calls itself.


def write(storage: Storage, below: Sequence[Commit], commit: Commit) -> None:
    """Put a compaction on the commits whose files it replaces, durable, unless the place is taken.

    Raises:
        ConcurrentWriteError: If another commit has its number; nothing was written.
        LakeError: If the storage refuses; on S3 it may have happened all the same.
    """
    path = f"{commit.version.table}/_delta_log/{log_file(commit.version.number)}"
    if not storage.create(path, to_bytes(below, commit)):
        raise ConcurrentWriteError(f"{storage.uri(path)} is another commit's")


def to_bytes(below: Sequence[Commit], commit: Commit) -> bytes:
    """Return the lines of the entry: who and why, every file there is from now on, and those that go."""
    kept = {file.path for file in commit.files}
    gone = [f for c in below for f in c.files if f.path not in kept]
    milliseconds = int(commit.version.committed_at.timestamp() * 1000)
    actions = [_info(commit, milliseconds), *_adds(commit.files, milliseconds)]
    actions += [_remove(file, milliseconds) for file in gone]
    lines = (json.dumps(action, separators=(",", ":")) for action in actions)
    return "".join(f"{line}\n" for line in lines).encode()


def _info(commit: Commit, milliseconds: int) -> dict[str, Any]:
    says = {"timestamp": milliseconds, "operation": OPERATION, "operationParameters": {}}
    return {"commitInfo": says | to_metadata(commit)}


def _adds(files: Sequence[DataFile], milliseconds: int) -> Iterator[dict[str, Any]]:
    for file in files:
        add: dict[str, Any] = {"path": file.path, "partitionValues": {}, "size": file.bytes}
        add |= {"modificationTime": milliseconds, "dataChange": False}
        yield {"add": add | {"stats": json.dumps({"numRecords": file.rows})}}


def _remove(file: DataFile, milliseconds: int) -> dict[str, Any]:
    remove: dict[str, Any] = {"path": file.path, "deletionTimestamp": milliseconds}
    remove |= {"dataChange": False, "extendedFileMetadata": True, "partitionValues": {}}
    return {"remove": remove | {"size": file.bytes}}
