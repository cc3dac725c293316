"""Everything a pipeline may say, and nothing else: unknown fields are refused."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from mlplatform.spec import behaviour_rules, group_rules, metric_names
from mlplatform.spec.behaviour import Behaviour
from mlplatform.spec.budget import Budget
from mlplatform.spec.card import Card
from mlplatform.spec.data_gates import DataGates
from mlplatform.spec.environments import Environment, merged
from mlplatform.spec.events import NOUNS, Events
from mlplatform.spec.families import AnyModel, Mlp, misfit
from mlplatform.spec.feature_gates import FeatureGates
from mlplatform.spec.label import Label
from mlplatform.spec.model_gates import ModelGates
from mlplatform.spec.retention import Retention
from mlplatform.spec.section import (
    ColumnName,
    ColumnType,
    Name,
    Section,
    Share,
    vector_width,
)
from mlplatform.spec.source import AnySource, FileSource
from mlplatform.spec.space_rules import require_space
from mlplatform.spec.triggers import Triggers
from mlplatform.spec.tuning import Tuning

NO_VECTORS = ("csv", "sql")  # Kinds of sources that have no lists of numbers.
NUMBERS = ("int64", "float64")
LABEL_TYPES = {"multiclass": ("string", "int64", "bool"), "regression": NUMBERS}
RESERVED = ("row_id", "source_file", "source_line", "part")  # Columns the platform adds.
# Columns that the log of predictions adds to those a model asks for.
LOG_COLUMNS = frozenset(
    {"request_id", "request_row", "arm", "model_version", "model_digest", "probability"}
    | {"prediction", "latency_ms", "answered_at"}
)


class Split(Section):
    """Which rows train, validate and test. A row never changes side as data grows.

    By `row`, a hash of the row's key (or of its content, without a key) decides; by `group`, a hash
    of its entity, so that no entity is on two sides; by `time`, the declared instants.
    """

    by: Literal["row", "group", "time"] = "row"
    group: ColumnName | None = Field(default=None, description="The entity's column, for `group`.")
    validation_from: datetime | None = Field(default=None, description="Instant, for `time`.")
    test_from: datetime | None = Field(default=None, description="Instant, for `time`.")
    test_files: list[str] = Field(default=[], description="Source files that are the test split.")
    test: Share = Field(default=0.0, description="Share of the other rows held out for the test.")
    validation: Share = Field(default=0.1, description="Share of the rows left that validates.")
    seed: int = Field(default=0, description="Salts the hash.")

    @model_validator(mode="after")
    def _has_what_it_splits_by(self) -> Self:
        instants = (self.validation_from, self.test_from)
        if self.by == "group" and self.group is None:
            raise ValueError("split.by is 'group'; name the entity's column in split.group")
        if self.by == "time":
            if None in instants:
                raise ValueError(
                    "split.by is 'time'; set split.validation_from and split.test_from"
                )
            if any(at.tzinfo is None for at in instants if at):
                raise ValueError("split instants need a time zone, like 2013-10-01T00:00:00Z")
            if self.validation_from > self.test_from:  # type: ignore[operator]  # Neither is None.
                raise ValueError("split.validation_from is after split.test_from")
        return self


class Rollout(Section):
    """How a new version meets traffic once another one is live."""

    canary_percent: float = Field(default=10, ge=0, le=100)


class PipelineSpec(Section):
    """One pipeline, as written in its `defs.yaml` under `attributes`."""

    name: Name
    description: str = ""
    owners: list[str] = Field(default=[])
    source: AnySource
    columns: dict[ColumnName, ColumnType] = Field(
        min_length=2, description="Every column, in file order."
    )
    key: list[ColumnName] = Field(default=[], description="Columns that together identify a row.")
    event_time: ColumnName | None = Field(
        default=None, description="The timestamp column that says when a row happened."
    )
    label: Label
    groups: list[ColumnName] = Field(default=[], description="Columns fairness is judged over.")
    unused: dict[ColumnName, str] = Field(
        default={}, description="Columns no feature may use, each with the reason."
    )
    known_after: dict[ColumnName, str] = Field(
        default={}, description="Columns known only after the event, each with the reason."
    )
    known_at: dict[ColumnName, ColumnName] = Field(
        default={},
        description="Timestamp column that says when a column's value became known; a gate holds it "
        "against event_time.",
    )
    events: dict[Name, Events] = Field(
        default={}, description="Event tables that features count and sum over."
    )
    features: str = Field(
        default="features.py",
        description="Path of the file that defines `features`, relative to the pipeline's folder; "
        "two pipelines may share one.",
    )
    refit: Literal["always", "never"] = Field(
        default="always",
        description="Whether the features' fitted state follows new training rows; with `never`, "
        "only a change of feature code or columns fits anew, and only new rows are computed.",
    )
    split: Split = Split()
    model: AnyModel = Mlp()
    budget: Budget = Budget()
    tuning: Tuning = Tuning()
    data_gates: DataGates = DataGates()
    feature_gates: FeatureGates = FeatureGates()
    model_gates: ModelGates = ModelGates()
    behaviour: Behaviour = Behaviour()
    environments: dict[Name, Environment] = Field(
        default={}, description="Gates that differ where MLPLATFORM_ENVIRONMENT names one of these."
    )
    card: Card = Card()
    rollout: Rollout = Rollout()
    triggers: Triggers = Triggers()
    retention: Retention = Retention()

    @field_validator("data_gates", "feature_gates", "model_gates", mode="before")
    @classmethod
    def _empty_is_default(cls, section: object) -> object:
        """`data_gates:` with nothing behind it means the defaults."""
        return {} if section is None else section

    @model_validator(mode="after")
    def _names_known_columns(self) -> Self:
        gates = self.data_gates
        named = {
            "label.column": [self.label.column],
            "label.weight": [self.label.weight] if self.label.weight else [],
            "key": self.key,
            "event_time": [self.event_time] if self.event_time else [],
            "groups": self.groups,
            "unused": list(self.unused),
            "known_after": list(self.known_after),
            "known_at": [*self.known_at, *self.known_at.values()],
            "split.group": [self.split.group] if self.split.group else [],
            "data_gates.missing_values.columns": list(gates.missing_values.columns),
            "data_gates.value_ranges.columns": list(gates.value_ranges.columns),
            "data_gates.value_ranges.domains": list(gates.value_ranges.domains),
            "data_gates.distribution.ignore": list(gates.distribution.ignore),
            "data_gates.label_leakage.allow": list(gates.label_leakage.allow),
            "data_gates.sensitive_data.allow": list(gates.sensitive_data.allow),
        }
        for field, names in named.items():
            for name in names:
                if name not in self.columns:
                    known = ", ".join(self.columns)
                    raise ValueError(f"{field} names the column {name!r}; columns: {known}")
        reserved = [name for name in self.columns if name in RESERVED]
        if reserved:
            raise ValueError(f"columns.{reserved[0]}: the platform adds this column; rename yours")
        return self

    @model_validator(mode="after")
    def _vectors_stay_whole(self) -> Self:
        _require_lists(self.source, self.columns)
        for name, events in self.events.items():
            _require_lists(events.source, events.columns, f"events.{name}.")
        ranges = self.data_gates.value_ranges
        named = {
            "label.column": [self.label.column],
            "key": self.key,
            "groups": self.groups,
            "split.group": [self.split.group] if self.split.group else [],
            "data_gates.value_ranges.columns": list(ranges.columns),
            "data_gates.value_ranges.domains": list(ranges.domains),
        }
        for field, names in named.items():
            for name in names:
                if vector_width(self.columns[name]):
                    kind = self.columns[name]
                    raise ValueError(f"{field} names {name!r}, a {kind}; name no vector there")
        return self

    @model_validator(mode="after")
    def _label_fits_its_task(self) -> Self:
        label, kind = self.label, self.columns[self.label.column]
        taken = LABEL_TYPES.get(label.task, (kind,))
        if kind not in taken:
            raise ValueError(
                f"label.column {label.column!r} is {kind}; for the task {label.task!r} it is"
                f" {' or '.join(taken)}"
            )
        if label.weight is None:
            return self
        if label.weight == label.column:
            raise ValueError("label.weight names the label itself")
        if self.columns[label.weight] not in NUMBERS:
            raise ValueError(
                f"label.weight {label.weight!r} is {self.columns[label.weight]}; it is int64 or float64"
            )
        return self

    @model_validator(mode="after")
    def _events_have_times(self) -> Self:
        if (self.events or self.known_at) and not self.event_time:
            named = "events" if self.events else "known_at"
            raise ValueError(f"{named} needs event_time: the column with each row's own time")
        for name, events in self.events.items():
            if name in NOUNS:
                raise ValueError(f"events.{name}: an asset has this name; choose another")
            if events.source is None:
                self._are_times(f"events.{name}", [events.event_time, events.known_at])
        self._are_times("known_at", list(self.known_at.values()))
        return self

    def _are_times(self, field: str, names: list[str | None]) -> None:
        for name in names:
            if name is not None and self.columns.get(name) != "timestamp":
                raise ValueError(f"{field}: {name!r} is no column declared as timestamp")

    @model_validator(mode="after")
    def _model_fits_label(self) -> Self:
        if said := misfit(self.model, self.label):
            raise ValueError(said)
        return self

    @model_validator(mode="after")
    def _gates_fit_label_and_columns(self) -> Self:
        performance = self.model_gates.performance
        said = (
            metric_names.misfit(performance, self.label)
            or metric_names.baseline_misfit(performance, self.event_time, self.columns)
            or behaviour_rules.misfit(self.behaviour, self)
            or group_rules.misfit(self.model_gates.fairness, self.label, self.groups)
        )
        if said:
            raise ValueError(said)
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        require_space(self.model, self.label, self.tuning)
        if self.event_time and self.columns[self.event_time] != "timestamp":
            raise ValueError(f"event_time {self.event_time!r} is not declared as timestamp")
        if self.split.by == "time" and not self.event_time:
            raise ValueError("split.by is 'time'; name the timestamp column in event_time")
        if self.source.load == "upsert" and not self.key:
            raise ValueError("source.load is 'upsert'; name the columns that identify a row in key")
        names = [_last(path) for path in getattr(self.source, "files", [])]
        patterns = isinstance(self.source, FileSource) and any("*" in name for name in names)
        unknown = [f for f in self.split.test_files if f not in names]
        if unknown and not patterns:
            raise ValueError(f"split.test_files names {unknown[0]!r}, which is not in source.files")
        cursor = getattr(self.source, "cursor", None)
        if cursor and cursor not in self.columns:
            raise ValueError(f"source.cursor names the column {cursor!r}, which is not declared")
        return self

    @model_validator(mode="after")
    def _holds_in_every_environment(self) -> Self:
        for name in self.environments:
            merged(self, name)
        return self


def _require_lists(
    source: AnySource | None, columns: dict[ColumnName, ColumnType], of: str = ""
) -> None:
    """Refuse vectors from a source that has none."""
    for name, kind in columns.items():
        if source is not None and source.kind in NO_VECTORS and vector_width(kind):
            raise ValueError(
                f"{of}columns.{name} is {kind}, which a {source.kind} source cannot hold; "
                "read it from parquet, delta, jsonl or a function"
            )


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]
