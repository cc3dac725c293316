"""Loans: a lake with every table from the raw rows to a model that nobody deployed.

The features read a number, a number with a time of its own, an aggregate, a category and a time.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mlplatform.features import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, TimeInput, VocabularyInput
from mlplatform.features.state import IdState, NumericState, TimeState
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.spec import Pipeline, validate

NAME, ROWS = "loans", 600
HOUR = 3_600_000_000  # Microseconds.
START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp()) * 1_000_000
TIMES = pa.timestamp("us", tz="UTC")
BEFORE = Aggregate("before", events="past", by=["customer"], window="7d")
AMOUNT = Aggregate(
    "mean_amount", events="past", by={"job": "job"}, function="mean", column="amount"
)
SPEC = {
    "name": NAME,
    "source": {"kind": "csv", "files": ["loans.csv"]},
    "columns": {
        "asked": "timestamp",
        "customer": "string",
        "amount": "float64",
        "score": "float64",
        "scored": "timestamp",
        "job": "string",
        "good": "string",
    },
    "label": {"column": "good", "positive": "yes"},
    "event_time": "asked",
    "known_at": {"score": "scored"},
    "events": {"past": {"event_time": "asked", "known_at": "asked"}},
}


def pipeline(folder: Path, **changes: Any) -> Pipeline:
    """The pipeline; keywords replace sections of its spec."""
    return Pipeline(spec=validate({**SPEC, **changes}, folder / "defs.yaml"), folder=folder)


def rows(count: int = ROWS) -> pa.Table:
    """Rows of a dataset, an hour apart; a tenth lack their amount, jobs are from four to none."""
    dice = np.random.default_rng(7)
    asked = START + HOUR * np.arange(count)
    jobs = pa.array(
        dice.choice(["Farm", "Tech", "Sales", "Art"], count), mask=dice.random(count) < 0.1
    )
    amount = np.exp(dice.normal(8, 1, count))
    columns = {
        "row_id": np.arange(count),
        "asked": pa.array(asked).cast(TIMES),
        "customer": dice.choice(["Ada", "Bo", "Cy", "Di", "Ed"], count),
        "amount": pa.array(amount, mask=dice.random(count) < 0.1),
        "score": dice.normal(size=count),
        "scored": pa.array(asked - HOUR).cast(TIMES),
        "job": jobs,
        "good": np.where(np.log(amount) + dice.normal(size=count) > 8, "yes", "no"),
        "source_file": ["loans.csv"] * count,
        "source_line": np.arange(count) + 2,
    }
    return pa.table(columns)


def encoder() -> Encoder:
    """The fitted features."""
    return Encoder(
        inputs=(
            NumberInput(column="amount", type="float64"),
            NumberInput(column="score", type="float64"),
            NumberInput(column="before", type="float64"),
            NumberInput(column="mean_amount", type="float64"),
            VocabularyInput(
                column="job", type="string", vocabulary=("Art", "Farm", "Sales", "Tech")
            ),
            TimeInput(column="asked", timezone="America/New_York"),
        ),
        states=(
            _number("amount", 0, log=True, mean=8.0, indicator=True),
            _number("score", 1),
            _number("asked_before", 2),
            _number("mean_amount", 3, log=True),
            IdState(name="job", input=4, size=6),
            TimeState(name="asked", input=5, parts=("hour",), cycles=("day",)),
        ),
        aggregates=(BEFORE, AMOUNT),
        event_time="asked",
        entities=(("customer", "string"),),
    )


def _number(
    name: str, at: int, *, log: bool = False, mean: float = 0.0, indicator: bool = False
) -> NumericState:
    return NumericState(
        name=name, input=at, scale="standard", log=log, clip=(), fill=3000.0, indicator=indicator,
        edges=(), mean=mean, deviation=1.5,
    )  # fmt: skip


class World:
    """Raw rows of loans, their split and aggregates; features as a test gives them."""

    def __init__(self, folder: Path, raw: pa.Table | None = None) -> None:
        from mlplatform.features.aggregates import FACT, build

        self.lake, self.pipeline = Lake(folder / "lake"), pipeline(folder)
        self.dataset = self.write("dataset", rows() if raw is None else raw)
        parts = pa.table(
            {"row_id": np.arange(self.dataset.rows), "part": parts_of(self.dataset.rows)}
        )
        self.split = self.write("split", parts, self.dataset)
        changes = build(self.pipeline, encoder().aggregates, self.lake, {"past": self.dataset})
        keys = {FACT: json.dumps([one.key for one in encoder().aggregates])}
        self.aggregates = self.write("aggregates", changes, self.dataset, **keys)

    def features_of(
        self,
        data: pa.Table | pa.RecordBatchReader | None = None,
        fitted: Encoder | None = None,
        aggregates: Version | None = None,
        **files: bytes,
    ) -> Version:
        """Commit a feature table with this content; its state says that it was made by `fitted`."""
        content = {"features.json": (fitted or encoder()).to_json(), **files}
        read = (self.dataset, self.split, aggregates or self.aggregates)
        nothing = pa.table({"row_id": np.arange(self.dataset.rows)})
        state = self.lake.artifacts.put(content)
        return self.write("features", nothing if data is None else data, *read, state=state)

    def write(
        self, noun: str, data: pa.Table | pa.RecordBatchReader, *read: Version, **facts: str
    ) -> Version:
        """Commit a table as its asset would."""
        inputs = {version.table: version.reference for version in read}
        recipe = json.dumps([inputs, facts])
        who = Lineage(
            asset=f"{NAME}/{noun}", run_id="test", code_version="test", recipe=recipe,
            inputs=inputs, facts=facts,
        )  # fmt: skip
        return self.lake.table(f"{NAME}/{noun}").overwrite(data, who)


def parts_of(count: int) -> np.ndarray:
    """Every fifth row validates, every fifth tests, the others train."""
    return np.array(["train", "validation", "test", "train", "train"])[np.arange(count) % 5]


class Trained(World):
    """Loans with features as the platform computes them, and the artifact of a model that reads them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from mlplatform.features.aggregates import Lookup
        from mlplatform.features.batch_function import ENCODER, PROGRAM, BatchFunction
        from mlplatform.features.feature_program import export_features
        from mlplatform.features.incremental import Inputs
        from mlplatform.features.incremental import rows as computed
        from mlplatform.monitor.reference import cut
        from mlplatform_tests.models import exported_model

        program = export_features(encoder(), {})
        lookup = Lookup.read(self.lake, self.aggregates, encoder().aggregates, "asked")
        function = BatchFunction.load({ENCODER: encoder().to_json(), PROGRAM: program}, lookup)
        inputs = Inputs(dataset=self.dataset, split=self.split, aggregates=self.aggregates)
        made = computed(self.pipeline, self.lake, function, inputs)
        self.features = self.features_of(made.reader, **{PROGRAM: program})
        reference = cut(rows(), ["amount", "score", "customer", "job"])
        files = {**exported_model(encoder(), program), "reference.json": reference}
        self.digest = self.lake.artifacts.put(files)
        row = pa.table({"model_digest": [self.digest]})
        self.model = self.write("model", row, self.dataset, self.features, artifact=self.digest)
