"""What was measured about a model, as plain values: `evaluate` and `judging` make them, `gates` judge them.

A measurement that could not be made is `None` or NaN, and never counts as good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mlplatform.statistics.compared import Compared, Interval

Metric = str  # As `evaluate.tasks.measured` names it.


@dataclass(frozen=True, kw_only=True)
class Opponent:
    """The live model that a candidate is held against.

    `unscored` says why it gave no answers: its artifact is gone, it wants other columns, …; then
    nothing was compared.
    """

    digest: str
    unscored: str = ""


@dataclass(frozen=True, kw_only=True)
class TrivialSeen:
    """One metric of the model and of the trivial baseline on the same rows.

    `lower` and `upper` are one-sided 95 % bounds of how much better the model is.
    """

    metric: Metric
    what: str  # In words: "the majority class", "the last value of each store".
    baseline: float
    better: float
    lower: float
    upper: float
    kind: Literal["constant", "last_value"] = "constant"


@dataclass(frozen=True, kw_only=True)
class PerformanceSeen:
    """How good a model is on the test rows.

    Attributes:
        rows: Test rows.
        unusable: Rows without a usable answer.
        metrics: Of each metric asked for, with one-sided 95 % bounds.
        trivial: What it was held against that needs no model.
        champion: None: the first model.
        compared: Of each metric that has a margin; empty without a champion.
        single: Why the labels of these rows tell no model from another; empty: they do.
        rows_needed: Test rows that would decide about the floor of a metric with 80 % power, if it is
            as seen; of metrics for which that can be told.
    """

    rows: int
    unusable: int
    metrics: Mapping[Metric, Interval]
    trivial: Sequence[TrivialSeen] = ()
    champion: Opponent | None = None
    compared: Sequence[Compared] = ()
    single: str = ""
    rows_needed: Mapping[Metric, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SliceCompared:
    """One slice, "all" or `column=value` or `column=value & column=value`; bounds hold for all slices at once."""

    slice: str
    rows: int
    compared: Compared


@dataclass(frozen=True, kw_only=True)
class RegressionSeen:
    """Candidate against champion on each slice; `small` slices, with their rows, were not judged.

    `rows`, `unusable` and `single` as in `PerformanceSeen`.
    """

    champion: Opponent | None
    slices: Sequence[SliceCompared] = ()
    small: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    unusable: int = 0
    single: str = ""


@dataclass(frozen=True, kw_only=True)
class GapSeen:
    """How differently the groups of one column are treated, by one criterion.

    Attributes:
        column: The group column.
        criterion: "accuracy_gap", "equalized_odds", "demographic_parity", "disparate_impact" or
            "error_ratio".
        observed: None where fewer than two groups are large enough.
        lower: One-sided 95 % bound; of a difference simultaneous over all groups, criteria and columns.
        upper: The other one; of a ratio this one is simultaneous.
        rates: By group: each rate and, as `<rate>_rows`, the rows it is over.
        small: Groups too small to be held to the limit, with the rows.
        increase: By how much it exceeds the champion's on the same rows, with bounds; of an error ratio
            a share of the champion's; None: no champion, or one whose gap is not defined.
        worst: The two groups furthest apart, in words.
    """

    column: str
    criterion: str
    observed: float | None
    lower: float | None
    upper: float | None
    rates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    small: Mapping[str, int] = field(default_factory=dict)
    increase: tuple[float, float, float] | None = None  # Observed, lower, upper.
    worst: str = ""


@dataclass(frozen=True, kw_only=True)
class FairnessSeen:
    """Every gap; `rows`, `unusable` and `single` as in `PerformanceSeen`, `task` what is predicted."""

    rows: int
    unusable: int
    gaps: Sequence[GapSeen]
    task: Literal["binary", "multiclass", "regression"] = "binary"
    champion: Opponent | None = None
    single: str = ""


@dataclass(frozen=True, kw_only=True)
class PromiseSeen:
    """A share that is promised and one that is seen: of a quantile, or of all rows of the rarer class.

    `error` has one-sided 95 % bounds: of a quantile the gap of both, of a class the factor between them.
    """

    kind: Literal["quantile", "class"]
    promised: float
    seen: float
    error: Interval


@dataclass(frozen=True, kw_only=True)
class CalibrationSeen:
    """The calibration error with one-sided 95 % bounds, and in words where it is largest.

    `unusable` and `single` as in `PerformanceSeen`; the error is then NaN. `promises` are those of each
    quantile, or of the rarer one of two classes.
    """

    error: Interval
    what: str
    promises: Sequence[PromiseSeen] = ()
    worst: str = ""
    unusable: int = 0
    single: str = ""


@dataclass(frozen=True, kw_only=True)
class RatioSeen:
    """A percentile of the candidate's latency over the champion's, with one-sided 95 % bounds."""

    percentile: int
    observed: float
    lower: float
    upper: float
    noise: (
        float  # How far from 1 the champion's was over itself, half against half: the noise floor.
    )


@dataclass(frozen=True, kw_only=True)
class TimedSeen:
    """One way to ask a model, one row at a time: "program" or "server".

    Percentiles are in milliseconds, each with its one-sided 95 % upper and lower bound.
    """

    path: Literal["program", "server"]
    samples: int
    p50: float
    p99: float
    p99_lower: float
    p99_upper: float
    ratios: Sequence[RatioSeen] = ()  # Empty without a champion.
    champion_p50: float | None = None
    champion_p99: float | None = None
    # Milliseconds at the edges of the bins, and the answers in each, for a picture.
    edges: Sequence[float] = ()
    counts: Sequence[int] = ()
    champion_counts: Sequence[int] = ()


@dataclass(frozen=True, kw_only=True)
class LatencySeen:
    """What was timed, where; `failed` says why a path could not be."""

    timed: Sequence[TimedSeen]
    failed: Mapping[str, str] = field(default_factory=dict)
    host: str = ""  # Processor and cores.
    champion: Opponent | None = None
    others: float | None = None  # Share of the host's processor time that others used meanwhile.


@dataclass(frozen=True, kw_only=True)
class ThroughputSeen:
    """Requests of one row a second, in each of several windows."""

    requests: int
    errors: int
    per_second: Interval  # Over the windows.
    clients: int
    p99_ms: float
    host: str = ""
    failed: str = ""
    first_error: str = ""
    others: float | None = None  # Share of the host's processor time that others used meanwhile.


@dataclass(frozen=True, kw_only=True)
class CaseSeen:
    """One behavioural test of the suite.

    Attributes:
        name: As declared.
        kind: "invariance", "direction", "minimum", "robustness" or "function".
        tried: Rows or examples tried.
        failed: Of them.
        max_share: That may fail.
        lower: One-sided 95 % bounds of the failing share, exact, where rows are a sample; else the share.
        upper: The other one.
        worst: The worst example in words: before, after, what was expected.
        examples: Rows that failed, the worst first.
        error: Why it could not be tried.
        inapplicable: Why these rows give nothing to try; nothing is wrong with the model.
    """

    name: str
    kind: str
    tried: int
    failed: int
    max_share: float
    lower: float = 0.0
    upper: float = 1.0
    worst: str = ""
    examples: Sequence[Mapping[str, Any]] = ()
    error: str = ""
    inapplicable: str = ""


@dataclass(frozen=True, kw_only=True)
class BehaviourSeen:
    """Every case of the suite."""

    cases: Sequence[CaseSeen]


@dataclass(frozen=True, kw_only=True)
class IntegritySeen:
    """What a model was made from.

    Attributes:
        versions: Table and `Version.reference` of everything it was made from; empty: unknown.
        missing: What the lineage does not say, or what is gone, in words.
        refused: Data gates that did not pass about these very versions, in words.
        forbidden: Columns the model reads and must not, each with the reason.
    """

    versions: Mapping[str, str]
    missing: Sequence[str] = ()
    refused: Sequence[str] = ()
    forbidden: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ReproducibilitySeen:
    """What has to be known to make a model again; empty or None: not on record."""

    commit: str
    dirty: bool | None
    lock: str  # sha256 of the libraries' names and versions.
    seed: int | None
    bits: str = ""  # What the training says of equal bits, in words.
