"""What the program makes of encoded inputs, as plain values: the second half of `features.json`.

Each state names its inputs by their places in the encoder's list, and says which float columns
("vectors") and which ids come of it. The float columns of all states, in order, are the program's
first result, and the ids of all states its second.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from mlplatform.errors import FeatureError

SCALES = ("standard", "quantile", "none", "bins")


@dataclass(frozen=True, kw_only=True)
class NumericState:
    """A fitted number: clipped, filled, its logarithm taken if `log`, then scaled or cut into bins.

    Attributes:
        scale: "standard" uses mean and deviation, "quantile" and "bins" the edges, "none" nothing.
        clip: Least and most raw value; empty for none.
        fill: The raw value that stands in for a missing one.
        indicator: Whether one more float column says that the value was missing.
        edges: Of the bins or quantiles; of the logarithm if `log`.
        shares: Of training rows below each edge, ascending from 0 to 1; of quantiles only, since a
            value that many rows have fills more than one.
        mean: Of the training values, after clip, fill and log.
        deviation: The same.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    input: int
    scale: str
    log: bool
    clip: tuple[float, ...]
    fill: float
    indicator: bool
    edges: tuple[float, ...]
    mean: float
    deviation: float
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise FeatureError(f"feature {self.name!r}: scale {self.scale!r} is unknown")
        numbers = (self.fill, self.mean, self.deviation, *self.edges, *self.clip)
        if not all(math.isfinite(number) for number in numbers) or self.deviation < 0:
            raise FeatureError(
                f"feature {self.name!r}: its state holds a number that is not finite"
            )
        _check_ascending(self.name, self.edges)
        _check_ascending(self.name, self.shares)
        if len(self.shares) != (len(self.edges) if self.scale == "quantile" else 0):
            raise FeatureError(f"feature {self.name!r}: its shares are not those of its edges")

    @property
    def vectors(self) -> tuple[str, ...]:
        """`<name>__bin_000` and so on, else `<name>__scaled`; then `<name>__missing` if there is one."""
        bins: tuple[str, ...] = ()
        if self.scale == "bins":
            bins = tuple(f"{self.name}__bin_{k:03d}" for k in range(len(self.edges) - 1))
        missing = (f"{self.name}__missing",) if self.indicator else ()
        return (bins or (f"{self.name}__scaled",)) + missing

    @property
    def ids(self) -> dict[str, int]:
        """None."""
        return {}


@dataclass(frozen=True, kw_only=True)
class BucketState:
    """A number's interval: id `FIRST + k` with `k` of the `edges` at or below it; `MISSING` for none."""

    kind: ClassVar[str] = "bucket"
    name: str
    input: int
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_ascending(self.name, self.edges)

    @property
    def vectors(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def ids(self) -> dict[str, int]:
        """One id: its name, and how many there are, the two reserved ones included."""
        return {f"{self.name}__id": len(self.edges) + 3}


@dataclass(frozen=True, kw_only=True)
class IdState:
    """An encoded id, as it is."""

    kind: ClassVar[str] = "id"
    name: str
    input: int
    size: int

    @property
    def vectors(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def ids(self) -> dict[str, int]:
        """One id."""
        return {f"{self.name}__id": self.size}


@dataclass(frozen=True, kw_only=True)
class TimeState:
    """An instant's parts as ids, `FIRST + value`, and its cycles as sine and cosine, 0 where missing."""

    kind: ClassVar[str] = "time"
    name: str
    input: int
    parts: tuple[str, ...]
    cycles: tuple[str, ...]

    @property
    def vectors(self) -> tuple[str, ...]:
        """`<name>__day_sin`, `<name>__day_cos`, …."""
        return tuple(f"{self.name}__{cycle}_{wave}" for cycle in self.cycles for wave in WAVES)

    @property
    def ids(self) -> dict[str, int]:
        """`<name>__hour`, …, each with how many there are, the two reserved ones included."""
        from mlplatform.features.declare.times import PARTS

        return {f"{self.name}__{part}": PARTS[part] + 2 for part in self.parts}  # type: ignore[index] # Checked when declared.


WAVES = ("sin", "cos")


@dataclass(frozen=True, kw_only=True)
class CrossState:
    """Combined ids: mixed radix where all combinations fit into `buckets`, hashed where they do not.

    `of` names ids of other states, `sizes` says how many each has.
    """

    kind: ClassVar[str] = "cross"
    name: str
    of: tuple[str, ...]
    sizes: tuple[int, ...]
    buckets: int

    @property
    def vectors(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def ids(self) -> dict[str, int]:
        """One id."""
        return {f"{self.name}__id": self.buckets + 2}


@dataclass(frozen=True, kw_only=True)
class WideState:
    """Many numbers of one input: word counts, of which log(1 + x) is taken, or a vector as it is."""

    kind: ClassVar[str] = "wide"
    name: str
    input: int
    width: int
    log: bool

    @property
    def vectors(self) -> tuple[str, ...]:
        """`<name>__000` and so on."""
        return tuple(f"{self.name}__{k:03d}" for k in range(self.width))

    @property
    def ids(self) -> dict[str, int]:
        """None."""
        return {}


@dataclass(frozen=True, kw_only=True)
class FunctionState:
    """A team's own function of some inputs. The function is in the program; here is what was of it.

    Attributes:
        inputs: Places of its arguments.
        source: sha256 of its traced jaxpr, so that another function is another state.
    """

    kind: ClassVar[str] = "function"
    name: str
    inputs: tuple[int, ...]
    width: int
    source: str

    @property
    def vectors(self) -> tuple[str, ...]:
        """`<name>__value`, or `<name>__000` and so on."""
        if self.width == 1:
            return (f"{self.name}__value",)
        return tuple(f"{self.name}__{k:03d}" for k in range(self.width))

    @property
    def ids(self) -> dict[str, int]:
        """None."""
        return {}


State = NumericState | BucketState | IdState | TimeState | CrossState | WideState | FunctionState
STATES: dict[str, type[State]] = {
    kind.kind: kind
    for kind in (
        NumericState, BucketState, IdState, TimeState, CrossState, WideState, FunctionState,
    )
}  # fmt: skip


def _check_ascending(name: str, edges: tuple[float, ...]) -> None:
    if any(low >= high for low, high in pairwise(edges)):
        raise FeatureError(f"feature {name!r}: its edges do not ascend")
