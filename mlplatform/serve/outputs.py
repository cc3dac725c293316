"""What replies hold: predictions by the names of their task, and the outputs an Open Inference request asks for.

Of the latter each is JSON, or bytes behind it.

Bytes follow the binary tensor data extension, which Triton and KServe describe: little-endian, row by row, in the
order of the outputs; the header `Inference-Header-Content-Length` says where the JSON ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import msgspec

from mlplatform.features.predicts import WHOLE
from mlplatform.serve.decode import InferBody
from mlplatform.serve.problem import Problem

if TYPE_CHECKING:
    import numpy as np

    from mlplatform.features.predicts import Predicts

FEATURES = ("vectors", "ids")  # What a prediction was made from: every model's outputs besides it.
BYTES = {"FP32": "<f4", "INT32": "<i4"}  # Little-endian, in NumPy's words.
JSON_LENGTH = "inference-header-content-length"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One output asked for."""

    name: str
    binary: bool = False


def names_of(predicts: "Predicts") -> tuple[str, ...]:
    """Return the names of a model's outputs: what it predicts, then the features."""
    return (predicts.name, *FEATURES)


def datatype(name: str) -> str:
    """Return the Open Inference name of an output's type."""
    return "INT32" if name == "ids" else "FP32"


def spoken(predicts: "Predicts", answers: list[Any]) -> dict[str, Any]:
    """Return predictions as `/predict` says them.

    `probabilities` of class 1, a number a row; `probabilities` of several classes, in the order of
    `classes`; `predictions`; or `quantiles`, in the order of their `levels`.
    """
    if predicts.task == "binary":
        return {"probabilities": answers}
    if predicts.task == "multiclass":
        return {"probabilities": answers, "classes": list(predicts.classes)}
    if predicts.quantiles:
        return {"quantiles": answers, "levels": list(predicts.quantiles)}
    return {"predictions": answers}


def are_answers(predicts: "Predicts", answers: list[Any]) -> bool:
    """Whether every row's answer can be one, as `Predicts.usable`; fast for a single row."""
    if predicts.task == "binary":
        return all(0.0 <= value <= 1.0 for value in answers)
    if predicts.task == "multiclass":
        return all(
            all(0.0 <= value <= 1.0 for value in row) and abs(sum(row) - 1) <= WHOLE
            for row in answers
        )
    rows = answers if predicts.quantiles else [answers]
    return all(isfinite(value) for row in rows for value in row)


def wanted(body: InferBody, names: Sequence[str]) -> tuple[Wanted, ...]:
    """Return the outputs a request asks for, in its order: the first of `names` unless it says others.

    Raises:
        Problem: 422 for an output that there is not, or that is asked for twice.
    """
    binary = body.parameters is not None and body.parameters.binary_data_output
    if not body.outputs:
        return (Wanted(names[0], binary),)
    asked = [each.name for each in body.outputs]
    for at, name in enumerate(asked):
        if name not in names:
            said = f"unknown output {name[:80]!r}; outputs: {', '.join(names)}"
            raise Problem(422, said, pointer=f"/outputs/{at}/name")
        if name in asked[:at]:
            said = f"output {name!r} is asked for twice"
            raise Problem(422, said, pointer=f"/outputs/{at}/name")
    said_of = [each.parameters.binary_data if each.parameters else None for each in body.outputs]
    return tuple(
        Wanted(name, binary if says is None else says)
        for name, says in zip(asked, said_of, strict=True)
    )


def encode(
    head: Mapping[str, Any], outputs: Sequence[Wanted], arrays: "Mapping[str, np.ndarray]"
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a reply: `head`'s fields and the outputs."""
    tensors, parts = [], []
    for each in outputs:
        array, kind = arrays[each.name], datatype(each.name)
        tensor: dict[str, Any] = {"name": each.name, "shape": list(array.shape), "datatype": kind}
        if each.binary:
            parts.append(array.astype(BYTES[kind], copy=False).tobytes())
            tensor["parameters"] = {"binary_data_size": len(parts[-1])}
        else:
            tensor["data"] = array.ravel().tolist()
        tensors.append(tensor)
    said = msgspec.json.encode({**head, "outputs": tensors})
    if not parts:
        return said, {"content-type": "application/json"}
    headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(said))}
    return b"".join([said, *parts]), headers
