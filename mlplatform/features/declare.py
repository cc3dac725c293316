"""What a team writes in `features.py`: which columns the model sees, and how. Only values."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.errors import SpecError

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.features.encoder import Encoder

NAME = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*"
)  # No "__": it parts a name from its suffix.
MAX_BINS = 256  # Each bin is a column of the feature table; more has never paid on a table.


@dataclass(frozen=True)
class Numeric:
    """A number, standardised, or cut into bins within which it stays linear.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type int64 or float64.
        log: Take sign(x) * log(1 + |x|) first; for amounts that span orders of magnitude.
        bins: Encode piecewise-linearly over this many training quantiles (Gorishniy et al. 2022,
            section 3.2).
        missing: Stands in for a missing value. Left out, the training median does, and where
            training rows lack values, one more feature says that it did.
    """

    name: str
    column: str = ""
    log: bool = False
    bins: int | None = None
    missing: float | None = None

    def __post_init__(self) -> None:
        _complete(self)
        if self.bins is not None and not 1 <= self.bins <= MAX_BINS:
            raise SpecError(
                f"feature {self.name!r}: bins={self.bins}; 1 to {MAX_BINS} are possible"
            )
        if self.missing is not None and not abs(self.missing) < float("inf"):
            raise SpecError(f"feature {self.name!r}: missing={self.missing} is not a finite number")


@dataclass(frozen=True)
class Categorical:
    """A category: an id by the vocabulary of the training rows, and an embedding the model learns.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type string, int64 or bool.
        min_count: Values in fewer training rows share the id of values never seen.
    """

    name: str
    column: str = ""
    min_count: int = 1

    def __post_init__(self) -> None:
        _complete(self)
        if self.min_count < 1:
            raise SpecError(
                f"feature {self.name!r}: min_count={self.min_count}; at least 1 is needed"
            )


Feature = Numeric | Categorical


@dataclass(frozen=True)
class FeatureSet:
    """Everything the model sees of a row, in order. A column may serve several features."""

    features: tuple[Feature, ...]

    def __init__(self, features: Iterable[Feature]) -> None:
        object.__setattr__(self, "features", tuple(features))
        if not self.features:
            raise SpecError("a FeatureSet needs at least one feature")
        names: set[str] = set()
        for feature in self.features:
            if not isinstance(feature, Feature):
                raise SpecError(f"{feature!r} is no feature; known: Categorical, Numeric")
            if feature.name in names:
                raise SpecError(
                    f"feature {feature.name!r} is declared twice; give one another name"
                )
            names.add(feature.name)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns read, each once, in order of first use."""
        return tuple(dict.fromkeys(feature.column for feature in self.features))

    def fit(self, train: "pa.Table") -> "Encoder":
        """Return the encoder with the medians, quantiles and vocabularies of the training rows.

        Raises:
            FeatureError: If a column is missing, of the wrong type, or holds nothing to learn from.
        """
        from mlplatform.features.fitting import fit_encoder

        return fit_encoder(self, train)


def _complete(feature: Feature) -> None:
    if not isinstance(feature.name, str) or not NAME.fullmatch(feature.name):
        raise SpecError(
            f"feature name {feature.name!r}: letters, digits and single underscores are possible;"
            " `column=` may name any column"
        )
    if not feature.column:
        object.__setattr__(feature, "column", feature.name)
