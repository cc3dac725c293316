"""A model that wants to be released, and everything that its gates ask about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mlplatform.errors import FeatureError
from mlplatform.evaluate.looked_up import Scorer
from mlplatform.evaluate.trivial import LastValues, last_values
from mlplatform.features.labels import truth
from mlplatform.features.predicts import Predicts
from mlplatform.ingest.split import TEST, rows_of
from mlplatform.judging.serving_cost import Bench, ServingCost, serving_cost
from mlplatform.judging.upstream import Upstream
from mlplatform.model_measures import Opponent

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline

ROWS_ASKED = 200  # Different rows asked in turn while latency is measured.


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """How a server started here reaches the lake, and where it keeps compiled programs."""

    storage_options: Mapping[str, str] | None = None
    compile_cache: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One model, the one that is live, and the test rows that both answered.

    Attributes:
        pipeline: Whose.
        lake: With tables and artifacts.
        digest: Of its artifact.
        model: The version of the `model` table that names it.
        dataset: The rows.
        split: Which of them test.
        aggregates: What it was evaluated with, in a pipeline that has some.
        champion: None: it is the first.
        scores: As `evaluate.assessment.assess` makes them, of the test rows in their order.
        upstream: What was said about what it was made from.
        surroundings: Of servers.
    """

    pipeline: "Pipeline"
    lake: "Lake"
    digest: str
    model: "Version"
    dataset: "Version"
    split: "Version"
    aggregates: "Version | None"
    champion: Opponent | None
    scores: pa.Table
    upstream: Upstream
    surroundings: Surroundings = field(default_factory=Surroundings)

    @cached_property
    def predicts(self) -> Predicts:
        """What it has to answer."""
        return Predicts.of(self.pipeline.spec.label)

    @cached_property
    def everything(self) -> pa.Table:
        """Every row of the dataset."""
        return self.lake.table(self.dataset.table).read(self.dataset)

    @cached_property
    def rows(self) -> pa.Table:
        """The test rows.

        Raises:
            FeatureError: If they are not the rows that were scored.
        """
        parts = self.lake.table(self.split.table).read(self.split)
        found = rows_of(TEST, self.everything, parts)
        if found["row_id"].combine_chunks() != self.scores["row_id"].combine_chunks():
            raise FeatureError(
                f"the scores of model {self.digest[:12]} are of other rows than the test rows of "
                f"{self.dataset.table} {self.dataset.reference}; evaluate it again"
            )
        return found

    @cached_property
    def labels(self) -> NDArray[Any]:
        """The label of each test row."""
        return np.asarray(truth(self.pipeline.spec.label, self.rows))

    @cached_property
    def last_values(self) -> LastValues | None:
        """The label last known before each test row; None where no gate asks."""
        spec = self.pipeline.spec
        baseline = spec.model_gates.performance.baseline
        if baseline.kind != "last_value":
            return None
        assert spec.event_time  # noqa: S101  or the spec would not have loaded
        history = (self.everything, spec.event_time, baseline.entity)
        return last_values(spec.label, self.rows, *history)

    @cached_property
    def scorer(self) -> Scorer:
        """The model, as anything that serves it would load it."""
        from mlplatform.features.program import Predictor

        artifact = self.lake.artifacts.open(self.digest)
        return Scorer(Predictor.load(artifact), self.lake, self.aggregates)

    @cached_property
    def filled(self) -> pa.Table:
        """The test rows with a column for each aggregate that the model reads."""
        return self.scorer.filled(self.rows)

    @cached_property
    def serving_cost(self) -> ServingCost:
        """Latency and throughput, measured together: one start of a server serves both."""
        gates = self.pipeline.spec.model_gates
        bench = Bench(
            self.lake,
            self.filled.slice(0, ROWS_ASKED).to_pylist(),
            aggregates=self.aggregates,
            storage_options=self.surroundings.storage_options,
            compile_cache=self.surroundings.compile_cache,
        )
        champion = self.champion.digest if self.champion else ""
        return serving_cost(bench, self.digest, champion, gates.latency, gates.throughput)
