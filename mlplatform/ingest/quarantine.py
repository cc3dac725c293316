"""Records that could not become rows: kept beside the source, counted by what a version holds."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.chunk import QUARANTINE
from mlplatform.ingest.landed import Landed, landed
from mlplatform.ingest.spill import Rejects
from mlplatform.measures import Example, Malformed
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Table, Version

NOUN = "quarantine"  # The table's name in the pipeline.
SCHEMA = QUARANTINE.append(pa.field("landing", pa.string()))  # Identity of file and reading.
EXAMPLES = 5


def append(table: "Table", rejects: Rejects, landing: str, lineage: "Lineage") -> "Version":
    """Keep the rejected records of one file, once however often it is retried."""
    reader = rejects.reader(landing, SCHEMA)
    return table.append(reader, replace(lineage, asset=table.name), token=landing)


def malformed(lake: "Lake", pipeline: Pipeline, version: "Version") -> Malformed:
    """Return what was rejected of the files that this version of `source` holds.

    Records of files that were replaced or withdrawn since do not count, though they stay in the
    quarantine. Reasons name the column and no value; examples say all.
    """
    state = landed(lake.table(pipeline.table("source")), version)
    reasons: Counter[str] = Counter()
    for file in state.files.values():
        reasons.update(file.reasons)
    by_file = {f.name: (f.rejected, f.rows + f.rejected) for f in state.files.values()}
    return Malformed(
        rows=sum(rows for _, rows in by_file.values()),
        rejected=sum(rejected for rejected, _ in by_file.values()),
        by_file=by_file,
        reasons=dict(reasons.most_common()),
        examples=_examples(lake.table(pipeline.table(NOUN)), state),
    )


def _examples(table: "Table", state: Landed) -> list[Example]:
    meant = {f.identity(state.reading) for f in state.files.values() if f.rejected}
    found: list[Example] = []
    for row in _records(table, meant) if meant else ():
        found.append({name: row[name] for name in QUARANTINE.names})
        if len(found) == EXAMPLES:
            break
    return found


def _records(table: "Table", landings: set[str]) -> Iterator[dict[str, str | int | None]]:
    wanted = pa.array(sorted(landings))
    for batch in table.batches():
        yield from batch.filter(pc.is_in(batch.column("landing"), wanted)).to_pylist()
