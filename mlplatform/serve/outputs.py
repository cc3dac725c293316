"""What an Open Inference reply holds: the outputs asked for, each as JSON or as bytes behind it.

Bytes follow the binary tensor data extension, which Triton and KServe describe: little-endian, row by row, in the
order of the outputs; the header `Inference-Header-Content-Length` says where the JSON ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mlplatform.serve.decode import InferBody
from mlplatform.serve.problem import Problem

if TYPE_CHECKING:
    import numpy as np

PROBABILITY = "probability"
DATATYPES = {PROBABILITY: "FP32", "vectors": "FP32", "ids": "INT32"}
BYTES = {"FP32": "<f4", "INT32": "<i4"}  # Little-endian, in NumPy's words.
JSON_LENGTH = "inference-header-content-length"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output asked for."""

    name: str
    binary: bool = False


DEFAULT = (Wanted(PROBABILITY),)


def wanted(body: InferBody) -> tuple[Wanted, ...]:
    """Return the outputs a request asks for, in its order: the probability unless it says others.

    Raises:
        Problem: 422 for an output that there is not, or that is asked for twice.
    """
    binary = body.parameters is not None and body.parameters.binary_data_output
    if not body.outputs:
        return (Wanted(PROBABILITY, binary),) if binary else DEFAULT
    names = [each.name for each in body.outputs]
    for at, name in enumerate(names):
        if name not in DATATYPES:
            known = ", ".join(DATATYPES)
            said = f"unknown output {name[:80]!r}; outputs: {known}"
            raise Problem(422, said, pointer=f"/outputs/{at}/name")
        if name in names[:at]:
            said = f"output {name!r} is asked for twice"
            raise Problem(422, said, pointer=f"/outputs/{at}/name")
    said_of = [each.parameters.binary_data if each.parameters else None for each in body.outputs]
    return tuple(
        Wanted(name, binary if says is None else says)
        for name, says in zip(names, said_of, strict=True)
    )


def encode(
    head: Mapping[str, Any], outputs: Sequence[Wanted], arrays: "Mapping[str, np.ndarray]"
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a reply: `head`'s fields and the outputs."""
    tensors, parts = [], []
    for each in outputs:
        array, datatype = arrays[each.name], DATATYPES[each.name]
        tensor: dict[str, Any] = {
            "name": each.name,
            "shape": list(array.shape),
            "datatype": datatype,
        }
        if each.binary:
            parts.append(array.astype(BYTES[datatype], copy=False).tobytes())
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = array.ravel().tolist()
        tensors.append(tensor)
    said = msgspec.json.encode({**head, "outputs": tensors})
    if not parts:
        return said, {"content-type": "application/json"}
    headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(said))}
    return b"".join([said, *parts]), headers
