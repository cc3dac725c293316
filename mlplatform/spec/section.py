"""What every part of a spec has in common, and the names it may use."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from mlplatform.verdict import Inconclusive, Severity

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]
PLAIN = ("int64", "float64", "string", "bool", "timestamp")
VECTOR = re.compile(r"vector\[[1-9][0-9]{0,3}\]")


def _column_type(kind: str) -> str:
    if kind not in PLAIN and not VECTOR.fullmatch(kind):
        said = f"Input should be {', '.join(map(repr, PLAIN))} or 'vector[N]'"
        raise PydanticCustomError("column_type", said)  # type: ignore[arg-type]  # Made of constants.
    return kind


# `vector[384]`: 384 numbers a row, such as an embedding that another model made.
ColumnType = Annotated[str, AfterValidator(_column_type)]


class Section(BaseModel):
    """A part of a spec: frozen, strict about names, and without infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Gate(Section):
    """What every gate has: whether it stops the walk, also where the evidence does not decide."""

    severity: Severity = Severity.BLOCK
    inconclusive: Inconclusive = Field(
        default=Inconclusive.HOLD,
        description="What too little evidence does: hold the model, warn and let it pass, or ask a person.",
    )


def vector_width(kind: str) -> int | None:
    """Return how many numbers a vector column holds a row, or None for any other column type."""
    return int(kind[len("vector[") : -1]) if kind.startswith("vector[") else None
