"""Reads TFDV's statistics: what a person and the gates want to know of each column."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import WorkerError
from mlplatform.validate.proto import parse

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import statistics_pb2

TOP_VALUES = 10  # TFDV keeps 20; a person reads ten.


@dataclass(frozen=True, kw_only=True)
class ColumnSummary:
    """One column of a dataset version.

    Numbers have minimum, mean, maximum, standard deviation and deciles (11 edges, the first and
    last being minimum and maximum); strings have the number of distinct values (an estimate above
    TFDV's exact range) and the most frequent ones. A column without a value has neither.
    """

    name: str
    type: str  # INT, FLOAT or STRING.
    rows: int
    missing_share: float
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    deciles: tuple[float, ...] = ()
    distinct: int | None = None
    top: tuple[tuple[str, int], ...] = ()  # (value, rows), most frequent first.


def rows(statistics: bytes) -> int:
    """Return how many rows the statistics are of.

    Raises:
        WorkerError: If `statistics` is no serialized DatasetFeatureStatisticsList.
    """
    return int(_dataset(statistics).num_examples)


def missing_shares(statistics: bytes) -> dict[str, float]:
    """Return for each column the share of rows without a value, in [0, 1].

    Raises:
        WorkerError: If `statistics` is no serialized DatasetFeatureStatisticsList.
    """
    return {column.name: column.missing_share for column in summary(statistics)}


def summary(statistics: bytes) -> list[ColumnSummary]:
    """Return one summary a column, in the order of the statistics.

    Raises:
        WorkerError: If `statistics` is no serialized DatasetFeatureStatisticsList.
    """
    dataset = _dataset(statistics)
    return [_column(feature, int(dataset.num_examples)) for feature in dataset.features]


def _column(feature: "statistics_pb2.FeatureNameStatistics", count: int) -> ColumnSummary:
    is_text = feature.WhichOneof("stats") == "string_stats"
    stats = feature.string_stats if is_text else feature.num_stats
    present = int(stats.common_stats.num_non_missing)
    common: dict[str, Any] = {
        "name": ".".join(feature.path.step) or feature.name,
        "type": feature.Type.Name(feature.type),
        "rows": count,
        "missing_share": 1 - present / count if count else 1.0,
    }
    if not present:
        return ColumnSummary(**common)
    return ColumnSummary(**common, **(_of_strings(stats) if is_text else _of_numbers(stats)))


def _of_numbers(stats: "statistics_pb2.NumericStatistics") -> dict[str, Any]:
    cuts = [h.buckets for h in stats.histograms if h.type == h.HistogramType.QUANTILES]
    edges = [cuts[0][0].low_value, *(b.high_value for b in cuts[0])] if cuts and cuts[0] else []
    return {
        "minimum": stats.min,
        "maximum": stats.max,
        "mean": stats.mean,
        "deviation": stats.std_dev,
        "deciles": tuple(edges),
    }


def _of_strings(stats: "statistics_pb2.StringStatistics") -> dict[str, Any]:
    top = [(entry.value, int(entry.frequency)) for entry in stats.top_values[:TOP_VALUES]]
    return {"distinct": int(stats.unique), "top": tuple(top)}


def _dataset(statistics: bytes) -> "statistics_pb2.DatasetFeatureStatistics":
    message = parse("DatasetFeatureStatisticsList", statistics)
    if len(message.datasets) != 1:
        raise WorkerError(f"expected statistics of one table, got {len(message.datasets)}")
    return message.datasets[0]
