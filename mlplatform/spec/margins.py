"""Shares that a policy sets, and what a person who writes percent is told."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

WIDEST = 0.2  # Margin: a model that is worse by more is worse by anybody's measure.
PERCENT = 100


def not_within(value: float, most: float = 1.0) -> str:
    """Return that a value lies outside 0 to `most`, and what was probably meant."""
    if most != 1:
        return f"{value:g} is no number between 0 and {most:g}"
    meant = value if most < value <= PERCENT else 90
    return f"{value:g} is no share between 0 and 1; write {meant / PERCENT:g} for {meant:g} %"


def margin_misfit(margin: float) -> str:
    """Return why a margin, a share, is none; empty if it is."""
    if margin > 1:
        return not_within(margin)
    if margin > WIDEST:
        return (
            f"{margin:g} is more than {WIDEST:g}: nothing would be a regression; write 0.01 for 1 %"
        )
    return ""


def _margin(value: float) -> float:
    if said := margin_misfit(value):
        raise PydanticCustomError("margin", "{said}", {"said": said})
    return value


Margin = Annotated[float, Field(ge=0), AfterValidator(_margin)]
