"""Features that are categories: an id each, and an embedding the model learns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
from mlplatform.features.declare.numbers import MAX_BINS, NUMBERS

MAX_COUNT = 10**12
MAX_IDS = 1_000_000  # Each id is a row of the model's embedding table.


@dataclass(frozen=True)
class Categorical(Feature):
    """A category: an id by the vocabulary of the training rows.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type string, int64 or bool.
        min_count: Values in fewer training rows share the id of values never seen.
    """

    name: str
    column: str = ""
    min_count: int = 1

    def __post_init__(self) -> None:
        check_name_and_column(self)
        require_whole(self.name, "min_count", self.min_count, 1, MAX_COUNT)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {self.column: ("string", "int64", "bool")}


@dataclass(frozen=True)
class Hashed(Feature):
    """A category of very many values: an id by hash, so that there is no vocabulary to keep.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type string or int64.
        buckets: Number of ids; values of equal hash share one (Weinberger et al. 2009).
    """

    name: str
    column: str = ""
    buckets: int = 1024

    def __post_init__(self) -> None:
        check_name_and_column(self)
        require_whole(self.name, "buckets", self.buckets, 2, MAX_IDS)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {self.column: ("string", "int64")}


@dataclass(frozen=True)
class Bucketize(Feature):
    """A number as a category: which of some intervals it lies in.

    Attributes:
        name: The feature's name, and its column unless `column` says another.
        column: The raw column, of type int64 or float64, or an `Aggregate`.
        edges: Ascending numbers between the intervals; a number equal to an edge lies above it.
        quantiles: In place of edges: cut the training rows into this many equally full intervals.
    """

    name: str
    column: Column = ""
    edges: tuple[float, ...] = ()
    quantiles: int | None = None

    def __post_init__(self) -> None:
        check_name_and_column(self)
        numbers = not isinstance(self.edges, str) and all(map(is_number, self.edges))
        require(self.name, numbers, f"edges={self.edges!r} are no numbers of 32 bits")
        object.__setattr__(self, "edges", tuple(float(edge) for edge in self.edges))
        one = bool(self.edges) != (self.quantiles is not None)
        require(self.name, one, "give either edges= or quantiles=")
        ascend = all(low < high for low, high in pairwise(self.edges))
        require(self.name, ascend, f"edges={self.edges} do not ascend")
        if self.quantiles is not None:
            require_whole(self.name, "quantiles", self.quantiles, 2, MAX_BINS)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """The one column."""
        return {column_name(self.column): NUMBERS}

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """The column, where it is one."""
        return aggregates_in(self.column)


@dataclass(frozen=True)
class Cross(Feature):
    """The combination of categories as one category.

    Attributes:
        name: The feature's name.
        of: Two or more features of this set that are categories: `Categorical`, `Hashed`, `Bucketize`,
            or a part of a `Datetime` by its full name, like "left__hour".
        buckets: Number of ids. Left out, every combination has its own; given, combinations are
            hashed where there are more of them.
    """

    name: str
    of: tuple[str, ...]
    buckets: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        require(self.name, not isinstance(self.of, str), f"of={self.of!r}; write a list of names")
        object.__setattr__(self, "of", tuple(self.of))
        require(self.name, len(set(self.of)) > 1, f"of={self.of}; cross two or more features")
        if self.buckets is not None:
            require_whole(self.name, "buckets", self.buckets, 2, MAX_IDS)

    @property
    def reads(self) -> Mapping[str, Sequence[str]]:
        """No column of its own: it reads features."""
        return {}
