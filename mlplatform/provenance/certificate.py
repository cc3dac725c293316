"""Certificates of reproduction: a row of `<pipeline>/certificate` for each time a model was made again."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlplatform.provenance.compare_tensors import BIT_EXACT, METRICS, MISMATCH, ULP

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Lineage, Table, Version

TABLE = "certificate"  # `<pipeline>/certificate`
OUTCOMES = (BIT_EXACT, ULP, METRICS, MISMATCH)


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What came of making a model again.

    Attributes:
        model_version: Of the registry.
        model_digest: Of its artifact.
        outcome: One of `OUTCOMES`; only the last is no proof.
        max_ulp: Furthest two numbers of its tensors lie apart; None where they cannot be compared.
        first_difference: The first file or tensor that differs, and where; empty if none.
        details: Files, tensors, metrics, surroundings and versions, as JSON.
        code_version: The commit that was checked out.
        environment: Digest of the libraries that trained it again.
        hardware_class: What trained it again.
        made_by: Who asked.
        made_at: When, in UTC.
        seconds: It took, from reading to this row.
    """

    model_version: int
    model_digest: str
    outcome: str
    max_ulp: int | None
    first_difference: str
    details: Mapping[str, Any]
    code_version: str
    environment: str
    hardware_class: str
    made_by: str
    made_at: datetime
    seconds: float

    @property
    def reproduced(self) -> bool:
        """Whether it proves that the model is what its record says."""
        return self.outcome in OUTCOMES and self.outcome != MISMATCH


def sentence(certificate: Certificate) -> str:
    """Return what a certificate says, for a person."""
    files, details = certificate.details["files"], certificate.details
    if certificate.outcome == BIT_EXACT:
        return f"every byte of {len(files)} files is equal"
    if certificate.outcome == ULP:
        apart = f"tensors lie at most {certificate.max_ulp} ulp apart"
        return (
            f"{apart}, of {details['bounds']['ulp']} allowed; first: {certificate.first_difference}"
        )
    held = f"; on {certificate.hardware_class}, not {details['recorded_hardware_class']}"
    if certificate.outcome == METRICS:
        return f"{len(details['metrics'])} metrics of the test rows within their bounds{held}"
    beyond = [m["metric"] for m in details["metrics"] if not m["within"]]
    said = f"; beyond their bounds: {', '.join(beyond)}" if beyond else ""
    other = held if certificate.hardware_class != details["recorded_hardware_class"] else ""
    stopped = (
        f"; a budget ended the training: {details['stopped_by']}" if details["stopped_by"] else ""
    )
    return f"{certificate.first_difference}{said}{other}{stopped}"


def schema() -> "pa.Schema":
    """Return the columns of the table."""
    import pyarrow as pa

    text = ("code_version", "environment", "hardware_class", "made_by")
    return pa.schema(
        [
            pa.field("model_version", pa.int64(), nullable=False),
            pa.field("model_digest", pa.string(), nullable=False),
            pa.field("outcome", pa.string(), nullable=False),
            pa.field("max_ulp", pa.int64()),
            pa.field("first_difference", pa.string(), nullable=False),
            pa.field("details", pa.string(), nullable=False),
            *(pa.field(name, pa.string(), nullable=False) for name in text),
            pa.field("made_at", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("seconds", pa.float64(), nullable=False),
        ]
    )


def write(lake: "Lake", pipeline: str, certificate: Certificate, lineage: "Lineage") -> "Version":
    """Append a certificate, and return the version of the table that holds it."""
    import pyarrow as pa

    row = {**asdict(certificate), "details": json.dumps(dict(certificate.details), sort_keys=True)}
    rows = pa.Table.from_pylist([row], schema=schema())
    table = lake.table(f"{pipeline}/{TABLE}")
    return table.append(rows, lineage, token=f"certificate:{uuid.uuid4()}")


def certificates(table: "Table") -> list[Certificate]:
    """Return every certificate, oldest first; none where no model was made again yet."""
    if not table.exists():
        return []
    rows = table.read().to_pylist()
    return [Certificate(**{**row, "details": json.loads(row["details"])}) for row in rows]
