"""Upkeep of a lake's tables: each is compacted in the way that keeps what was made from it the same."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlplatform.lake.compaction import MANY_FILES, Optimized
from mlplatform.lake.compaction import optimize as of_table

if TYPE_CHECKING:
    from mlplatform.lake import Lake

# A training in a stream takes rows by the groups of their files, see `train.groups`: made again
# from a compacted version it must meet the same ones.
GROUPED = ("features",)


def optimize(
    lake: "Lake", tables: Iterable[str], by: str, least_files: int = MANY_FILES
) -> Iterator[Optimized]:
    """Compact these tables one after the other, and yield what became of each; errors as of `compaction.optimize`."""
    for name in tables:
        grouped = name.rpartition("/")[2] in GROUPED
        yield of_table(lake.table(name), by, least_files=least_files, same_groups=grouped)
