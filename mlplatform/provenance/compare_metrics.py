"""Two models held against each other on the rows that neither was trained on: for another class of hardware."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.spec.metric_names import UNBOUNDED

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

SHARES = 0.005  # Of metrics that are shares: half of what a challenger may be worse by default.
RELATIVE = 0.01  # Of log loss and of errors in the label's unit, which have no scale of their own.


@dataclass(frozen=True, kw_only=True)
class Held:
    """One metric of both models.

    Attributes:
        metric: Its name.
        recorded: Of the model that was made again.
        made: Of the one that came of it.
        bound: How far they may lie apart.
    """

    metric: str
    recorded: float
    made: float
    bound: float

    @property
    def within(self) -> bool:
        """Whether they lie no further apart; a metric that only one of them has does not."""
        if math.isnan(self.recorded) or math.isnan(self.made):
            return math.isnan(self.recorded) and math.isnan(self.made)
        return abs(self.made - self.recorded) <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON; a metric that is not defined is null."""
        said = {
            k: None if isinstance(v, float) and math.isnan(v) else v
            for k, v in asdict(self).items()
        }
        return {**said, "within": self.within}


def held(recorded: Mapping[str, float], made: Mapping[str, float]) -> list[Held]:
    """Return every metric that either model has, by name."""
    names = sorted({*recorded, *made})
    pairs = ((name, recorded.get(name, math.nan), made.get(name, math.nan)) for name in names)
    return [Held(metric=n, recorded=a, made=b, bound=bound(n, a)) for n, a, b in pairs]


def bound(metric: str, recorded: float) -> float:
    """Return how far a metric may lie from what was recorded."""
    return RELATIVE * abs(recorded) if metric in UNBOUNDED else SHARES


def test_rows(lake: "Lake", dataset: "Version", split: "Version") -> "pa.Table":
    """Return the test rows that these versions say."""
    from mlplatform.ingest.split import TEST, rows_of

    return rows_of(TEST, *(lake.table(each.table).read(each) for each in (dataset, split)))


def metrics_of(
    pipeline: "Pipeline",
    rows: "pa.Table",
    models: "Lake",
    digest: str,
    lookup: "tuple[Lake, Version | None]",
) -> dict[str, float]:
    """Return the metrics of all rows of one model.

    Args:
        pipeline: What is predicted.
        rows: Of a dataset.
        models: The lake that holds the artifact.
        digest: Its address.
        lookup: Where the aggregates are that it reads, if it reads any.
    """
    from mlplatform.evaluate.looked_up import Scorer
    from mlplatform.evaluate.slices import slices_of, table_of
    from mlplatform.features.labels import truth
    from mlplatform.features.predicts import Predicts
    from mlplatform.features.program import Predictor

    scorer = Scorer(Predictor.load(models.artifacts.open(digest)), *lookup)
    answers, label = scorer.predict_table(rows), pipeline.spec.label
    found = table_of(slices_of(rows, []), truth(label, rows), answers, Predicts.of(label))
    return {row["metric"]: row["observed"] for row in found.to_pylist()}
