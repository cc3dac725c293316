"""Reads TFDV's statistics."""

from mlplatform.errors import WorkerError
from mlplatform.validate.proto import parse


def rows(statistics: bytes) -> int:
    """Return how many rows the statistics are of.

    Raises:
        WorkerError: If `statistics` is no serialized DatasetFeatureStatisticsList.
    """
    datasets = parse("DatasetFeatureStatisticsList", statistics).datasets
    if len(datasets) != 1:
        raise WorkerError(f"expected statistics of one table, got {len(datasets)}")
    return int(datasets[0].num_examples)
