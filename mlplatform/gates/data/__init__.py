"""Gates on data, before anything is trained on it: pure functions of measures and policy.

`judged` asks all gates of a dataset version; `malformed_rows` judges its source, `overlap` its
split. Every gate says which columns, what was seen, what was expected, and what to do.
"""

from dataclasses import replace
from datetime import datetime

from mlplatform.gates.data.check import plain
from mlplatform.gates.data.completeness import duplicates, missing_values
from mlplatform.gates.data.drift import correlations, distribution
from mlplatform.gates.data.label import label_balance, label_leakage
from mlplatform.gates.data.privacy import overlap, sensitive_data
from mlplatform.gates.data.table import data_schema, freshness, malformed_rows, row_count
from mlplatform.gates.data.values import outliers, value_ranges
from mlplatform.measures import DataMeasured
from mlplatform.spec.data_gates import DataGates
from mlplatform.verdict import Verdict

__all__ = [
    "correlations",
    "data_schema",
    "distribution",
    "duplicates",
    "freshness",
    "judged",
    "label_balance",
    "label_leakage",
    "malformed_rows",
    "missing_values",
    "outliers",
    "overlap",
    "row_count",
    "sensitive_data",
    "value_ranges",
]


def judged(m: DataMeasured, gates: DataGates, now: datetime) -> list[Verdict]:
    """Return the verdict of every gate on the dataset, in the order of `DataGates`.

    A verdict other than PASS shows the example rows measured for it.
    """
    verdicts = [
        data_schema(m, gates.data_schema),
        row_count(m, gates.row_count),
        freshness(m, now, gates.freshness),
        missing_values(m, gates.missing_values),
        duplicates(m, gates.duplicates),
        value_ranges(m, gates.value_ranges),
        outliers(m, gates.outliers),
        correlations(m, gates.correlations),
        distribution(m, gates.distribution),
        label_balance(m, gates.label_balance),
        label_leakage(m, gates.label_leakage),
        sensitive_data(m, gates.sensitive_data),
    ]
    return [_with_examples(verdict, m) for verdict in verdicts]


def _with_examples(verdict: Verdict, m: DataMeasured) -> Verdict:
    rows = m.examples.get(verdict.gate, ())
    if verdict.passed or not rows:
        return verdict
    return replace(verdict, evidence={**verdict.evidence, "examples": plain(list(rows))})
