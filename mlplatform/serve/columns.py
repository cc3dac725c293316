"""How each column type stands in a request: as JSON, as a tensor, and in the log of predictions."""

import re
import reprlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from mlplatform.errors import FeatureError
from mlplatform.spec.section import vector_width

if TYPE_CHECKING:
    import pyarrow as pa

INT64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_VALUES: Mapping[str, Any] = {
    "int64": INT64,
    "float64": float,
    "string": str,
    "bool": bool,
    "timestamp": str,  # ISO 8601; encoding reads it, as it does in a table of text.
}
_DATATYPES: Mapping[str, tuple[str, ...]] = {  # Open Inference Protocol
    "int64": ("INT64",),
    "float64": ("FP64",),
    "string": ("BYTES",),
    "bool": ("BOOL",),
    "timestamp": ("BYTES",),
}
_VECTOR = ("FP32", "FP64")
_FLAT = re.compile(rb"\s*\[\s*[-0-9]")


def value_type(kind: str) -> Any:
    """Return what msgspec takes for one value of a column; null is a missing one."""
    width = vector_width(kind)
    if width is None:
        return _VALUES[kind] | None
    return Annotated[list[float], Meta(min_length=width, max_length=width)] | None


def datatypes(kind: str) -> tuple[str, ...]:
    """Return the datatypes a column's tensor may have; metadata name the first."""
    return _VECTOR if vector_width(kind) else _DATATYPES[kind]


def row_shape(kind: str) -> list[int]:
    """Return the shape of one row of a column's tensor: empty, or how many numbers a vector has."""
    width = vector_width(kind)
    return [] if width is None else [width]


@lru_cache(maxsize=64)
def decode_values(kind: str) -> Callable[[bytes], list[Any]]:
    """Return what reads the data of a column's tensor, as one value a row.

    A vector's numbers may stand in one list, row after row, or in a list for each row, of which one
    may be null; only in the latter can an error name the row.
    """
    decode: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[value_type(kind)]).decode  # type: ignore[misc] # made at run time
    width = vector_width(kind)
    if width is None:
        return decode
    flat = msgspec.json.Decoder(list[float])

    def either(data: bytes) -> list[Any]:
        if not _FLAT.match(data):
            return decode(data)
        numbers = flat.decode(data)
        return [numbers[start : start + width] for start in range(0, len(numbers), width)]

    return either


def instant(text: str) -> datetime:
    """Return the instant that ISO 8601 text says, in UTC; without an offset it is UTC.

    Raises:
        FeatureError: If it says none between the years 1 and 9999.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        said = f"a time like 2013-10-01T09:00:00Z is expected, got {reprlib.repr(text)}"
        raise FeatureError(said) from None
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise FeatureError(f"{reprlib.repr(text)} is outside years 1 to 9999") from None


def arrow_type(kind: str) -> "pa.DataType":
    """Return how the log of predictions stores a column."""
    import pyarrow as pa

    if vector_width(kind) is not None:
        return pa.list_(pa.float32())
    return {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "string": pa.string(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[kind]
