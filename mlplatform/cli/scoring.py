"""Rows of any input through a model, batch by batch: the batch path of what the server answers."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa

from mlplatform.cli.data.input import Columns, Input
from mlplatform.cli.data.place import Place
from mlplatform.cli.data.text import plain
from mlplatform.errors import FeatureError, LakeError, SourceError
from mlplatform.ingest.chunk import TIMESTAMP, arrow_type
from mlplatform.spec.section import ColumnType

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.encoder import Encoder
    from mlplatform.lake import Version

ROW = "row"
AT_ROW = re.compile(r"row (\d+): (.*)", re.DOTALL)  # How encoding says which of a batch is wrong.


class Scoring:
    """The rows of an input and what a model says of them.

    Args:
        at: The pipeline.
        given: The rows.
        digest: The model artifact.

    Raises:
        PlatformError: If the model is damaged, or reads what is not there.
    """

    def __init__(self, at: Place, given: Input, digest: str) -> None:
        from mlplatform.features.program import Predictor

        self._at, self._given, self._now = at, given, datetime.now(UTC)
        self._predictor = Predictor.load(at.lake.artifacts.open(digest))
        self._require_columns()
        self.schema = pa.schema(
            [
                pa.field(ROW, pa.int64()),
                *(pa.field(name, arrow_type(self._columns[name])) for name in self._key),
                *(pa.field(name, pa.float32()) for name in self._predictor.predicts.columns),
            ],
            {"mlplatform.pipeline": at.pipeline.name, "mlplatform.model": digest},
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield, by `schema`, the rows' numbers from 1, their keys, and what is predicted.

        Raises:
            SourceError: Naming row and column of the first value that does not fit.
        """
        last = 0
        for chunk in self._given.chunks(self._columns):
            for wrong in chunk.rejected.slice(0, 1).to_pylist():
                raise self._refusal(wrong["source_line"], wrong["column"], wrong["reason"])
            rows = chunk.rows
            numbers = pa.array(range(last + 1, last + 1 + rows.num_rows), pa.int64())
            last += rows.num_rows
            keys = (rows.column(name) for name in self._key)
            found = [numbers, *keys, *self._predictions(rows)]
            yield pa.RecordBatch.from_arrays(found, schema=self.schema)

    def _predictions(self, rows: pa.RecordBatch) -> list[pa.Array]:
        """Return a column for each number of an answer."""
        try:
            found = self._predictor.predict_table(self._filled(rows))
            columns = found.reshape(len(found), -1)
            return [pa.array(columns[:, at]) for at in range(columns.shape[1])]
        except FeatureError as wrong:
            at = AT_ROW.fullmatch(str(wrong))
            if at is None:
                raise
            line = rows.column("source_line")[int(at[1])].as_py()
            raise self._refusal(line, None, at[2]) from None

    def _filled(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """With the aggregates' values as of each row's time; without such a column, rows are about now."""
        if self._lookup is None:
            return rows
        name = self._lookup.event_time
        if name not in rows.schema.names:
            now = pa.repeat(pa.scalar(self._now, TIMESTAMP), rows.num_rows)
            rows = rows.append_column(name, now)
        return self._lookup.fill(rows)

    def _refusal(self, line: int, column: str | None, reason: str) -> SourceError:
        about = f"column {column!r}: " if column else ""
        said = plain(f"{about}{reason}", 300)
        return SourceError(f"{self._given.name}:{line}: {said}; nothing is written")

    @property
    def _encoder(self) -> "Encoder":
        return self._predictor.encoder

    @cached_property
    def _key(self) -> list[str]:
        """The columns of the pipeline's key that are there."""
        taken = (ROW, *self._predictor.predicts.columns)
        clash = [name for name in self._at.pipeline.spec.key if name in taken]
        if clash:
            raise SourceError(f"the key has a column {clash[0]!r}, as predictions have; rename it")
        return [name for name in self._at.pipeline.spec.key if name in self._given.columns]

    @cached_property
    def _columns(self) -> Columns:
        """Types of what is read: as the model was fitted on them, keys as the pipeline declares."""
        spec, asked = self._at.pipeline.spec, self._encoder.asked
        types: dict[str, ColumnType] = {name: spec.columns[name] for name in self._key}
        return {n: kind for n, kind in {**types, **asked}.items() if n in self._given.columns}

    def _require_columns(self) -> None:
        """Refuse an input without a column that the model reads; only a time may be left out."""
        optional = self._encoder.event_time if self._encoder.aggregates else ""
        for name in self._encoder.asked:
            if name not in self._given.columns and name != optional:
                there = ", ".join(self._given.columns)
                what = self._given.left_out.get(name, "")
                why = f"column {name!r} is {what}" if what else f"there is no column {name!r}"
                raise SourceError(
                    f"{self._given.name}: {plain(why, 200)}, which the model reads; columns: {there}"
                )

    @cached_property
    def _lookup(self) -> "Lookup | None":
        if not self._encoder.aggregates:
            return None
        from mlplatform.features.aggregates import Lookup

        aggregates, time = self._encoder.aggregates, self._encoder.event_time
        return Lookup.read(self._at.lake, self._changes(), aggregates, time)

    def _changes(self) -> "Version":
        """Return the newest version of the table of changes that has what the model reads."""
        from mlplatform.features.aggregates.lookup import require

        table = self._at.lake.table(self._at.pipeline.table("aggregates"))
        if not table.exists():
            raise LakeError(f"there is no {table.name} yet, which the model reads; materialise it")
        refusal = None
        for version in table.history():
            try:
                require(version, self._encoder.aggregates)
            except FeatureError as wrong:
                refusal = refusal or wrong
            else:
                return version
        assert refusal is not None  # noqa: S101 - a table has versions.
        raise refusal
