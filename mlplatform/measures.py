"""What was measured about data, as plain values: `validate` makes them, `gates` judge them.

Shares lie in [0, 1]. A measurement that could not be made is `None`, and never counts as good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Example = Mapping[str, Any]  # source_file, source_line, and the values of the columns meant.


@dataclass(frozen=True, kw_only=True)
class Malformed:
    """Rows in quarantine of the files that the table holds."""

    rows: int  # Of the files, good and bad.
    rejected: int
    by_file: Mapping[str, tuple[int, int]]  # File: (rejected, rows).
    reasons: Mapping[str, int]  # Reason: rows.
    examples: Sequence[Example] = ()  # With line, reason, and the beginning of the text.


@dataclass(frozen=True, kw_only=True)
class Anomaly:
    """One way in which data breaks the schema: the column ("" the table), TFDV's name, its words."""

    column: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class MissingSeen:
    """Missing values of one column."""

    column: str
    rows: int
    missing: int
    new_rows: int = 0
    new_missing: int = 0  # Of the new rows.
    reference_rows: int = 0  # 0: there is no reference.
    reference_missing: int = 0


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Rows whose content, all but key and unused columns, repeats an earlier one's."""

    repeated: int
    new_repeated: int = 0  # New rows whose content any earlier row has.
    reference_share: float | None = None
    reference_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Rows that repeat an earlier one: whole, by content, or by key."""

    rows: int
    repeated: int | None  # None with a key: whole rows repeat no more often than it does.
    key: tuple[str, ...] = ()
    key_repeated: int | None = None  # None without a key.
    new_rows: int = 0
    new_repeated: int = 0  # New rows equal to any earlier row.
    reference_share: float | None = None
    reference_rows: int = 0
    content: Copies | None = None  # None: content is the whole row.
    exact: bool = True  # Else estimated from a sample of the rows' hashes.


@dataclass(frozen=True, kw_only=True)
class RangeSeen:
    """Extremes of one number (or time, in microseconds since 1970) among the rows judged."""

    column: str
    values: int
    least: float | None
    most: float | None
    not_finite: int = 0
    outside: int = 0  # Values outside the declared limits or domain.
    reference_least: float | None = None
    reference_most: float | None = None
    reference_values: int = 0
    stretched: int = 0  # Values further out than the reference's range, stretched by the policy.
    beyond: int = 0  # Values outside the reference's range, however little.
    is_time: bool = False
    worst: str = ""  # What lies outside, in words.


@dataclass(frozen=True, kw_only=True)
class OutliersSeen:
    """Values of one column whose robust z, |x - median| / (1.4826 MAD), exceeds the policy's."""

    column: str
    values: int
    outliers: int
    median: float | None
    deviation: float | None  # 1.4826 MAD of the reference, or of the data without one.
    reference_share: float | None = None
    reference_values: int = 0


@dataclass(frozen=True, kw_only=True)
class CorrelationSeen:
    """Pearson's r of two columns among the rows judged, and in the reference."""

    first: str
    second: str
    rows: int
    r: float | None
    reference_rows: int
    reference_r: float | None
    inflation: float = 1.0  # Of the variance of r, over that of normal columns: heavy tails.


@dataclass(frozen=True, kw_only=True)
class ShiftSeen:
    """How far one column of the rows judged lies from the reference."""

    column: str
    rows: int  # With a value.
    reference_rows: int
    psi: float | None = None  # As measured, in nats.
    expected_psi: float = 0.0  # With no drift, at these row counts.
    ks: float | None = None  # Numbers only.
    ks_p: float | None = None
    mean: float | None = None
    reference_mean: float | None = None
    reference_deviation: float | None = None
    l_infinity: float | None = None  # TFDV's, categories only.
    jensen_shannon: float | None = None  # TFDV's, numbers only.
    tfdv: Literal["", "l_infinity", "jensen_shannon"] = ""  # Which of the two TFDV must measure.
    spike: str = ""  # The single value whose share rose most beyond chance; empty: none rose.
    spike_rows: int = 0  # Rows judged that have it.
    spike_reference_rows: int = 0
    spike_tried: int = 1  # Values that it was picked from.
    unseen: int | None = None  # Rows judged with a value the reference lacks; categories only.
    reference_once: int = 0  # Values the reference has once: about as many rows had one unseen.
    unseen_values: Sequence[str] = ()  # The most frequent of them.
    is_time: bool = False  # Then hours of the day are meant, and nothing else is measured.
    worst: str = ""  # The bin or category that moved most, with both shares, in words.


@dataclass(frozen=True, kw_only=True)
class LabelSeen:
    """Rows by class of the label among the rows judged, in the reference, and in the whole table.

    An empty mapping: there is no reference; and the rows judged are the whole table. A number has
    no classes but `number`, of the whole table, and `shift`, of the rows judged from the reference.
    """

    classes: Mapping[str, int]
    reference: Mapping[str, int] = field(default_factory=dict)
    everything: Mapping[str, int] = field(default_factory=dict)
    expected: Sequence[str] = ()  # Classes that must have rows, where the spec declares them.
    number: RangeSeen | None = None
    shift: ShiftSeen | None = None


@dataclass(frozen=True, kw_only=True)
class LeakSeen:
    """What one column alone says about the label."""

    column: str
    auc: float | None  # Of the best single-column rule, at least 0.5.
    dependence: float | None  # Theil's U(label | column), less its expectation by chance.
    missing_auc: float | None = None  # Of the column's being missing.
    late_share: float | None = None  # Rows where this time is after the event's.
    worst: str = ""  # What gives the label away, in words.


@dataclass(frozen=True, kw_only=True)
class SensitiveSeen:
    """Values of one column that look like personal data. Examples are masked."""

    column: str
    kind: str  # "email", "phone", "card", "national id", "name", "address", "free text", …
    share: float  # Of distinct values looked at.
    looked_at: int
    masked: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class OverlapSeen:
    """Test rows whose content, or entities, also train or validate."""

    test_rows: int
    shared_rows: int
    entity: str = ""
    test_entities: int = 0
    shared_entities: int = 0
    content_shared: int | None = None  # Test rows equal but for key and unused columns; None: none.
    content_by_chance: float = 0.0  # Share of such test rows that chance explains.
    training_rows: int = 0  # That train or validate.
    # Rows by part and class of those with a label, as `validate.label_counts` names them.
    classes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    expected_classes: Sequence[str] = ()  # Of which every part needs rows.
    shares: Mapping[str, float] = field(default_factory=dict)  # Part: share of all rows.
    # Part: share of the positive class, or mean of a number.
    balance: Mapping[str, float] = field(default_factory=dict)
    examples: Sequence[Example] = ()


@dataclass(frozen=True, kw_only=True)
class DataMeasured:
    """Everything the gates of one dataset version want to know; `None` was not measured.

    The rows judged by comparison are the new ones (of files the version accepted before did not
    have) where there are enough, else all; `judged` says which, in words.
    """

    rows: int | None
    new_rows: int | None = None
    accepted_rows: int | None = None  # Of the version accepted before; None for the first.
    newest: datetime | None = None  # By event time, else when the last file landed.
    new_newest: datetime | None = None  # By event time, of the new rows; None: no new rows or time.
    accepted_newest: datetime | None = None  # By event time, of the rows accepted before.
    judged: str = "all rows"
    has_reference: bool = False
    anomalies: Sequence[Anomaly] | None = None
    missing: Sequence[MissingSeen] | None = None
    duplicates: Duplicates | None = None
    ranges: Sequence[RangeSeen] | None = None
    outliers: Sequence[OutliersSeen] | None = None
    correlations: Sequence[CorrelationSeen] | None = None
    shifts: Sequence[ShiftSeen] | None = None
    not_compared: Mapping[str, str] = field(default_factory=dict)  # Column: what is lacking.
    label: LabelSeen | None = None
    leaks: Sequence[LeakSeen] | None = None
    sensitive: Sequence[SensitiveSeen] | None = None
    examples: Mapping[str, Sequence[Example]] = field(default_factory=dict)  # Gate: rows.


@dataclass(frozen=True, kw_only=True)
class AvailabilitySeen:
    """Whether what a feature reads was known at each row's time.

    `found_by` says how it is known: "declared" in the spec's `known_after`, by the times in a
    `known_at` column, or by counting an aggregate's events again, from the events themselves.
    """

    feature: str
    column: str
    found_by: Literal["declared", "known_at", "recount"]
    rows: int  # Looked at, with a value.
    late: (
        int  # Of them, whose value became known after the row's time, or differs from the recount.
    )
    worst: str = ""  # In words: the latest, or the first difference.
    examples: Sequence[Example] = ()


@dataclass(frozen=True, kw_only=True)
class FeatureLeakSeen:
    """What one feature alone says about the label, on training rows."""

    feature: str
    rows: int
    auc: float | None  # Of the best single column of the feature, at least 0.5.
    information: (
        float | None
    )  # Mutual information beyond chance, as a share of the label's entropy.
    given_away: float | None  # Of the rarer class's rows, the share that single values give away.
    worst: str = ""  # What gives the label away, in words.
    given: str = ""  # The value that gives most rows away, in words.


@dataclass(frozen=True, kw_only=True)
class ParitySeen:
    """The same rows along another path: feature by feature in bits, predictions in ulps."""

    path: str  # "batch" or "server", or a platform such as "cuda".
    rows: int
    values: int  # Feature values compared.
    different: int  # Of them, with other bits.
    features: Mapping[str, int] = field(default_factory=dict)  # Feature column: values that differ.
    ulps: int | None = None  # Largest distance between two predictions of one row.
    worst: str = ""  # The first difference, in words: row, feature, both values.
    examples: Sequence[Example] = ()


@dataclass(frozen=True, kw_only=True)
class BudgetSeen:
    """What a training used of what it may: steps, wall_seconds, device_hours, cost, by name."""

    stopped_by: str | None  # The limit that ended it, in words; empty: it ended by itself.
    limits: Mapping[str, float] = field(default_factory=dict)  # Those that are set.
    spent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RequestsSeen:
    """Served requests beside the live model's training rows."""

    requests: int
    shifts: Sequence[ShiftSeen] = ()
    missing: Sequence[MissingSeen] = ()
