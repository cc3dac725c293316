"""Lands a source of any kind in the `source` table: each file, batch or version exactly once.

Everything is read, in constant memory, before anything is committed: what cannot be understood
keeps all of it out, and single records that cannot become rows go to quarantine. A landing that was
killed or repeated ends in the same tables.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import ConcurrentWriteError, SourceError
from mlplatform.ingest.access import Access, needs_s3
from mlplatform.ingest.chunk import rows_schema
from mlplatform.ingest.files import plan_file
from mlplatform.ingest.landed import Landed, files_of, identities_of, landed, reading
from mlplatform.ingest.landing import Place, carry_out
from mlplatform.ingest.parts import Kept, Plan, TableRows
from mlplatform.ingest.quarantine import NOUN, malformed
from mlplatform.ingest.readers import planner
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.source import FileSource

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Table, Version

__all__ = [
    "Access",
    "files_of",
    "identities_of",
    "land",
    "land_file",
    "malformed",
    "needs_s3",
    "withdraw_file",
]

NAMED = 10  # Batches told of in a message.
TRIES = 5  # Of a landing that others overtake.


def land(
    pipeline: Pipeline, lake: "Lake", lineage: "Lineage", access: Access | None = None
) -> "Version":
    """Land what the source has and the table has not, and return the version after that.

    Rows have the declared columns in their types, `source_file` and `source_line`. With `append`
    and `upsert` each new file or batch is one commit; what replaces rows is a single one.

    Raises:
        SourceError: If something is missing, cannot be read or understood, or changed while it was
            read; then nothing lands.
    """
    given = access or Access()
    version = _landing(
        pipeline,
        lake,
        lineage,
        lambda table, state: planner(pipeline.spec)(pipeline, table, state, given),
    )
    if version is None:
        raise SourceError(f"{pipeline.table('source')}: the source has nothing to land")
    return version


def land_file(
    pipeline: Pipeline,
    path: Path | str,
    lake: "Lake",
    lineage: "Lineage",
    access: Access | None = None,
) -> "Version":
    """Land one more file of labelled rows, and return the version that brought it.

    Raises:
        SourceError: If it cannot be read, another file of this name has landed, or its bytes have
            under another name.
    """
    given, place = access or Access(), str(path)
    if not place.startswith("s3://"):
        place = str(Path(place).absolute())
    _landing(pipeline, lake, lineage, lambda _, state: plan_file(pipeline, place, state, given))
    return landed(lake.table(pipeline.table("source"))).versions[place.rpartition("/")[2]]


def withdraw_file(pipeline: Pipeline, name: str, lake: "Lake", lineage: "Lineage") -> "Version":
    """Take the rows of a landed batch out again, in one commit; versions before it keep them.

    How far the source was read stays: a batch of a query, table or function does not come again. A
    file that a command landed can be landed again.

    Raises:
        SourceError: If no batch of this name has landed, or the next landing would bring it again:
            a declared file is taken out of the spec, a full load is corrected where it comes from.
    """
    import pyarrow.compute as pc

    table = lake.table(pipeline.table("source"))
    state = landed(table)
    batches = _batches(pipeline.spec, table, state)
    if name not in batches:
        if name in state.files and isinstance(pipeline.spec.source, FileSource):
            raise SourceError(f"{table.name}: {name!r} is declared; take it out of source.files")
        known = ", ".join(batches[-NAMED:]) or "none"
        raise SourceError(f"{table.name}: no batch {name!r} has landed; the last ones: {known}")
    withdrawn = [*state.withdrawn, *([name] if state.files[name].declared else [])]
    schema = table.read(state.newest, where=pc.scalar(False)).schema  # noqa: FBT003 - of no row.
    rows = TableRows(table, state)
    kept = [Kept(file, rows) for file in state.files.values() if file.name != name]
    place = Place(table, table, schema, state.reading)
    plan = Plan(kept, replace=True, mark=state.mark, withdrawn=withdrawn)
    version = carry_out(plan, place, state, lineage)
    assert version is not None  # noqa: S101 - a replacement always commits.
    return version


def _batches(spec: PipelineSpec, table: "Table", state: Landed) -> list[str]:
    """Return the names of what can be withdrawn, sorted."""
    source = spec.source
    if isinstance(source, FileSource):
        return sorted(known.name for known in state.files.values() if not known.declared)
    if source.load == "full":
        raise SourceError(
            f"{table.name}: is loaded in full, which would bring the rows again; "
            "correct them in the source and load it"
        )
    if state.newest is not None and state.reading != reading(spec):
        raise SourceError(
            f"{table.name}: `source` or `columns` changed since it landed, so everything is read "
            "again; materialise that first"
        )
    return sorted(state.files)


def _landing(
    pipeline: Pipeline,
    lake: "Lake",
    lineage: "Lineage",
    plan: Callable[["Table", Landed], Plan],
) -> "Version | None":
    """Plan and carry out; when another landing comes first, look again and plan anew."""
    table = lake.table(pipeline.table("source"))
    quarantine = lake.table(pipeline.table(NOUN))
    place = Place(table, quarantine, rows_schema(pipeline.spec), reading(pipeline.spec))
    for attempt in range(TRIES):
        state = landed(table)
        try:
            return carry_out(plan(table, state), place, state, lineage)
        except ConcurrentWriteError:
            if attempt == TRIES - 1:
                raise
    return None
