"""What a training may use up. Reaching a limit ends it with the best model so far."""

from typing import Self

from pydantic import Field, model_validator

from mlplatform.spec.section import Section

LIMITS = ("steps", "wall_seconds", "device_hours", "cost")


class Budget(Section):
    """Limits of one training, and, each trial counted, of one study. None is off."""

    wall_seconds: float | None = Field(default=None, gt=0)
    device_hours: float | None = Field(
        default=None, gt=0, description="Hours of every device used, added up."
    )
    cost: float | None = Field(default=None, gt=0, description="In the currency of price_per_hour.")
    price_per_hour: float | None = Field(default=None, ge=0, description="Of one device.")
    steps: int | None = Field(default=None, ge=1, description="Updates of the parameters.")

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.cost is not None and not self.price_per_hour:
            raise ValueError("budget.cost needs budget.price_per_hour")
        return self


def limits(budget: Budget) -> dict[str, float]:
    """Return the limits that are set, by name."""
    return {name: limit for name in LIMITS if (limit := getattr(budget, name)) is not None}
