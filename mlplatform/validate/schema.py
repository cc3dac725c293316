"""What data must look like: a schema inferred by TFDV, tightened by the spec, and what breaks it.

Anomaly types are those of `tensorflow_metadata/proto/v0/anomalies.proto`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlplatform.spec import PipelineSpec
from mlplatform.validate.proto import parse

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

TYPES = {"int64": "INT", "float64": "FLOAT", "string": "BYTES"}  # Of `FeatureType`.
NO_DATA = "DATA_MISSING"
TABLE = ""  # Stands for the column where an anomaly is about the whole table.


@dataclass(frozen=True)
class Anomaly:
    """One way in which data breaks the schema: the column, TFDV's name for it, its explanation."""

    column: str
    reason: str
    detail: str


def constrained(inferred: bytes, spec: PipelineSpec) -> bytes:
    """Return the inferred schema with what the spec declares, columns in the spec's order.

    Every declared column has its declared type and at least one value; the label has a value in
    every row, and `label.positive` is one of its values where it is a string. How many values of
    other columns may be missing is the missing-values gate's policy, so the schema allows any.

    Raises:
        WorkerError: If `inferred` is no serialized Schema.
    """
    schema = parse("Schema", inferred)
    found = {feature.name: feature for feature in schema.feature}
    del schema.feature[:]
    for name, declared in spec.columns.items():
        feature = schema.feature.add(name=name)
        if name in found:
            feature.CopyFrom(found[name])
        _declare(feature, declared, everywhere=name == spec.label.column)
    if spec.columns[spec.label.column] == "string":
        _allow(schema, spec.label.column, spec.label.positive)
    return bytes(schema.SerializeToString(deterministic=True))


def describe(anomalies: bytes) -> list[Anomaly]:
    """Return every reason TFDV gives, by column; an empty table is one anomaly about the table.

    Raises:
        WorkerError: If `anomalies` is no serialized Anomalies.
    """
    message = parse("Anomalies", anomalies)
    found = [
        Anomaly(column, info.Type.Name(reason.type), reason.description.strip())
        for column, info in sorted(message.anomaly_info.items())
        for reason in info.reason
    ]
    about_table = message.dataset_anomaly_info
    found += [
        Anomaly(TABLE, about_table.Type.Name(reason.type), reason.description.strip())
        for reason in about_table.reason
    ]
    if message.data_missing:
        found.append(Anomaly(TABLE, NO_DATA, "there are no rows"))
    return found


def as_text(schema: bytes) -> str:
    """Return the schema in protocol buffer text format, as a reviewer reads it.

    Raises:
        WorkerError: If `schema` is no serialized Schema.
    """
    return str(parse("Schema", schema))


def _declare(feature: "schema_pb2.Feature", declared: str, *, everywhere: bool) -> None:
    from tensorflow_metadata.proto.v0 import schema_pb2

    number = schema_pb2.FeatureType.Value(TYPES[declared])
    if feature.type != number:
        feature.ClearField("domain_info")
    feature.type = number
    feature.presence.min_count = 1
    feature.presence.min_fraction = 1.0 if everywhere else 0.0


def _allow(schema: "schema_pb2.Schema", column: str, value: str) -> None:
    feature = next(f for f in schema.feature if f.name == column)
    if not feature.domain:
        feature.domain = column
        schema.string_domain.add(name=column)
    domain = next(d for d in schema.string_domain if d.name == feature.domain)
    if value not in domain.value:
        domain.value.append(value)
