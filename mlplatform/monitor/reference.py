"""The drift reference: histograms of the training rows, cut once and kept with the model."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import CorruptionError, PlatformError
from mlplatform.features.table_rows import ROW_ID, parted
from mlplatform.ingest.split import TEST
from mlplatform.monitor.histogram import CategoricalBins, Histogram, NumericBins
from mlplatform.spec.section import ColumnType, vector_width
from mlplatform.validate.distance import EmptyWindowError
from mlplatform.validate.scan import ColumnView, Plan, View, scan

if TYPE_CHECKING:
    from mlplatform.evaluate.made_from import MadeFrom
    from mlplatform.lake import Version

FORMAT = 1  # Raised when a reader of the old form would misread the new one.
# A value rarer than this counts as `(other)`: in 500 rows it is expected fewer than 5 times, too
# few for a share to be compared (Cochran 1954, Biometrics 10:417).
RARE = 0.01

Reference = Mapping[str, Histogram]


def cut(table: pa.Table, columns: Sequence[str]) -> bytes:
    """Return the reference of `columns` of the training rows in `table`; as `from_view`.

    Lists have none.
    """
    lacking = [name for name in columns if name not in table.column_names]
    if lacking:
        raise PlatformError(f"no column {lacking[0]!r} to cut a drift reference from")
    kinds = {name: table.schema.field(name).type for name in columns}
    types = {name: _type(kind) for name, kind in kinds.items() if not pa.types.is_nested(kind)}
    plan = Plan(columns=types, correlations=False, duplicates=False)
    return from_view(scan(table.select(list(types)).to_batches(), plan).view(), list(types))


def with_aggregates(content: bytes, made: "MadeFrom", split: "Version") -> bytes:
    """Return a reference with the aggregates that features read, of all rows but the test's.

    Their values stand in no table: they are looked up again, batch by batch.

    Args:
        content: The reference of the raw columns.
        made: The features.
        split: Which of their rows are the test's.

    Raises:
        EmptyWindowError: If all are.
        SourceError: If `split` is not about the rows that the features were made from.
    """
    from mlplatform.features.aggregates import Lookup

    if made.aggregates is None:
        return content
    encoder, lake = made.encoder, made.lake
    lookup = Lookup.read(lake, made.aggregates, encoder.aggregates, encoder.event_time)
    by = [name for one in encoder.aggregates for name in one.row_columns]
    rows = made.rows(list(dict.fromkeys([ROW_ID, encoder.event_time, *by])))
    parts = lake.table(split.table).batches(split, columns=[ROW_ID, "part"])
    kept = (batch.filter(pc.not_equal(part, TEST)) for batch, part in parted(rows, parts))
    names = [one.name for one in encoder.aggregates]
    plan = Plan(columns=dict.fromkeys(names, "float64"), correlations=False, duplicates=False)
    seen = scan((lookup.fill(batch).select(names) for batch in kept), plan)
    said, more = json.loads(content), json.loads(from_view(seen.view(), names))
    return _written({**said, "columns": said["columns"] | more["columns"]})


def from_view(view: View, columns: Sequence[str]) -> bytes:
    """Return the reference of `columns` of the rows in `view`, as JSON.

    Numbers are cut at their deciles, everything else by value. Times are left out: they only go
    forward; and vectors, which are hardly ever equal. Equal rows give equal bytes.

    Raises:
        EmptyWindowError: If there are no rows.
        PlatformError: If a column is not in the view.
    """
    if not view.rows:
        raise EmptyWindowError("no training rows; a drift reference cannot be cut")
    lacking = [name for name in columns if name not in view.columns]
    if lacking:
        raise PlatformError(f"no column {lacking[0]!r} to cut a drift reference from")
    seen = {name: view.columns[name] for name in columns}
    said = {name: _said(_cut(one)) for name, one in seen.items() if _is_cut(one.type)}
    content = {"format": FORMAT, "rows": view.rows, "columns": said}
    return _written(content)


def load(content: bytes) -> Reference:
    """Return the histograms in `content`, by column.

    Raises:
        CorruptionError: If it is not what `cut` wrote.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r}")  # noqa: TRY301 - one way out
        return {name: _read(said) for name, said in document["columns"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, PlatformError) as wrong:
        why = f"{type(wrong).__name__}: {wrong}"
        raise CorruptionError(f"this is no drift reference of format {FORMAT}: {why}") from None


def _written(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _is_cut(type_: ColumnType) -> bool:
    return type_ != "timestamp" and not vector_width(type_)


def _type(type_: pa.DataType) -> ColumnType:
    if pa.types.is_integer(type_):
        return "int64"
    if pa.types.is_floating(type_):
        return "float64"
    return "timestamp" if pa.types.is_timestamp(type_) else "string"


def _cut(column: ColumnView) -> Histogram:
    seen = column.histogram
    if seen is None:
        return _cut_categories(column)
    cuts = seen.deciles()
    counts = seen.coarse(cuts)
    counts[0] += column.infinite[0]
    counts[-1] += column.infinite[1]
    bins = NumericBins(edges=tuple(seen.edges(cuts).tolist()))
    return Histogram(bins=bins, counts=(*counts.tolist(), column.missing))


def _cut_categories(column: ColumnView) -> Histogram:
    """Count the values that at least 1 % of rows hold, sorted; the others together."""
    needed = RARE * column.rows
    common = {value: rows for value, rows in sorted(column.counts.items()) if rows >= needed}
    other = column.present - sum(common.values())
    bins = CategoricalBins(values=tuple(common))
    return Histogram(bins=bins, counts=(*common.values(), other, column.missing))


def _said(histogram: Histogram) -> dict[str, object]:
    counts = list(histogram.counts)
    if isinstance(histogram.bins, NumericBins):
        return {"edges": list(histogram.bins.edges), "counts": counts}
    return {"values": list(histogram.bins.values), "counts": counts}


def _read(said: Mapping[str, list[float]] | Mapping[str, list[str]]) -> Histogram:
    counts = tuple(int(count) for count in said["counts"])
    if "edges" in said:
        edges = tuple(float(edge) for edge in said["edges"])
        return Histogram(bins=NumericBins(edges=edges), counts=counts)
    values = tuple(str(value) for value in said["values"])
    return Histogram(bins=CategoricalBins(values=values), counts=counts)
