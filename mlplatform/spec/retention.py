"""How long models, reports and references hold the data that they were made from, and when tables are compacted."""

from pydantic import Field

from mlplatform.spec.section import Section
from mlplatform.spec.triggers import ScheduleTrigger

NIGHTLY = ScheduleTrigger(cron="30 2 * * *")


class Retention(Section):
    """For how long each stage holds table versions and artifacts; what is live holds them while it is.

    None holds them for ever.
    """

    registered_days: float | None = Field(
        default=None, gt=0, description="Of a registered model, after it was last live."
    )
    report_days: float | None = Field(
        default=365, gt=0, description="Of a report: a verdict about a model, after it was given."
    )
    reference_days: float | None = Field(
        default=365, gt=0, description="Of a reference, after another took its place."
    )
    certificate_days: float | None = Field(
        default=None, gt=0, description="Of a certificate of reproduction, after it was made."
    )
    grace_days: float = Field(
        default=7,
        gt=0,
        description="How long a step may still read, or a writer not have committed.",
    )
    optimize: ScheduleTrigger | None = Field(
        default=NIGHTLY, description="When tables of many files are compacted; None is never."
    )
