"""What encoding makes of raw columns, as plain values: the first half of `features.json`.

Inputs of numbers fill the columns of `Encoded.numeric`, the others those of `Encoded.integers`, each
in their order, `width` columns an input. Equal inputs of several features are one.
"""

from dataclasses import dataclass
from typing import ClassVar

from mlplatform.errors import FeatureError

MISSING = 0  # Category id of "no value".
UNSEEN = 1  # Category id of values outside the vocabulary.
FIRST = 2  # Category id of the vocabulary's first value, or of the first hash bucket.
NO_TIME = -(2**31)  # Stands in both columns of a missing instant.


@dataclass(frozen=True, kw_only=True)
class NumberInput:
    """A number as f32, NaN where it is missing; of a bool 1 for true."""

    kind: ClassVar[str] = "number"
    numeric: ClassVar[bool] = True
    width: ClassVar[int] = 1
    column: str
    type: str  # int64, float64 or bool.


@dataclass(frozen=True, kw_only=True)
class ElapsedInput:
    """`column` minus `since`, in units of `unit_seconds`, as f32; NaN where one is missing."""

    kind: ClassVar[str] = "elapsed"
    numeric: ClassVar[bool] = True
    width: ClassVar[int] = 1
    column: str
    since: str
    unit_seconds: int


@dataclass(frozen=True, kw_only=True)
class VectorInput:
    """The numbers of a vector column as f32; NaN in all where it is missing."""

    kind: ClassVar[str] = "vector"
    numeric: ClassVar[bool] = True
    column: str
    size: int

    @property
    def width(self) -> int:
        """As many f32 columns."""
        return self.size


@dataclass(frozen=True, kw_only=True)
class TextInput:
    """Words, and runs of up to `ngrams` words, counted by hash bucket, as f32; 0 where missing."""

    kind: ClassVar[str] = "text"
    numeric: ClassVar[bool] = True
    column: str
    buckets: int
    ngrams: int

    @property
    def width(self) -> int:
        """One f32 column a bucket."""
        return self.buckets


@dataclass(frozen=True, kw_only=True)
class VocabularyInput:
    """A category's id as i32: `FIRST + k` for `vocabulary[k]`; bools are "false" and "true"."""

    kind: ClassVar[str] = "vocabulary"
    numeric: ClassVar[bool] = False
    width: ClassVar[int] = 1
    column: str
    type: str  # string, int64 or bool.
    vocabulary: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise FeatureError(f"the vocabulary of column {self.column!r} repeats a value")

    @property
    def size(self) -> int:
        """Number of ids, the two reserved ones included."""
        return FIRST + len(self.vocabulary)


@dataclass(frozen=True, kw_only=True)
class HashInput:
    """A category's id as i32: `FIRST` + its hash modulo `buckets`; `MISSING` where it is missing."""

    kind: ClassVar[str] = "hash"
    numeric: ClassVar[bool] = False
    width: ClassVar[int] = 1
    column: str
    type: str  # string or int64.
    buckets: int

    @property
    def size(self) -> int:
        """Number of ids, the two reserved ones included."""
        return FIRST + self.buckets


@dataclass(frozen=True, kw_only=True)
class TimeInput:
    """An instant by the clock of `timezone`, as two i32: days since 1970, and seconds since midnight.

    Both are `NO_TIME` where it is missing.
    """

    kind: ClassVar[str] = "time"
    numeric: ClassVar[bool] = False
    width: ClassVar[int] = 2
    column: str
    timezone: str


Input = (
    NumberInput | ElapsedInput | VectorInput | TextInput | VocabularyInput | HashInput | TimeInput
)
INPUTS: dict[str, type[Input]] = {
    kind.kind: kind
    for kind in (
        NumberInput, ElapsedInput, VectorInput, TextInput, VocabularyInput, HashInput, TimeInput,
    )
}  # fmt: skip


def columns_of(one: Input) -> dict[str, str]:
    """Return the raw columns an input reads and their types, as a spec writes them."""
    if isinstance(one, ElapsedInput):
        return {one.column: "timestamp", one.since: "timestamp"}
    if isinstance(one, VectorInput):
        return {one.column: f"vector[{one.size}]"}
    if isinstance(one, TextInput):
        return {one.column: "string"}
    return {one.column: "timestamp" if isinstance(one, TimeInput) else one.type}
