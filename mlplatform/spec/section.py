"""What every part of a spec has in common, and the names it may use."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mlplatform.verdict import Severity

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
ColumnType = Literal["int64", "float64", "string", "bool", "timestamp"]


class Section(BaseModel):
    """A part of a spec: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Gate(Section):
    """What every gate has: whether it stops the walk."""

    severity: Severity = Severity.BLOCK
