"""Features that are numbers: scaled, cut into bins, or passed through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.declare.feature import (
    Column,
    Feature,
    aggregates_in,
    check_name,
    check_name_and_column,
    column_name,
    is_number,
    require,
    require_whole,
)

MAX_BINS = 256  # Each bin is a column of the feature table; more has never paid on a table.
NUMBERS = ("int64", "float64")
Scale = Literal["standard", "quantile", "none"]
SCALES: tuple[Scale, ...] = ("standard", "quantile", "none")
UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}


@dataclass(frozen=True, kw_only=True)
class _Scaled(Feature):
    """What may be done to any number, in this order: clip, log, fill, scale or bins."""

    scale: Scale = "standard"
    log: bool = False
    clip: tuple[float, float] | None = None
    bins: int | None = None
    missing: float | None = None


def _check_scaled(feature: "Numeric | Elapsed") -> None:
    name, bins, clip = feature.name, feature.bins, feature.clip
    require(name, feature.scale in SCALES, f"scale={feature.scale!r}; known: {', '.join(SCALES)}")
    if bins is not None:
        require_whole(name, "bins", bins, 1, MAX_BINS)
    finite = feature.missing is None or is_number(feature.missing)
    require(name, finite, f"missing={feature.missing!r} is no number of 32 bits")
    pair = isinstance(clip, tuple | list) and len(clip) == 2 and all(map(is_number, clip))
    ordered = clip is None or (pair and clip[0] < clip[1])
    require(name, ordered, f"clip={clip!r}; write (least, most), numbers of 32 bits")


@dataclass(frozen=True)
class Numeric(_Scaled):
    """A number, scaled, or cut into bins within which it stays linear.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type int64 or float64, or an `Aggregate`.
        scale: "standard" is (x - mean) / deviation, at most 10 either way; "quantile" the share of
            training rows below, from 0 to 1, piecewise linear; "none" leaves the number as it is.
        log: Take sign(x) * log(1 + |x|) first; for amounts that span orders of magnitude.
        clip: Least and most value, before anything else.
        bins: Encode piecewise-linearly over this many training quantiles (Gorishniy et al. 2022,
            section 3.2), instead of a scale.
        missing: Stands in for a missing value. Left out, the training median does, and where
            training rows lack values, one more feature says that it did.
    """

    name: str
    column: Column = ""

    def __post_init__(self) -> None:
        check_name_and_column(self)
        _check_scaled(self)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {column_name(self.column): NUMBERS}

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The column, where it is one."""
        return aggregates_in(self.column)


@dataclass(frozen=True)
class Elapsed(_Scaled):
    """The time from one instant to another: `column` minus `since`, in `unit`; otherwise a `Numeric`.

    Attributes:
        name: The feature's name.
        column: The later timestamp column.
        since: The earlier one; a negative time stays negative.
        unit: "seconds", "minutes", "hours" or "days".
    """

    name: str
    column: str
    since: str
    unit: str = "days"

    def __post_init__(self) -> None:
        check_name(self.name)
        require(self.name, self.unit in UNITS, f"unit={self.unit!r}; known: {', '.join(UNITS)}")
        _check_scaled(self)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The two times."""
        return {self.column: ("timestamp",), self.since: ("timestamp",)}


@dataclass(frozen=True)
class Embedding(Feature):
    """Numbers that another model made of the row, passed through as they are; zeros where missing.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type vector[N]; N float features come of it.
    """

    name: str
    column: str = ""

    def __post_init__(self) -> None:
        check_name_and_column(self)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {self.column: ("vector",)}
