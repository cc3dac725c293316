"""Everything a pipeline may say, and nothing else: unknown fields are refused."""

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from mlplatform.verdict import Severity

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
CRON_FIELDS = 5  # minute, hour, day of month, month, day of week
ColumnType = Literal["int64", "float64", "string"]


class Section(BaseModel):
    """A part of a spec: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CsvSource(Section):
    """Delimited text files, gzip or plain, read in the order given."""

    kind: Literal["csv"] = "csv"
    files: list[str] = Field(min_length=1, description="Paths relative to the pipeline's folder.")
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    encoding: str = "utf-8"
    header: bool = Field(default=True, description="Whether the first line names the columns.")
    skip_initial_space: bool = Field(default=False, description="Drop blanks after each delimiter.")
    comment: str | None = Field(default=None, description="Lines that begin with this are skipped.")
    missing: list[str] = Field(default=[""], description="Fields that mean 'no value'.")


class Label(Section):
    """The column to predict. Rows equal to `positive` are class 1."""

    column: ColumnName
    positive: str
    strip: str = Field(default="", description="Characters dropped from the end of the label.")


class Split(Section):
    """Which rows train, validate and test. A row never changes side as data grows."""

    test_files: list[str] = Field(default=[], description="Source files that are the test split.")
    test: Share = Field(default=0.0, description="Share of the other rows held out for the test.")
    validation: Share = Field(default=0.1, description="Share of the rows left that validates.")
    seed: int = Field(default=0, description="Salts the hash of a row's content.")


class Model(Section):
    """The model family and how it is trained."""

    family: Literal["mlp"] = "mlp"
    hidden: list[Annotated[int, Field(ge=1, le=8192)]] = [128, 64]
    dropout: Share = 0.1
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    epochs: int = Field(default=12, ge=1)
    batch_size: int = Field(default=256, ge=1)
    seed: int = Field(default=0, description="Seeds weights, shuffling and dropout.")
    gpu: bool = Field(default=False, description="Ask Kubernetes for a GPU for the training step.")


class Tuning(Section):
    """An Optuna study over training and validation rows. Off while `trials` is 0."""

    trials: int = Field(default=0, ge=0)
    learning_rate: tuple[float, float] = (3e-4, 1e-2)
    weight_decay: tuple[float, float] = (1e-6, 1e-2)
    dropout: tuple[Share, Share] = (0.0, 0.4)
    seed: int = 0


class Gate(Section):
    """What every gate has: whether it stops the walk."""

    severity: Severity = Severity.BLOCK


class SchemaGate(Gate):
    """TFDV's anomalies of the data against the accepted schema."""

    max_anomalies: int = Field(default=0, ge=0)


class RowCountGate(Gate):
    """Too few rows, or far fewer than the reference version had."""

    minimum: int = Field(default=1000, ge=1)


class FreshnessGate(Gate):
    """Age of the newest data, counted from when it landed."""

    max_age_days: float = Field(default=365, gt=0)


class MissingGate(Gate):
    """Largest share of missing values a column may have."""

    max_share: Share = 0.1
    columns: dict[ColumnName, Share] = Field(default={}, description="Limits of single columns.")


class DataGates(Section):
    """Gates between `dataset` and `split`."""

    data_schema: SchemaGate = SchemaGate()
    row_count: RowCountGate = RowCountGate()
    freshness: FreshnessGate = FreshnessGate()
    missing_values: MissingGate = MissingGate()


class AccuracyGate(Gate):
    """At least `minimum`, better than the trivial baseline, and not worse than the champion by more than `margin`."""

    minimum: Share = 0.0
    margin: Share = Field(default=0.01, description="Non-inferiority margin to the champion.")


class FairnessGate(Gate):
    """Largest gap of the true positive rate between the groups of one column."""

    max_gap: Share = 0.2
    min_positives: int = Field(default=50, ge=1, description="Smaller groups are not evidence.")


class LatencyGate(Gate):
    """99th percentile of one-row predictions by the exported program, in milliseconds."""

    max_p99_ms: float = Field(default=50, gt=0)


class SizeGate(Gate):
    """Size of the model artifact."""

    max_megabytes: float = Field(default=50, gt=0)


class ModelGates(Section):
    """Gates between `evaluation` and `registered_model`."""

    accuracy: AccuracyGate = AccuracyGate()
    fairness: FairnessGate = FairnessGate()
    latency: LatencyGate = LatencyGate()
    artifact_size: SizeGate = SizeGate()


class Rollout(Section):
    """How a new version meets traffic once another one is live."""

    canary_percent: float = Field(default=10, ge=0, le=100)


class ScheduleTrigger(Section):
    """Retrain by the clock."""

    cron: str
    timezone: str = "UTC"

    @field_validator("cron")
    @classmethod
    def _has_five_fields(cls, cron: str) -> str:
        field = re.compile(r"[\d*,/A-Za-z?#L-]+")
        parts = cron.split()
        if len(parts) != CRON_FIELDS or not all(map(field.fullmatch, parts)):
            raise PydanticCustomError("cron", "Input should be five cron fields, like '0 3 * * 1'")
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in available_timezones():
            raise PydanticCustomError(
                "timezone", "Input should be a time zone, like 'Europe/Berlin'"
            )
        return name


class DriftTrigger(Section):
    """Retrain when logged requests stop looking like the training data."""

    max_psi: float = Field(default=0.2, gt=0, description="Population stability index, in nats.")
    min_requests: int = Field(default=500, ge=1, description="Fewer logged rows are not evidence.")


class VolumeTrigger(Section):
    """Retrain when enough new rows landed since the live model's data."""

    min_rows: int = Field(default=10_000, ge=1)


class Triggers(Section):
    """What starts a run without a person. A trigger left out is off."""

    schedule: ScheduleTrigger | None = None
    drift: DriftTrigger | None = DriftTrigger()
    volume: VolumeTrigger | None = VolumeTrigger()


class PipelineSpec(Section):
    """One pipeline, as written in its `defs.yaml` under `attributes`."""

    name: Name
    description: str = ""
    owners: list[str] = []
    source: CsvSource
    columns: dict[ColumnName, ColumnType] = Field(
        min_length=2, description="Every column, in file order."
    )
    label: Label
    groups: list[ColumnName] = Field(default=[], description="Columns fairness is judged over.")
    unused: dict[ColumnName, str] = Field(
        default={}, description="Columns no feature may use, each with the reason."
    )
    features: str = "features.py"
    split: Split = Split()
    model: Model = Model()
    tuning: Tuning = Tuning()
    data_gates: DataGates = DataGates()
    model_gates: ModelGates = ModelGates()
    rollout: Rollout = Rollout()
    triggers: Triggers = Triggers()

    @model_validator(mode="after")
    def _names_known_columns(self) -> "PipelineSpec":
        named = {
            "label.column": [self.label.column],
            "groups": self.groups,
            "unused": list(self.unused),
            "data_gates.missing_values.columns": list(self.data_gates.missing_values.columns),
        }
        for field, names in named.items():
            for name in names:
                if name not in self.columns:
                    known = ", ".join(self.columns)
                    raise ValueError(f"{field} names the column {name!r}; columns: {known}")
        unknown = [
            f for f in self.split.test_files if f not in [_last(p) for p in self.source.files]
        ]
        if unknown:
            raise ValueError(f"split.test_files names {unknown[0]!r}, which is not in source.files")
        return self


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]
