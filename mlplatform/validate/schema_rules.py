"""What the spec adds to the schema that TFDV infers.

Messages are those of `tensorflow_metadata/proto/v0/schema.proto`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import ColumnType, vector_width
from mlplatform.validate.proto import parse

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

# Of `FeatureType`; TFDV knows neither bool nor time, so they reach it as words and as seconds.
TYPES = {
    "int64": "INT",
    "float64": "FLOAT",
    "string": "BYTES",
    "bool": "BYTES",
    "timestamp": "INT",
}
BOOLEANS = ("false", "true")
ROUNDING = 1e-9  # TFDV subtracts from 1 again; a share of exactly the limit is allowed.
TRAINING, SERVING = "TRAINING", "SERVING"  # Environments: requests come without a label.


def known_to_tfdv(columns: Mapping[str, ColumnType]) -> dict[str, ColumnType]:
    """Return the columns that TFDV sees and a schema is about: all but vectors."""
    return {name: kind for name, kind in columns.items() if not vector_width(kind)}


def constrained(inferred: bytes, spec: PipelineSpec) -> bytes:
    """Return the inferred schema with what the spec declares, columns in the spec's order.

    Every declared column but vectors has its declared type and at least one value; the label has a value in
    every row where there is training, and `label.positive`, or each of `label.classes`, is one of its
    values where it is a string. How many values of other columns may be missing is the missing-values gate's policy, so
    the schema allows any.

    Raises:
        WorkerError: If `inferred` is no serialized Schema.
    """
    schema = parse("Schema", inferred)
    found = {feature.name: feature for feature in schema.feature}
    del schema.feature[:]
    del schema.default_environment[:]
    schema.default_environment.extend([TRAINING, SERVING])
    for name, declared in known_to_tfdv(spec.columns).items():
        feature = schema.feature.add(name=name)
        if name in found:
            feature.CopyFrom(found[name])
        _declare(feature, declared, label=name == spec.label.column)
        if declared == "bool":
            _allow(schema, name, BOOLEANS)
    if spec.columns.get(spec.label.column) == "string":
        _allow(schema, spec.label.column, spec.label.classes or [spec.label.positive])
    return _bytes(schema)


def agrees(schema: bytes, spec: PipelineSpec) -> bool:
    """Tell whether the schema is of the declared columns but vectors, each with its type."""
    message = parse("Schema", schema)
    columns = {feature.name: _type_of(message, feature.name) for feature in message.feature}
    known = known_to_tfdv(spec.columns)
    return columns == {name: TYPES[declared] for name, declared in known.items()}


def declared_by(accepted: bytes, proposed: bytes, spec: PipelineSpec) -> bytes:
    """Return the accepted schema for the columns as the spec declares them now.

    A column that the accepted schema lacks, or has with another type than declared, is as
    `proposed` has it; one that the spec dropped is gone.
    """
    if agrees(accepted, spec):
        return accepted
    old, new = parse("Schema", accepted), parse("Schema", proposed)
    merged = parse("Schema", accepted)
    del merged.feature[:], merged.string_domain[:]
    for name, declared in known_to_tfdv(spec.columns).items():
        source = old if _type_of(old, name) == TYPES[declared] else new
        feature = next(f for f in source.feature if f.name == name)
        merged.feature.add().CopyFrom(feature)
        domains = {domain.name for domain in merged.string_domain}
        if feature.domain and feature.domain not in domains:
            merged.string_domain.add().CopyFrom(_domain(source, feature.domain))
    return _bytes(merged)


def tolerant(schema: bytes, spec: PipelineSpec) -> bytes:
    """Return the schema with the gate's policy on values outside domains, where it says nothing.

    The label allows none: a row of no class cannot be learned from.
    """
    message = parse("Schema", schema)
    mass = max(0.0, 1 - spec.data_gates.data_schema.max_unseen_share - ROUNDING)
    for feature in message.feature:
        if feature.domain and not feature.HasField("distribution_constraints"):
            of_label = feature.name == spec.label.column
            feature.distribution_constraints.min_domain_mass = 1.0 if of_label else mass
    return _bytes(message)


def _declare(feature: "schema_pb2.Feature", declared: str, *, label: bool) -> None:
    from tensorflow_metadata.proto.v0 import schema_pb2

    number = schema_pb2.FeatureType.Value(TYPES[declared])
    if feature.type != number:
        feature.ClearField("domain_info")
    feature.type = number
    feature.presence.min_count = 1
    feature.presence.min_fraction = 1.0 if label else 0.0
    if label:
        feature.not_in_environment.append(SERVING)


def _allow(schema: "schema_pb2.Schema", column: str, values: Sequence[str]) -> None:
    feature = next(f for f in schema.feature if f.name == column)
    if not feature.domain:
        feature.domain = column
        schema.string_domain.add(name=column)
    domain = _domain(schema, feature.domain)
    domain.value.extend(value for value in values if value not in domain.value)


def _domain(schema: "schema_pb2.Schema", name: str) -> "schema_pb2.StringDomain":
    return next(domain for domain in schema.string_domain if domain.name == name)


def _type_of(schema: "schema_pb2.Schema", column: str) -> str:
    from tensorflow_metadata.proto.v0 import schema_pb2

    found = (schema_pb2.FeatureType.Name(f.type) for f in schema.feature if f.name == column)
    return next(found, "")


def _bytes(message: "schema_pb2.Schema") -> bytes:
    return bytes(message.SerializeToString(deterministic=True))
