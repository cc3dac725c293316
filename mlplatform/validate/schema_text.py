"""A schema as a reviewer reads and writes it: protocol buffer text format."""

from mlplatform.errors import SpecError
from mlplatform.validate.proto import parse


def as_text(schema: bytes) -> str:
    """Return the schema in protocol buffer text format, as a reviewer reads it.

    Raises:
        WorkerError: If `schema` is no serialized Schema.
    """
    return str(parse("Schema", schema))


def from_text(text: str, where: str) -> bytes:
    """Return the serialized schema that a reviewer wrote; `where` names the file.

    Raises:
        SpecError: If it is no schema, has no column, or has one twice.
    """
    from importlib import import_module

    from tensorflow_metadata.proto.v0 import schema_pb2

    text_format = import_module("google.protobuf.text_format")
    schema = schema_pb2.Schema()
    try:
        text_format.Parse(text, schema)
    except text_format.ParseError as wrong:
        raise SpecError(f"{where}: no TFDV schema: {wrong}; correct or delete the file") from None
    names = [feature.name for feature in schema.feature]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        what = f"the column {twice[0]!r} stands twice" if twice else "it has no `feature`"
        raise SpecError(f"{where}: {what}; correct or delete the file")
    domains = {domain.name for domain in schema.string_domain}
    for feature in schema.feature:
        if feature.domain and feature.domain not in domains:
            raise SpecError(
                f"{where}: column {feature.name!r} has the domain {feature.domain!r}, which is not "
                "there; add a `string_domain` of this name"
            )
    return bytes(schema.SerializeToString(deterministic=True))
