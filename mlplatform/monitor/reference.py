"""The drift reference: histograms of the training rows, cut once and kept with the model."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from mlplatform.errors import CorruptionError, PlatformError
from mlplatform.monitor.histogram import (
    CategoricalBins,
    EmptyWindowError,
    Histogram,
    NumericBins,
    cut_categorical,
    cut_numeric,
)

FORMAT = 1  # Raised when a reader of the old form would misread the new one.

Reference = Mapping[str, Histogram]


def cut(table: pa.Table, columns: Sequence[str]) -> bytes:
    """Return the reference of `columns` of the training rows in `table`, as JSON.

    Numbers are cut at their deciles, everything else by value. Equal rows give equal bytes.

    Raises:
        EmptyWindowError: If there are no rows.
        PlatformError: If a column is not in the table.
    """
    if not table.num_rows:
        raise EmptyWindowError("no training rows; a drift reference cannot be cut")
    lacking = [name for name in columns if name not in table.column_names]
    if lacking:
        raise PlatformError(f"no column {lacking[0]!r} to cut a drift reference from")
    said = {name: _said(_cut(table[name])) for name in columns}
    content = {"format": FORMAT, "rows": table.num_rows, "columns": said}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


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


def _cut(column: pa.ChunkedArray) -> Histogram:
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return (cut_numeric(column) if number else cut_categorical(column)).count(column)


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
