"""The row of `<pipeline>/statistics`, as a value and as a table."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlplatform.measures import Anomaly
from mlplatform.validate.anomalies import Distance
from mlplatform.validate.summary import Bar, ColumnSummary, Top

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline
    from mlplatform.validate.scan import Scan

SCAN = "scan.bin"  # In the artifact.
_TOP = pa.struct({"value": pa.string(), "rows": pa.int64()})
_BAR = pa.struct({"low": pa.float64(), "high": pa.float64(), "rows": pa.float64()})
_COLUMN = pa.struct(
    {
        "name": pa.string(),
        "type": pa.string(),
        "rows": pa.int64(),
        "missing": pa.int64(),
        "not_finite": pa.int64(),
        "distinct": pa.int64(),
        "minimum": pa.float64(),
        "maximum": pa.float64(),
        "mean": pa.float64(),
        "deviation": pa.float64(),
        "quartiles": pa.list_(pa.float64()),
        "top": pa.list_(_TOP),
        "bars": pa.list_(_BAR),
    }
)
FILES = pa.list_(pa.struct({"name": pa.string(), "identity": pa.string()}))
_ANOMALY = pa.struct({"column": pa.string(), "reason": pa.string(), "detail": pa.string()})
_DISTANCE = pa.struct({"column": pa.string(), "kind": pa.string(), "value": pa.float64()})
STATISTICS_SCHEMA = pa.schema(
    {
        "dataset": pa.string(),
        "dataset_digest": pa.string(),
        "rows": pa.int64(),
        "training_rows": pa.int64(),
        "new_rows": pa.int64(),
        "judged": pa.string(),
        "files": FILES,
        "known_files": FILES,
        "columns": pa.list_(_COLUMN),
        "anomalies": pa.list_(_ANOMALY),
        "distances": pa.list_(_DISTANCE),
        "plan": pa.string(),
        "statistics": pa.string(),
        "scan": pa.string(),
        "schema": pa.string(),
        "proposed_schema": pa.string(),
        "reference": pa.string(),
        "like": pa.string(),
        "anomalies_artifact": pa.string(),
        "page": pa.string(),
    }
)


@dataclass(frozen=True, kw_only=True)
class FileSeen:
    """A file, batch or version whose rows a dataset version holds.

    `identity` is another one when its content or reading is; "" where it is not known, as of a
    dataset that was not made from `<pipeline>/source`: then the name alone counts.
    """

    name: str
    identity: str = ""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One row of `<pipeline>/statistics`: a dataset version judged by a schema and a reference.

    `columns` are of all rows, `anomalies` too, and of new rows where those are judged; `new_rows`
    are those of files that the dataset version accepted before did not have (`known_files`), or
    had with other content under the same name.
    `distances` from the reference are of the rows that `judged` names: `new` or `all`; there are
    none without a reference.

    Digests name artifacts: `statistics` holds all.pb, training.pb (rows that are not test) and
    new.pb; `scan` holds scan.bin; `schema` (accepted) and `proposed_schema` (of this version's
    training rows) hold schema.pb and schema.pbtxt; `anomalies_artifact` holds all.pb, and new.pb; `page`
    holds facets.html; `like` is the scan whose bins were taken, or "". `reference` is
    `Reference.digest`, or "" without one, and for the reference itself. `plan` is a digest of what
    in the spec decides the measurements.

    Personal data are masked in `columns` and `page`, and in no schema; `statistics`, `scan` and what
    anomalies quote are as in the dataset, and to be guarded as it is.
    """

    dataset: str
    dataset_digest: str
    rows: int
    training_rows: int
    new_rows: int
    judged: str
    files: tuple[FileSeen, ...]
    known_files: tuple[FileSeen, ...]
    columns: tuple[ColumnSummary, ...]
    anomalies: tuple[Anomaly, ...]
    distances: tuple[Distance, ...]
    plan: str
    statistics: str
    scan: str
    schema: str
    proposed_schema: str
    reference: str
    like: str
    anomalies_artifact: str
    page: str

    @property
    def missing_shares(self) -> dict[str, float]:
        """Share of rows without a value, by column."""
        return {column.name: column.missing_share for column in self.columns}

    @property
    def unchanged_files(self) -> frozenset[str]:
        """Names of the known files; rows of any other are new."""
        return unchanged(self.known_files, {file.name: file.identity for file in self.files})


def unchanged(known: Iterable[FileSeen], identities: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the known files whose rows are not new in what has these identities."""
    now = ((file, identities.get(file.name, "")) for file in known)
    return frozenset(
        f.name for f, found in now if not (f.identity and found) or f.identity == found
    )


def to_table(profile: Profile) -> pa.Table:
    """Return the profile as one row of `STATISTICS_SCHEMA`."""
    return pa.Table.from_pylist([asdict(profile)], schema=STATISTICS_SCHEMA)


def from_row(row: Mapping[str, Any]) -> Profile:
    """Return the profile that `to_table` wrote as `row`."""
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in row.items()
    }
    for name in ("files", "known_files"):
        values[name] = tuple(FileSeen(**file) for file in row[name])
    values["columns"] = tuple(_column(column) for column in row["columns"])
    values["anomalies"] = tuple(Anomaly(**anomaly) for anomaly in row["anomalies"])
    values["distances"] = tuple(Distance(**distance) for distance in row["distances"])
    return Profile(**values)


def profiles_of(lake: "Lake", pipeline: "Pipeline", dataset: "Version") -> list[Profile]:
    """Return every kept profile of a dataset version's content, the newest first."""
    import pyarrow.compute as pc

    table = lake.table(pipeline.table("statistics"))
    if not table.exists():
        return []
    rows = table.read(where=pc.field("dataset_digest") == dataset.digest).to_pylist()
    return [from_row({**row, "dataset": dataset.reference}) for row in reversed(rows)]


def load_scan(lake: "Lake", artifact: str) -> "Scan":
    """Return the scan kept in an artifact that a profile, acceptance or reference names.

    Raises:
        CorruptionError: If it is damaged, or of another format than this version writes.
    """
    from mlplatform.validate.scan import Scan

    return Scan.from_bytes(lake.artifacts.open(artifact).read(SCAN))


def _column(row: Mapping[str, Any]) -> ColumnSummary:
    return ColumnSummary(
        **{
            **row,
            "quartiles": tuple(row["quartiles"]),
            "top": tuple(Top(**top) for top in row["top"]),
            "bars": tuple(Bar(**bar) for bar in row["bars"]),
        }
    )
