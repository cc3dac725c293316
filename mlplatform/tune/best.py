"""Which trial is the best."""

from collections.abc import Sequence

from mlplatform.spec.space import MAXIMIZE
from mlplatform.tune.record import Record


def of(records: Sequence[Record], metric: str, direction: str) -> Record | None:
    """Return the best of the complete trials, of equals the first; None if none is complete."""
    complete = [record for record in records if record.state == "complete"]
    return _first(complete, metric, direction)


def chosen(records: Sequence[Record], metric: str, direction: str) -> Record | None:
    """Return the best trial, or, where a budget let none be complete, the best so far."""
    measured = [record for record in records if metric in record.metrics]
    return of(records, metric, direction) or _first(measured, metric, direction)


def _first(records: Sequence[Record], metric: str, direction: str) -> Record | None:
    sign = -1 if direction == MAXIMIZE else 1
    return min(records, key=lambda r: (sign * r.metrics[metric], r.number), default=None)
