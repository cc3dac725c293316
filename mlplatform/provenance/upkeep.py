"""Upkeep of a lake's tables: each is compacted in the way that keeps what was made from it the same."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
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
    """Compact these tables one after the other, and yield what became of each.

    Raises:
        LakeError: If a table could not be compacted, as of `compaction.optimize`; the others were.
    """
    wrong = []
    for name in tables:
        grouped = name.rpartition("/")[2] in GROUPED
        try:
            yield of_table(lake.table(name), by, least_files=least_files, same_groups=grouped)
        except LakeError as error:
            wrong.append(error)
    if wrong:
        more = f" (and {len(wrong) - 1} more tables)" if len(wrong) > 1 else ""
        raise type(wrong[0])(f"{wrong[0]}{more}; the other tables were compacted") from wrong[0]
