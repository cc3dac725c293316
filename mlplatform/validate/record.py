"""The row of `<pipeline>/statistics`, as a value and as a table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from mlplatform.validate.schema import Anomaly
from mlplatform.validate.statistics import ColumnSummary

_TOP = pa.struct({"value": pa.string(), "rows": pa.int64()})
_COLUMN = pa.struct(
    {
        "name": pa.string(),
        "type": pa.string(),
        "rows": pa.int64(),
        "missing_share": pa.float64(),
        "minimum": pa.float64(),
        "maximum": pa.float64(),
        "mean": pa.float64(),
        "deviation": pa.float64(),
        "deciles": pa.list_(pa.float64()),
        "distinct": pa.int64(),
        "top": pa.list_(_TOP),
    }
)
_ANOMALY = pa.struct({"column": pa.string(), "reason": pa.string(), "detail": pa.string()})
STATISTICS_SCHEMA = pa.schema(
    {
        "dataset": pa.string(),
        "dataset_digest": pa.string(),
        "rows": pa.int64(),
        "training_rows": pa.int64(),
        "test_files": pa.list_(pa.string()),
        "columns": pa.list_(_COLUMN),
        "anomalies": pa.list_(_ANOMALY),
        "statistics": pa.string(),
        "schema": pa.string(),
        "proposed_schema": pa.string(),
        "anomalies_artifact": pa.string(),
    }
)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One row of `<pipeline>/statistics`: a dataset version judged by an accepted schema.

    `columns` and `anomalies` are of all rows. Digests name artifacts: `statistics` holds all.pb and
    training.pb (rows not of `test_files`), `schema` (accepted) and `proposed_schema` (of this
    version's training rows) hold schema.pb and schema.pbtxt, `anomalies_artifact` holds
    anomalies.pb.
    """

    dataset: str
    dataset_digest: str
    rows: int
    training_rows: int
    test_files: tuple[str, ...]
    columns: tuple[ColumnSummary, ...]
    anomalies: tuple[Anomaly, ...]
    statistics: str
    schema: str
    proposed_schema: str
    anomalies_artifact: str

    @property
    def missing_shares(self) -> dict[str, float]:
        """Share of rows without a value, by column."""
        return {column.name: column.missing_share for column in self.columns}


def to_table(profile: Profile) -> pa.Table:
    """Return the profile as one row of `STATISTICS_SCHEMA`."""
    row = asdict(profile)
    for column in row["columns"]:
        column["top"] = [{"value": value, "rows": rows} for value, rows in column["top"]]
    return pa.Table.from_pylist([row], schema=STATISTICS_SCHEMA)


def from_row(row: Mapping[str, Any]) -> Profile:
    """Return the profile that `to_table` wrote as `row`."""
    columns = tuple(_column(column) for column in row["columns"])
    anomalies = tuple(Anomaly(**anomaly) for anomaly in row["anomalies"])
    test_files = tuple(row["test_files"])
    return Profile(**{**row, "columns": columns, "anomalies": anomalies, "test_files": test_files})


def _column(row: Mapping[str, Any]) -> ColumnSummary:
    top = tuple((entry["value"], entry["rows"]) for entry in row["top"])
    return ColumnSummary(**{**row, "deciles": tuple(row["deciles"]), "top": top})
