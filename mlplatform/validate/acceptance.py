"""Which dataset versions passed their gates: what later ones are compared with, `<pipeline>/accepted`."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.validate import schema
from mlplatform.validate.record import FILES, FileSeen

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.spec import Pipeline
    from mlplatform.validate.record import Profile

ACCEPTED_SCHEMA = pa.schema(
    {
        "dataset": pa.string(),
        "dataset_digest": pa.string(),
        "rows": pa.int64(),
        "files": FILES,
        "statistics": pa.string(),
        "scan": pa.string(),
        "schema": pa.string(),
    }
)


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """One dataset version that passed its gates: its files, and the artifacts of its profile."""

    dataset: str
    dataset_digest: str
    rows: int
    files: tuple[FileSeen, ...]
    statistics: str
    scan: str
    schema: str


def newest(lake: "Lake", pipeline: "Pipeline") -> Acceptance | None:
    """Return the dataset version accepted last, or `None` when none ever was."""
    return next(_newest_first(lake, pipeline), None)


def before(lake: "Lake", pipeline: "Pipeline", dataset: "Version") -> Acceptance | None:
    """Return the newest accepted version with other content than `dataset`, if there is one.

    What `dataset` is compared with, so it stays the same when `dataset` itself is accepted.
    """
    others = (a for a in _newest_first(lake, pipeline) if a.dataset_digest != dataset.digest)
    return next(others, None)


def of(lake: "Lake", pipeline: "Pipeline", dataset: "Version") -> Acceptance | None:
    """Return the newest acceptance of this very content, or `None` if it never passed."""
    same = (a for a in _newest_first(lake, pipeline) if a.dataset_digest == dataset.digest)
    return next(same, None)


def accept(lake: "Lake", pipeline: "Pipeline", judged: "Profile", lineage: "Lineage") -> Acceptance:
    """Write down that a dataset version passed its gates; the very first also pins the schema.

    To be called only after every blocking gate of the version passed. Accepting what was accepted
    last changes nothing.

    Raises:
        ConcurrentWriteError: If another version was accepted meanwhile; nothing is accepted then.
    """
    lineage = replace(lineage, inputs={pipeline.table("dataset"): judged.dataset})
    schema.pin(lake, pipeline, judged, lineage)
    table = lake.table(pipeline.table("accepted"))
    parent = table.latest()
    last = next(_newest_first(lake, pipeline, parent), None)
    if last is not None and last.dataset_digest == judged.dataset_digest:
        return last
    names = ("dataset", "dataset_digest", "rows", "files", "statistics", "scan", "schema")
    row = Acceptance(**{name: getattr(judged, name) for name in names})
    # After the version that was the newest, so that going back to older content counts again.
    after = parent.number if parent else -1
    token = f"{row.dataset_digest}-after-{after}"
    rows = pa.Table.from_pylist([asdict(row)], ACCEPTED_SCHEMA)
    table.append(rows, lineage, token=token, expected=after)
    return row


def _newest_first(
    lake: "Lake", pipeline: "Pipeline", version: "Version | None" = None
) -> Iterator[Acceptance]:
    table = lake.table(pipeline.table("accepted"))
    version = version or table.latest()
    rows = table.read(version).to_pylist() if version else []
    for row in reversed(rows):
        yield Acceptance(**{**row, "files": tuple(FileSeen(**file) for file in row["files"])})
