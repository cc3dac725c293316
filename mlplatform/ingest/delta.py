"""Another Delta table as a source: its snapshot, or the files added since it last landed."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError, SourceError
from mlplatform.ingest.access import Access
from mlplatform.ingest.batch_part import BatchPart, nothing_new, same_as
from mlplatform.ingest.landed import Landed, reading
from mlplatform.ingest.parts import Plan
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.source import DeltaSource

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Table
    from mlplatform.lake.foreign import ForeignFile, ForeignTable


def plan_delta(pipeline: Pipeline, table: "Table", landed: Landed, access: Access) -> Plan:
    """Return what lands the table's newest version.

    `append` and `upsert` land the files added since the version that landed last, as one batch
    named `<table>@<version>`, or, where versions brought no row (OPTIMIZE), only record that they were
    seen: the source may forget them; `full` lands the whole snapshot when it differs. With `upsert`, rows
    that were rewritten land again and win by their key; deleted ones stay.

    Raises:
        SourceError: If there is no such table, it is not the one that landed, or, with `append`,
            rows were removed or rewritten meanwhile.
    """
    spec, source = pipeline.spec, pipeline.spec.source
    assert isinstance(source, DeltaSource)  # noqa: S101 - chosen by kind.
    with _explained():
        from mlplatform.lake.foreign import ForeignTable

        s3 = source.table.startswith("s3://")
        uri = source.table.rstrip("/") if s3 else str(pipeline.folder / source.table)
        foreign = ForeignTable(uri, access.s3)
        anew = landed.newest is not None and landed.reading != reading(spec)
        before = {} if anew or not landed.mark else json.loads(landed.mark)
        if before == _mark(foreign):
            return Plan()
        if source.load == "full":
            part = _part(_name(foreign), foreign, foreign.files(), spec)
            return Plan([part], replace=True, unless=same_as(landed, spec))
        files = _since(before, foreign, source) if before else foreign.files()
        identity = hashlib.sha256(json.dumps([before, _mark(foreign)]).encode()).hexdigest()
        name = f"{_name(foreign)}@{foreign.version}"
        part = _part(name, foreign, files, spec, identity)
        return Plan([part], replace=anew, unless=nothing_new(landed), follow=not anew)


def _mark(foreign: "ForeignTable") -> dict[str, str | int]:
    return {"id": foreign.id, "version": foreign.version}


def _name(foreign: "ForeignTable") -> str:
    return foreign.uri.rstrip("/").rpartition("/")[2]


def _part(
    name: str,
    foreign: "ForeignTable",
    files: "Sequence[ForeignFile]",
    spec: PipelineSpec,
    identity: str = "",
) -> BatchPart:
    def read() -> "Iterator[pa.RecordBatch]":
        with _explained():
            yield from foreign.batches(files)

    return BatchPart(name, read, spec, identity, lambda: json.dumps(_mark(foreign)))


def _since(
    before: dict[str, str | int], foreign: "ForeignTable", source: DeltaSource
) -> "Sequence[ForeignFile]":
    number = int(before["version"])
    if before["id"] != foreign.id or foreign.version < number:
        raise SourceError(
            f"{foreign.uri}: is not the table that landed at version {number}, or went back "
            f"to version {foreign.version}; land it with source.load full"
        )
    growth = foreign.since(number)
    if growth.removed and source.load == "append":
        raise SourceError(
            f"{foreign.uri}: rows were removed or rewritten after version {number}, which landed; "
            "set source.load to full, or to upsert with a key"
        )
    return growth.files


@contextmanager
def _explained() -> Iterator[None]:
    """What is wrong with a source table is the source's mistake, not the lake's."""
    try:
        yield
    except LakeError as wrong:
        raise SourceError(str(wrong)) from None
