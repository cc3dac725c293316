"""Parses TFDV's messages, wherever their bytes come from."""

from typing import Any

from mlplatform.errors import WorkerError

MODULES = {
    "DatasetFeatureStatisticsList": "statistics_pb2",
    "Schema": "schema_pb2",
    "Anomalies": "anomalies_pb2",
}  # In `tensorflow_metadata.proto.v0`.


def parse(kind: str, content: bytes) -> Any:
    """Return the message of type `kind` that was serialized to `content`.

    Raises:
        WorkerError: If `content` is no such message.
    """
    from importlib import import_module

    message = import_module("google.protobuf.message")
    module = import_module(f"tensorflow_metadata.proto.v0.{MODULES[kind]}")
    try:
        return getattr(module, kind).FromString(content)
    except message.DecodeError:
        raise WorkerError(f"{len(content)} bytes are no serialized {kind}") from None
