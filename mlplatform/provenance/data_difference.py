"""What differs between the data of two models: versions, rows that came and went, files that landed between."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError
from mlplatform.provenance.steps import LandedFile, Step, landed_files
from mlplatform.provenance.story import Story
from mlplatform.provenance.written import continues

if TYPE_CHECKING:
    import numpy as np

    from mlplatform.lake import Lake

ROW_ID = (
    "row_id"  # `mlplatform.features.table_rows.ROW_ID`: names a row in every version of `dataset`.
)
LARGEST_BYTES = 256 << 20  # Of both versions together: what is read and compared in about a second.
LANDED = 1_000  # Commits between two versions of a source that are looked at.


@dataclass(frozen=True, kw_only=True)
class TableChange:
    """One table's versions.

    Attributes:
        table: Name without the pipeline.
        before: Reference of the one; empty where that model has none.
        after: Reference of the other.
        rows: How many each has; None where that cannot be read.
        same: Whether their content is equal.
        added: Rows that only the other has; None where that was not compared.
        removed: Rows that only the one has.
        note: Why they were not compared, or how.
    """

    table: str
    before: str
    after: str
    rows: tuple[int | None, int | None]
    same: bool
    added: int | None = None
    removed: int | None = None
    note: str = ""


def table_changes(lake: "Lake", one: Story, other: Story) -> list[TableChange]:
    """Return every table that either model was made from, in the order of the walk."""
    before, after = _by_noun(one), _by_noun(other)
    names = list(dict.fromkeys([*before, *after]))
    return [_table(lake, name, before.get(name), after.get(name)) for name in names]


def landed_between(lake: "Lake", one: Story, other: Story) -> tuple[list[LandedFile], str]:
    """Return the files that landed in the source tables after the older version up to the newer, and what to know."""
    before, after = _by_noun(one), _by_noun(other)
    found: list[LandedFile] = []
    notes = []
    for name, step in after.items():
        old = before.get(name)
        if old is None or step.inputs or old.table != step.table or step.problem or old.problem:
            continue
        first, last = sorted((old, step), key=lambda each: each.number)
        try:
            files, left = landed_files(lake, last, LANDED, first.number)
        except LakeError as wrong:
            notes.append(str(wrong))
            continue
        found += files
        if left:
            notes.append(f"the newest {LANDED:,} of {LANDED + left:,} commits")
        if old.number > step.number:
            notes.append(f"{name} is older in the second model: these are in the first alone")
    return found, "; ".join(notes)


def _by_noun(story: Story) -> Mapping[str, Step]:
    prefix = f"{story.pipeline}/"
    return {step.table.removeprefix(prefix): step for step in story.steps}


def _table(lake: "Lake", name: str, old: Step | None, new: Step | None) -> TableChange:
    said: dict[str, Any] = {
        "table": name,
        "before": old.reference if old else "",
        "after": new.reference if new else "",
        "rows": tuple(step.rows if step and step.digest else None for step in (old, new)),
    }
    if old is None or new is None or old.problem or new.problem:
        why = "only one has it" if not (old and new) else (old.problem or new.problem)
        return TableChange(**said, same=False, note=why)
    if (old.digest, old.rows) == (new.digest, new.rows):
        return TableChange(**said, same=True, added=0, removed=0)
    return TableChange(**said, same=False, **_rows(lake, old, new))


def _rows(lake: "Lake", old: Step, new: Step) -> dict[str, Any]:
    """Return how many rows came and went: by the log where one version continues the other, else by row id."""
    try:
        first, last = sorted((old, new), key=lambda step: step.number)
        if old.table == new.table and continues(lake.peek(last.table), last.number, first.number):
            more = last.rows - first.rows
            return {"added": more, "removed": 0} if new is last else {"added": 0, "removed": more}
        if ROW_ID not in old.columns or ROW_ID not in new.columns or not _data(old):
            return {}
        return _by_row_id(lake, old, new)
    except LakeError as wrong:
        return {"note": str(wrong)}


def _by_row_id(lake: "Lake", old: Step, new: Step) -> dict[str, Any]:
    import numpy as np

    size = sum(_bytes(lake, step) for step in (old, new))
    if size > LARGEST_BYTES:
        return {"note": f"not compared row by row: {size / 2**20:,.0f} MiB"}
    one, other = _ids(lake, old), _ids(lake, new)
    added, removed = np.setdiff1d(other, one), np.setdiff1d(one, other)
    return {"added": len(added), "removed": len(removed), "note": "rows counted by their ids"}


def _data(step: Step) -> bool:
    """Whether the table's rows are data: rows of split and features are those of dataset, computed anew."""
    return step.noun == "dataset"


def _bytes(lake: "Lake", step: Step) -> int:
    table = lake.peek(step.table)
    return sum(f.bytes for n in table.chain(step.number) for f in table.commit(n).files)


def _ids(lake: "Lake", step: Step) -> "np.ndarray":
    """Return int64[rows]; from the buffers themselves, since pyarrow's own way imports pandas (1 s)."""
    import numpy as np

    chunks = lake.peek(step.table).rows(step.number, [ROW_ID]).column(0).chunks
    parts = [np.frombuffer(c.buffers()[1], np.int64)[c.offset : c.offset + len(c)] for c in chunks]
    return np.concatenate([np.empty(0, np.int64), *parts])
