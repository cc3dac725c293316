"""Named points between the steps of a write, where a test can kill, fail or race the process.

A point does nothing unless a test sets `hook` in the same process; no setting of a deployed program
reaches it.
"""

from collections.abc import Callable

POINTS = (
    "data_written",  # The Parquet file is durable, nothing names it yet.
    "before_commit",  # The commit is built on a parent that others may still replace.
    "after_commit",  # The commit is in the log, nobody has been told.
    "artifact_written",  # Every byte of an artifact is durable under a temporary name.
    "pin_written",  # A pin's bytes are durable under a temporary name.
    "compacted",  # The compacted file is durable and read back, nothing names it yet.
    "vacuum_recorded",  # What goes is written down, nothing has gone.
    "vacuum_removed",  # One more file or artifact has gone.
)

hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Call the hook, if a test has set one, with the name of this point."""
    if hook is not None:
        hook(name)
