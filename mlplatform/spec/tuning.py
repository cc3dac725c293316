"""A study: which settings are tried, how many times, and by what."""

from pydantic import Field

from mlplatform.spec.section import Section, Share


class Tuning(Section):
    """An Optuna study over training and validation rows. Off while `trials` is 0."""

    trials: int = Field(default=0, ge=0)
    learning_rate: tuple[float, float] = (3e-4, 1e-2)
    weight_decay: tuple[float, float] = (1e-6, 1e-2)
    dropout: tuple[Share, Share] = (0.0, 0.4)
    seed: int = 0
