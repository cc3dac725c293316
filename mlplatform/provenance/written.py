"""The commits that wrote a version's rows, also those below a compaction, which brings none itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplatform.lake.commit import COMPACT

if TYPE_CHECKING:
    from mlplatform.lake.commit import Commit
    from mlplatform.lake.peek import Peek

COUNTED = 100  # Compactions that are looked behind; each is two log entries to read.


def written(table: "Peek", number: int, after: int = -1) -> Iterator["Commit"]:
    """Yield the commits that wrote a version, newest first, down to its replacement or past another version."""
    for each in range(number, after, -1):
        commit = table.commit(each)
        if commit.kind == COMPACT:
            continue
        yield commit
        if commit.base == each:
            return


def earlier(table: "Peek", number: int, after: int = -1) -> int:
    """Return how many of the commits that wrote a version came before it and after another.

    Behind the newest `COUNTED` compactions every log entry counts as one.
    """
    count = 0
    for _ in range(COUNTED):
        base = table.commit(number).base
        if base <= after:
            break
        count += number - base
        below = table.commit(base)
        if below.kind != COMPACT:
            return count
        number = below.stands_for
    return max(count + number - after - 1, 0)


def continues(table: "Peek", number: int, first: int) -> bool:
    """Whether a version has all rows of an earlier one, and in front of its own."""
    while table.commit(number).base > first:
        below = table.commit(table.commit(number).base)
        if below.kind != COMPACT:
            return False
        number = below.stands_for
    return True
