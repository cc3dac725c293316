"""Tables of things that happened, over which features count and sum what was known at a row's time."""

from typing import Self

from pydantic import Field, model_validator

from mlplatform.spec.section import ColumnName, ColumnType, Section
from mlplatform.spec.source import AnySource

# Names of assets and tables beside them, which no event table may take.
_ASSETS = ["source", "dataset", "reference", "split", "aggregates", "features", "study", "model"]
_ASSETS += ["evaluation", "gate_verdict", "registered_model", "deployment"]
_TABLES = ["quarantine", "statistics", "accepted", "schema", "gates", "gate_overrides"]
_TABLES += ["predictions"]
NOUNS = frozenset(_ASSETS + _TABLES)


class Events(Section):
    """An event table: landed from its own source, or, without one, the pipeline's own dataset.

    An event counts for a row only if it happened, and became known, before the row's time.
    """

    source: AnySource | None = Field(default=None, description="Left out: the own dataset's rows.")
    columns: dict[ColumnName, ColumnType] = Field(
        default={}, description="Every column of the source, in file order."
    )
    event_time: ColumnName = Field(description="The timestamp column that says when it happened.")
    known_at: ColumnName | None = Field(
        default=None,
        description="The timestamp column that says when it became known; left out, it is when the "
        "commit was made that brought the row.",
    )

    @model_validator(mode="after")
    def _declares_its_columns(self) -> Self:
        if self.source is None:
            if self.columns:
                raise ValueError(
                    "events without a source are the dataset's rows: leave columns out"
                )
            return self
        if not self.columns:
            raise ValueError("events.<name>.columns: declare the columns of the source")
        for field, name in (("event_time", self.event_time), ("known_at", self.known_at)):
            if name is not None and self.columns.get(name) != "timestamp":
                raise ValueError(f"events: {field} {name!r} is not declared as timestamp")
        return self
