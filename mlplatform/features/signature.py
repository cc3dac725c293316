"""What a model takes and gives, as `signature.json`: read by servers, people and `Predictor.load`."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from mlplatform.errors import CorruptionError
from mlplatform.features.encoder import Encoder

FORMAT = 2
PLATFORMS = ("cpu", "cuda")


@dataclass(frozen=True)
class Tensor:
    """Name, dtype and shape of one array; "rows" stands for the batch size."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Signature:
    """The program is called with the params, in this order, then the encoded arrays.

    Attributes:
        inputs: Raw columns a client is asked for: name, type as in a spec, nullable.
        params: The arrays of params.safetensors in the order in which the program takes them.
        encoded: What `Encoder.encode` makes of the inputs.
        outputs: Probability of class 1, and the feature vectors and ids it was computed from.
        platforms: Where the program runs.
        jax: Version that exported it; exported programs are readable for six months of JAX
            releases.
    """

    inputs: tuple[dict[str, Any], ...]
    params: tuple[Tensor, ...]
    encoded: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    platforms: tuple[str, ...]
    jax: str

    def to_json(self) -> bytes:
        """Return the content of signature.json, the same bytes for an equal signature."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()

    @staticmethod
    def from_json(content: bytes) -> "Signature":
        """Return the signature that `to_json` wrote.

        Raises:
            CorruptionError: If `content` is anything else.
        """
        try:
            stored = json.loads(content)
            return Signature(
                inputs=tuple(stored["inputs"]),
                params=_tensors(stored["params"]),
                encoded=_tensors(stored["encoded"]),
                outputs=_tensors(stored["outputs"]),
                platforms=tuple(stored["platforms"]),
                jax=str(stored["jax"]),
            )
        except (ValueError, KeyError, TypeError) as wrong:
            raise CorruptionError(
                f"signature.json is not what an export wrote: {wrong!r}"
            ) from None


def signature(encoder: Encoder, params: tuple[Tensor, ...], jax_version: str) -> Signature:
    """Return the signature of a model over `encoder`'s features."""
    return Signature(
        inputs=tuple(
            {"name": name, "type": kind, "nullable": True} for name, kind in encoder.asked.items()
        ),
        params=params,
        encoded=encoded_tensors(encoder),
        outputs=(Tensor("probability", "float32", ("rows",)), *feature_tensors(encoder)),
        platforms=PLATFORMS,
        jax=jax_version,
    )


def encoded_tensors(encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Return the arrays that `encoder` makes of raw rows, and programs take."""
    widths = [sum(i.width for i in encoder.inputs if i.numeric is kind) for kind in (True, False)]
    return (
        Tensor("numeric", "float32", ("rows", widths[0])),
        Tensor("integers", "int32", ("rows", widths[1])),
    )


def feature_tensors(encoder: Encoder) -> tuple[Tensor, Tensor]:
    """Return the arrays that the feature program makes of those."""
    return (
        Tensor("vectors", "float32", ("rows", len(encoder.vector_names))),
        Tensor("ids", "int32", ("rows", len(encoder.id_names))),
    )


def _tensors(stored: list[dict[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(t["name"], t["dtype"], tuple(t["shape"])) for t in stored)
