"""A SQL query as a source: its whole result, or one batch of what is past the cursor."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import SourceError
from mlplatform.ingest.access import Access
from mlplatform.ingest.batch_part import BatchPart, nothing_new, same_as
from mlplatform.ingest.convert import NoConversionError, converted
from mlplatform.ingest.landed import File, Landed, reading
from mlplatform.ingest.parts import Plan
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec.section import ColumnType
from mlplatform.spec.source import SqlSource

if TYPE_CHECKING:
    from mlplatform.lake import Table

NAME = "query"  # What rows have as `source_file`; batches are numbered behind it.


def plan_query(pipeline: Pipeline, table: "Table", landed: Landed, access: Access) -> Plan:
    """Return what lands the query's result.

    With `full` it replaces the table when a row differs; rows in another order differ, so the query
    should say ORDER BY. Otherwise what is past the newest cursor landed is one batch, named
    `query-<n>`. The newest cursor counts rejected rows too.

    Raises:
        SourceError: If the connection's secret is not set.
    """
    spec, source = pipeline.spec, pipeline.spec.source
    assert isinstance(source, SqlSource)  # noqa: S101 - chosen by kind.
    uri = access.secret(source.connection)
    anew = landed.newest is not None and landed.reading != reading(spec)
    if source.cursor is None or source.load == "full":
        part = BatchPart(NAME, lambda: _batches(source, uri, None, spec), spec)
        return Plan([part], replace=True, unless=same_as(landed, spec))
    newest = _Newest(source.cursor, spec, "" if anew else landed.mark)
    name = f"{NAME}-{1 if anew else len(landed.files) + len(landed.withdrawn) + 1}"
    since = newest.value
    part = BatchPart(
        name,
        lambda: newest.seen(_batches(source, uri, since, spec)),
        spec,
        mark=newest.written,
    )
    first = _some(table.name) if landed.newest is None else _any
    return Plan([part], replace=anew, unless=nothing_new(landed), check=first)


class _Newest:
    """The greatest value of the cursor, kept as JSON: times in ISO 8601."""

    def __init__(self, cursor: str, spec: PipelineSpec, mark: str) -> None:
        self._cursor, self._declared = cursor, spec.columns[cursor]
        self.value: Any = _parsed(mark, self._declared)

    def seen(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass batches on, and take their greatest cursor."""
        for batch in batches:
            at = batch.schema.get_field_index(self._cursor)
            self._take(batch.column(at)) if at >= 0 else None
            yield batch

    def written(self) -> str:
        """Return the value to remember."""
        if isinstance(self.value, datetime):
            return json.dumps(self.value.isoformat())
        return json.dumps(self.value)

    def _take(self, column: pa.Array) -> None:
        try:
            greatest = pc.max(converted(column, self._declared)[0]).as_py()
        except NoConversionError:
            return  # Whoever conforms the batch says so.
        if greatest is not None and (self.value is None or greatest > self.value):
            self.value = greatest


def _parsed(mark: str, declared: ColumnType) -> Any:
    value = json.loads(mark) if mark else None
    return datetime.fromisoformat(value) if declared == "timestamp" and value else value


def _batches(
    source: SqlSource, uri: str, since: object, spec: PipelineSpec
) -> Iterator[pa.RecordBatch]:
    from mlplatform.ingest.sql import batches

    return batches(source, uri, since, spec.columns)


def _some(table: str) -> Callable[[File], None]:
    def check(file: File) -> None:
        if not file.rows + file.rejected:
            raise SourceError(f"{table}: source.query returned no row, and nothing landed before")

    return check


def _any(file: File) -> None:
    """Accept a batch of any size."""
