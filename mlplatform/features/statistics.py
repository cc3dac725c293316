"""What the features of a table look like: counted while it is built, batch by batch, in any grouping.

Statistics of parts add up to those of the whole, so threads, machines and later appends each count
their own rows. Floats are counted by the leading twelve bits of their f32: sign, exponent and three
bits of the fraction, which needs no range beforehand and tells quantiles to a sixteenth of their size.
"""

import json
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from mlplatform.errors import FeatureError
from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import MISSING, NO_TIME
from mlplatform.features.state import FunctionState, NumericState, State

FORMAT = 1
COLUMNS = 8  # Of a feature that are described; of bins, all are counted.
SHIFT, BUCKETS = 20, 1 << 12  # Of an f32's bits, and how many leading ones there are.
KEPT = 10_000  # Ids of a feature kept in the artifact, the most frequent; all others are summed up.


@dataclass
class Moments:
    """Rows, mean, sum of squared deviations, extremes and histogram of one float column."""

    rows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    histogram: dict[int, int] = field(default_factory=dict)  # Leading bits: rows.

    def add(self, other: "Moments") -> None:
        """Count the rows of `other` too, as in Chan, Golub & LeVeque (1983), equation 1.5."""
        rows = self.rows + other.rows
        if rows:
            step = other.mean - self.mean
            self.mean += step * other.rows / rows
            self.squares += other.squares + step * step * self.rows * other.rows / rows
        self.rows, self.low, self.high = rows, min(self.low, other.low), max(self.high, other.high)
        _add(self.histogram, other.histogram)

    @property
    def deviation(self) -> float:
        """Standard deviation of the rows."""
        return float(np.sqrt(self.squares / self.rows)) if self.rows else 0.0

    def quantile(self, share: float) -> float:
        """Return the middle of the bucket that holds the quantile, within the extremes."""
        ordered = sorted((value(bits), rows) for bits, rows in self.histogram.items())
        wanted = share * self.rows
        for (middle, _), so_far in zip(
            ordered, accumulate(rows for _, rows in ordered), strict=True
        ):
            if so_far >= wanted:
                return min(max(middle, self.low), self.high)
        return self.high


@dataclass
class FeatureStatistics:
    """One declared feature.

    Attributes:
        kind: Of its state, such as "numeric" or "id".
        missing: Rows without a value of its own, or None where encoding does not tell.
        columns: The first float columns by name.
        above: Of bins: rows above the lower end of each.
        ids: Rows by id, for each of its ids by name.
        sizes: How many ids there are, by the same names.
    """

    kind: str
    missing: int | None = 0
    columns: dict[str, Moments] = field(default_factory=dict)
    above: list[int] = field(default_factory=list)
    ids: dict[str, dict[int, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, other: "FeatureStatistics") -> None:
        """Count the rows of `other` too."""
        if self.missing is not None and other.missing is not None:
            self.missing += other.missing
        for name, moments in other.columns.items():
            self.columns.setdefault(name, Moments()).add(moments)
        self.above = [sum(pair) for pair in zip(self.above, other.above, strict=True)]
        for name, counts in other.ids.items():
            _add(self.ids.setdefault(name, {}), counts)


@dataclass
class Statistics:
    """Every declared feature over `rows` rows."""

    rows: int = 0
    features: dict[str, FeatureStatistics] = field(default_factory=dict)

    def add(self, other: "Statistics") -> None:
        """Count the rows of `other` too."""
        self.rows += other.rows
        for name, feature in other.features.items():
            if name in self.features:
                self.features[name].add(feature)
            else:
                self.features[name] = feature

    def to_json(self) -> bytes:
        """Return the content of statistics.json."""
        says = {"format": FORMAT, "rows": self.rows}
        return json.dumps(
            {**says, "features": {n: _told(f) for n, f in self.features.items()}}
        ).encode()

    @staticmethod
    def from_json(content: bytes) -> "Statistics":
        """Return the statistics that `to_json` wrote.

        Raises:
            FeatureError: If `content` is anything else.
        """
        try:
            stored = json.loads(content)
            if stored["format"] != FORMAT:
                raise FeatureError(f"statistics.json has format {stored['format']}, not {FORMAT}")
            features = {name: _read(told) for name, told in stored["features"].items()}
            return Statistics(int(stored["rows"]), features)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise FeatureError(f"statistics.json cannot be read: {wrong!r}") from None


class Counter:
    """Counts batches of one encoder's features; threads may share it."""

    def __init__(self, encoder: Encoder) -> None:
        floats = list(accumulate((len(s.vectors) for s in encoder.states), initial=0))
        ids = list(accumulate((len(s.ids) for s in encoder.states), initial=0))
        self._places = list(zip(encoder.states, floats, ids, strict=False))
        self._inputs = _places_of_inputs(encoder)

    def count(self, encoded: Encoded, vectors: np.ndarray, ids: np.ndarray) -> Statistics:
        """Return the statistics of rows: `vectors` f32[columns, rows], `ids` i32[columns, rows]."""
        features = {
            state.name: FeatureStatistics(
                kind=state.kind,
                missing=self._missing(state, encoded),
                columns=_moments(state, vectors[at : at + len(state.vectors)]),
                above=_above(state, vectors[at : at + len(state.vectors)]),
                ids={n: _counts(ids[of + k]) for k, n in enumerate(state.ids)},
                sizes=dict(state.ids),
            )
            for state, at, of in self._places
        }
        return Statistics(len(encoded), features)

    def _missing(self, state: State, encoded: Encoded) -> int | None:
        """Return rows in which one of the state's inputs has no value; None if encoding does not tell."""
        inputs = (
            state.inputs if isinstance(state, FunctionState) else (getattr(state, "input", None),)
        )
        rows = np.zeros(len(encoded), np.bool_)
        for one in inputs:
            if one is None:
                return None
            numeric, at, absent = self._inputs[one]
            if absent is None:
                return None
            values = (encoded.numeric if numeric else encoded.integers)[:, at]
            rows |= np.isnan(values) if numeric else values == absent
        return int(np.count_nonzero(rows))


def value(bits: int) -> float:
    """Return the middle of what floats with these leading bits there are."""
    ends = np.array([bits << SHIFT, (bits << SHIFT) + (1 << SHIFT) - 1], np.uint32)
    low, high = ends.view(np.float32).astype(np.float64).tolist()
    return 0.0 if bits in (0, BUCKETS // 2) else (low + high) / 2


def _places_of_inputs(encoder: Encoder) -> list[tuple[bool, int, int | None]]:
    """Return for each input: whether it is of floats, its first column there, and what stands for no value."""
    places, at = [], {True: 0, False: 0}
    for one in encoder.inputs:
        absent = {"time": NO_TIME, "text": None}.get(one.kind, MISSING)
        places.append((one.numeric, at[one.numeric], absent))
        at[one.numeric] += one.width
    return places


def _described(state: State) -> list[str]:
    """Return the float columns whose moments are kept."""
    if not isinstance(state, NumericState):
        return list(state.vectors)[:COLUMNS]
    return [] if state.scale == "bins" else [state.vectors[0]]


def _moments(state: State, vectors: np.ndarray) -> dict[str, Moments]:
    return {name: _of_column(vectors[k]) for k, name in enumerate(_described(state))}


def _of_column(values: np.ndarray) -> Moments:
    if not len(values):
        return Moments()
    exact = values.astype(np.float64)
    mean = float(exact.mean())
    exact -= mean
    np.square(exact, out=exact)  # A dot product would wake BLAS threads beside the engine's own.
    counts = np.bincount(values.view(np.uint32) >> SHIFT, minlength=BUCKETS)
    return Moments(
        rows=len(values),
        mean=mean,
        squares=float(exact.sum()),
        low=float(values.min()),
        high=float(values.max()),
        histogram=_sparse(counts),
    )


def _above(state: State, vectors: np.ndarray) -> list[int]:
    """Return how many rows came beyond the lower end of each bin."""
    if not isinstance(state, NumericState) or state.scale != "bins":
        return []
    bins = len(state.vectors) - state.indicator
    return [int(np.count_nonzero(vectors[k] > 0)) for k in range(bins)]


def _counts(ids: np.ndarray) -> dict[int, int]:
    return _sparse(np.bincount(ids)) if len(ids) else {}


def _sparse(counts: np.ndarray) -> dict[int, int]:
    there = np.flatnonzero(counts)
    return dict(zip(there.tolist(), counts[there].tolist(), strict=True))


def _add(to: dict[int, int], counts: dict[int, int]) -> None:
    for key, rows in counts.items():
        to[key] = to.get(key, 0) + rows


def _told(feature: FeatureStatistics) -> dict[str, Any]:
    told = {name: getattr(feature, name) for name in ("kind", "missing", "above", "sizes")}
    columns = {}
    for name, moments in feature.columns.items():
        ends = [moments.low, moments.high] if moments.rows else None
        columns[name] = {
            "rows": moments.rows, "mean": moments.mean, "squares": moments.squares, "ends": ends,
            "histogram": moments.histogram,
        }  # fmt: skip
    ids = {name: dict(top(counts)[:KEPT]) for name, counts in feature.ids.items()}
    return {**told, "columns": columns, "ids": ids}


def _read(told: dict[str, Any]) -> FeatureStatistics:
    columns = {}
    for name, says in told["columns"].items():
        low, high = says["ends"] or (float("inf"), float("-inf"))
        histogram = {int(k): v for k, v in says["histogram"].items()}
        columns[name] = Moments(says["rows"], says["mean"], says["squares"], low, high, histogram)
    ids = {name: {int(k): v for k, v in counts.items()} for name, counts in told["ids"].items()}
    return FeatureStatistics(
        told["kind"], told["missing"], columns, list(told["above"]), ids, told["sizes"]
    )


def top(counts: dict[int, int]) -> list[tuple[int, int]]:
    """Return id and rows, the most frequent first."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
