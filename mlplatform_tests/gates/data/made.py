"""Measures of clean data, to break one at a time."""

from typing import Any

from mlplatform.measures import (
    CorrelationSeen,
    DataMeasured,
    Duplicates,
    LabelSeen,
    LeakSeen,
    MissingSeen,
    OutliersSeen,
    RangeSeen,
    ShiftSeen,
)

NAN = float("nan")
REFERENCE = 50_000


def measured(**what: Any) -> DataMeasured:
    """Measures of 10,000 rows that have a reference, and of nothing else but what is given."""
    return DataMeasured(**{"rows": 10_000, "has_reference": True, **what})


def missing(**what: Any) -> MissingSeen:
    """A column with 1 % of its values missing, now as in the reference."""
    clean = {"rows": 10_000, "missing": 100, "reference_rows": REFERENCE, "reference_missing": 500}
    return MissingSeen(**{"column": "age", **clean, **what})


def repeated(**what: Any) -> Duplicates:
    """A table in which no row repeats another."""
    return Duplicates(**{"rows": 10_000, "repeated": 0, "reference_share": 0.0, **what})


def spread(**what: Any) -> RangeSeen:
    """A column of 10,000 values within the reference's range."""
    ends = {"least": 17.0, "most": 90.0, "reference_least": 17.0, "reference_most": 90.0}
    return RangeSeen(
        **{"column": "age", "values": 10_000, "reference_values": REFERENCE, **ends, **what}
    )


def far(**what: Any) -> OutliersSeen:
    """A column without outliers, now as in the reference."""
    clean = {"outliers": 0, "median": 37.0, "deviation": 13.0, "reference_share": 0.0}
    return OutliersSeen(
        **{"column": "age", "values": 10_000, "reference_values": REFERENCE, **clean, **what}
    )


def tied(**what: Any) -> CorrelationSeen:
    """Two columns that correlate by 0.5, now as in the reference."""
    pair = {"first": "age", "second": "hours", "r": 0.5, "reference_r": 0.5}
    return CorrelationSeen(**{"rows": 10_000, "reference_rows": REFERENCE, **pair, **what})


def shift(**what: Any) -> ShiftSeen:
    """A number that has not moved."""
    clean = {"psi": 0.001, "expected_psi": 0.001, "ks": 0.005, "ks_p": 0.9}
    moments = {"mean": 38.0, "reference_mean": 38.0, "reference_deviation": 13.0}
    rows = {"rows": 10_000, "reference_rows": REFERENCE}
    return ShiftSeen(**{"column": "age", **rows, **clean, **moments, **what})


def classes(**what: Any) -> LabelSeen:
    """A label of which 24 % are positive, now as in the reference."""
    balance = {
        "classes": {"no": 7_600, "yes": 2_400},
        "reference": {"no": 38_000, "yes": 12_000},
    }
    return LabelSeen(**{**balance, **what})


def number_label(number: Any = (), shift: Any = ()) -> LabelSeen:
    """A label of numbers from -5 to 250, near the reference."""
    seen = {"column": "delay", "least": -5.0, "most": 250.0, **dict(number)}
    return LabelSeen(
        classes={}, number=spread(**seen), shift=globals()["shift"](column="delay", **dict(shift))
    )


def leak(**what: Any) -> LeakSeen:
    """A column that says little about the label."""
    return LeakSeen(**{"column": "age", "auc": 0.65, "dependence": 0.03, **what})
