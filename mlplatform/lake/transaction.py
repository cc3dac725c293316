"""One Delta commit, exactly once: its token is its identity, and an exception means unknown, never failed."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.lake import faults
from mlplatform.lake.commit import OVERWRITE, Batch, Commit, to_metadata
from mlplatform.lake.log import Log
from mlplatform.lake.storage import Storage

DEADLINE_SECONDS = (
    60.0  # Of one commit with all its retries; then its outcome is reported as unknown.
)
_PAUSE_SECONDS = 0.05  # Grows with each attempt; random, so that racing writers part.
_PAUSE_LIMIT_SECONDS = 1.0
_CONFIGURATION = {
    "delta.enableExpiredLogCleanup": "false"
}  # The log is the lineage; nobody may tidy it away.


class UnknownOutcomeError(LakeError):
    """The commit may have happened or may still happen; only the log will tell."""


def commit_once(
    storage: Storage,
    log: Log,
    token: str,
    batch: Batch,
    compose: Callable[[Commit | None], Commit],
    *,
    whole_log: bool = False,
    expected: int | None = None,
) -> Commit:
    """Put one commit on the newest version, composed for it, and return it durable.

    Args:
        storage: Where the table lies.
        log: The table's log.
        token: Identity of the commit; a commit that carries it already is returned instead.
        batch: The data, written and durable.
        compose: Makes the commit for a parent; called again when another writer was faster.
        whole_log: Look for the token in the whole log, not only from the newest version on.
        expected: Number of the parent the data was made from (-1: no table yet); `None` takes whatever is newest.

    Raises:
        ConcurrentWriteError: If the parent is another one than `expected`; nothing was committed.
        LakeError: If the storage refuses, or the outcome is unknown when the deadline passes.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    since = 0 if whole_log else None
    failure, tried, attempts = None, -2, 0
    while True:
        try:
            parent = log.latest()
            number = parent.version.number if parent else -1
            since = max(number, 0) if since is None else since
            landed = log.find(token, since)
        except LakeError as error:
            if failure is None or isinstance(error, CorruptionError):
                raise
            if time.monotonic() > deadline:
                raise _unknown(storage, log.table, failure) from error
            time.sleep(_PAUSE_SECONDS)
            continue
        if landed is not None:
            storage.sync_commit(landed.version.table, landed.version.number)
            return landed
        if failure is not None:
            if number == tried and not storage.uncertain:
                raise _refused(storage, log.table, failure) from failure
            if time.monotonic() > deadline:
                raise _unknown(storage, log.table, failure) from failure
        if expected is not None and number != expected:
            raise _lost(log.table, parent, expected)
        failure, tried = _attempt(storage, parent, compose(parent), batch.schema), number
        if failure is not None:
            attempts += 1
            pause = min(_PAUSE_LIMIT_SECONDS, _PAUSE_SECONDS * attempts)
            time.sleep(random.uniform(0, pause))  # noqa: S311 - not for secrecy.


def _attempt(
    storage: Storage, parent: Commit | None, commit: Commit, schema: Any
) -> Exception | None:
    """Try to commit on exactly this parent; return what was raised, which says nothing about the outcome."""
    try:
        faults.point("before_commit")
        _transact(storage, parent, commit, schema)
        faults.point("after_commit")
    except Exception as error:  # Whatever it is, the log decides.
        return error
    return None


def _transact(storage: Storage, parent: Commit | None, commit: Commit, schema: Any) -> None:
    from deltalake import (
        CommitProperties,
        DeltaTable,
        PostCommitHookProperties,
        Schema,
        Transaction,
    )
    from deltalake.transaction import AddAction, create_table_with_add_actions

    version = commit.version
    uri, delta_schema = storage.uri(version.table), Schema.from_arrow(schema)
    added = [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values={},
            modification_time=int(version.committed_at.timestamp() * 1000),
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in commit.files
    ]
    properties = CommitProperties(
        custom_metadata=to_metadata(commit),
        max_commit_retries=0,  # A rebased commit would carry the wrong parent, rows and digest.
        app_transactions=[Transaction(version.lineage.asset, version.number)],
    )
    hooks = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
    if parent is None:
        create_table_with_add_actions(
            uri,
            delta_schema,
            added,
            mode="error",
            configuration=_CONFIGURATION,
            storage_options=storage.options,
            commit_properties=properties,
            post_commithook_properties=hooks,
        )
        return
    table = DeltaTable(uri, version=parent.version.number, storage_options=storage.options)
    table.create_write_transaction(
        list(added),
        "overwrite" if commit.kind == OVERWRITE else "append",
        delta_schema,
        commit_properties=properties,
        post_commithook_properties=hooks,
    )


def _lost(table: str, parent: Commit | None, expected: int) -> ConcurrentWriteError:
    if parent is None:
        return ConcurrentWriteError(
            f"table {table} does not exist, but version {expected} was expected"
        )
    winner = parent.version
    return ConcurrentWriteError(
        f"table {table} is at version {winner.number}, not {expected}: {winner.lineage.asset} wrote it in run "
        f"{winner.lineage.run_id}; nothing was written, read it and run again"
    )


def _refused(storage: Storage, table: str, failure: Exception) -> LakeError:
    return LakeError(
        f"cannot commit to {storage.uri(table)}: {_line(failure)}; nothing was committed"
    )


def _unknown(storage: Storage, table: str, failure: Exception) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        f"commit to {storage.uri(table)} has an unknown outcome after {DEADLINE_SECONDS:.0f} s: "
        f"{_line(failure)}; run again, a commit that landed is found and not repeated"
    )


def _line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0]
