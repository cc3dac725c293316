"""One Delta commit, exactly once.

Its token is its identity: an exception means that the outcome is unknown, never that it failed, and
only the log decides.
"""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.lake import entry, faults
from mlplatform.lake.commit import COMPACT, OVERWRITE, Batch, Commit, to_metadata
from mlplatform.lake.log import Log
from mlplatform.lake.storage import Storage

DEADLINE_SECONDS = 60.0  # Of a commit with all its retries; then its outcome is called unknown.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0  # Random, so that racing writers part.
CONFIGURATION = {"delta.enableExpiredLogCleanup": "false"}  # The log is the lineage: it stays.

Compose = Callable[[Commit | None], Commit]


class UnknownOutcomeError(LakeError):
    """The commit may have happened or may still happen; only the log will tell."""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """One look at the log: the newest commit, and the one that carries our token."""

    parent: Commit | None
    landed: Commit | None

    @property
    def number(self) -> int:
        return self.parent.version.number if self.parent else -1

    @property
    def version(self) -> int:
        """The number that readers know it by: a compaction has none of its own."""
        return self.parent.stands_for if self.parent else -1


def commit_once(
    storage: Storage,
    log: Log,
    token: str,
    batch: Batch,
    compose: Compose,
    *,
    whole_log: bool = False,
    expected: int | None = None,
) -> Commit:
    """Put one commit on the newest version, composed for it, and return it durable.

    Args:
        storage: Where the table lies.
        log: The table's log.
        token: Identity of the commit; one that carries it already is returned instead.
        batch: The data, written and durable.
        compose: Makes the commit for a parent; called again when another writer was faster.
        whole_log: Look for the token in the whole log, not only from the newest version on.
        expected: Number of the parent the data was made from, -1 for none; `None` takes any.

    Raises:
        ConcurrentWriteError: If the parent is not `expected`; nothing was committed.
        UnknownOutcomeError: If the deadline passes before the log answers.
        LakeError: If the storage refuses; nothing was committed.
    """
    deadline, attempts = time.monotonic() + DEADLINE_SECONDS, 0
    since = 0 if whole_log else max(log.newest(), 0)
    seen = _look(log, token, since)
    while seen.landed is None:
        if expected is not None and seen.version != expected:
            raise _lost(log.table, seen.parent, expected)
        failure = _attempt(storage, log, seen.parent, compose(seen.parent), batch)
        tried, seen = seen.number, _look_again(storage, log, token, since, deadline, failure)
        if seen.landed is None:
            if seen.number == tried and failure is not None and not storage.uncertain:
                raise _refused(storage, log.table, failure) from failure
            if time.monotonic() > deadline:
                raise _unknown(storage, log.table, failure) from failure
            attempts += 1
            _pause(attempts)
    storage.sync_commit(log.table, seen.landed.version.number)
    return seen.landed


def _look(log: Log, token: str, since: int) -> _Seen:
    parent = log.latest()
    return _Seen(parent=parent, landed=log.find([token], since).get(token))


def _look_again(
    storage: Storage,
    log: Log,
    token: str,
    since: int,
    deadline: float,
    failure: Exception | None,
) -> _Seen:
    """Look at the log after an attempt; that it cannot be reached leaves the outcome unknown."""
    while True:
        try:
            return _look(log, token, since)
        except CorruptionError:
            raise
        except LakeError as error:
            if time.monotonic() > deadline:
                raise _unknown(storage, log.table, failure or error) from error
            _pause(1)


def _pause(attempts: int) -> None:
    longest = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * attempts)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - not for secrecy.


def _attempt(
    storage: Storage, log: Log, parent: Commit | None, commit: Commit, batch: Batch
) -> Exception | None:
    """Try to commit on exactly this parent; return what was raised, which proves nothing."""
    try:
        faults.point("before_commit")
        if commit.kind == COMPACT and parent is not None:
            entry.write(storage, log.as_written(parent.version.number), commit)
        else:
            _transact(storage, parent, commit, batch)
        faults.point("after_commit")
    except Exception as error:  # Whatever it is, the log decides.
        return error
    return None


def _transact(storage: Storage, parent: Commit | None, commit: Commit, batch: Batch) -> None:
    from deltalake import (
        CommitProperties,
        DeltaTable,
        PostCommitHookProperties,
        Schema,
        Transaction,
    )
    from deltalake.transaction import AddAction, create_table_with_add_actions

    version = commit.version
    uri, schema = storage.uri(version.table), Schema.from_arrow(batch.schema)
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
            schema,
            added,
            mode="error",
            configuration=CONFIGURATION,
            storage_options=storage.options,
            commit_properties=properties,
            post_commithook_properties=hooks,
        )
        return
    table = DeltaTable(uri, version=parent.version.number, storage_options=storage.options)
    table.create_write_transaction(
        list(added),
        "overwrite" if commit.kind == OVERWRITE else "append",
        schema,
        commit_properties=properties,
        post_commithook_properties=hooks,
    )


def _lost(table: str, parent: Commit | None, expected: int) -> ConcurrentWriteError:
    if parent is None:
        return ConcurrentWriteError(
            f"there is no table {table}, but version {expected} was expected"
        )
    winner = parent.version
    return ConcurrentWriteError(
        f"table {table} is at version {winner.number}, not {expected}: {winner.lineage.asset} "
        f"wrote it in run {winner.lineage.run_id}; nothing was written, read it and run again"
    )


def _refused(storage: Storage, table: str, failure: Exception) -> LakeError:
    where = storage.uri(table)
    return LakeError(f"cannot commit to {where}: {_line(failure)}; nothing was committed")


def _unknown(storage: Storage, table: str, failure: Exception | None) -> UnknownOutcomeError:
    why = _line(failure) if failure else "the log does not show it"
    return UnknownOutcomeError(
        f"commit to {storage.uri(table)} has an unknown outcome after {DEADLINE_SECONDS:.0f} s: "
        f"{why}; run again, a commit that landed is found and not repeated"
    )


def _line(failure: Exception) -> str:
    return (str(failure).splitlines() or [type(failure).__name__])[0]
