"""What starts a run without a person."""

import re
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from mlplatform.spec.section import Section

CRON_FIELDS = 5  # minute, hour, day of month, month, day of week


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
