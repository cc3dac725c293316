"""What a model takes and gives, as `signature.json`: read by servers, people and `Predictor.load`."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from mlplatform.errors import CorruptionError
from mlplatform.features.encoder import Encoder
from mlplatform.features.predicts import NAMES, Predicts
from mlplatform.spec.label import Label

FORMAT = 3
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
        outputs: What is predicted, and the feature vectors and ids it was computed from.
        platforms: Where the program runs.
        jax: Version that exported it; exported programs are readable for six months of JAX
            releases.
        predicts: The task, and the classes or quantiles that the first output's columns stand for.
    """

    inputs: tuple[dict[str, Any], ...]
    params: tuple[Tensor, ...]
    encoded: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    platforms: tuple[str, ...]
    jax: str
    predicts: Predicts

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
            if stored["format"] != FORMAT:
                raise ValueError(f"format {stored['format']!r}, not {FORMAT}")  # noqa: TRY301 - one way out
            return Signature(
                inputs=tuple(stored["inputs"]),
                params=_tensors(stored["params"]),
                encoded=_tensors(stored["encoded"]),
                outputs=_tensors(stored["outputs"]),
                platforms=tuple(stored["platforms"]),
                jax=str(stored["jax"]),
                predicts=_predicts(stored["predicts"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
            raise CorruptionError(
                f"signature.json is not what an export wrote: {wrong!r}"
            ) from None


def signature(
    encoder: Encoder, params: tuple[Tensor, ...], jax_version: str, label: Label
) -> Signature:
    """Return the signature of a model over `encoder`'s features that predicts `label`."""
    return described(encoder, params, jax_version, Predicts.of(label))


def described(
    encoder: Encoder, params: tuple[Tensor, ...], jax_version: str, predicts: Predicts
) -> Signature:
    """Return the signature of a model over `encoder`'s features, by what it predicts.

    The first output is named, and shaped, as `Predicts` says: `probability` f32[rows],
    `probabilities` f32[rows, classes], `prediction` f32[rows] or `quantiles` f32[rows, quantiles].
    """
    return Signature(
        inputs=tuple(
            {"name": name, "type": kind, "nullable": True} for name, kind in encoder.asked.items()
        ),
        params=params,
        encoded=encoded_tensors(encoder),
        outputs=(
            Tensor(predicts.name, "float32", ("rows", *predicts.width)),
            *feature_tensors(encoder),
        ),
        platforms=PLATFORMS,
        jax=jax_version,
        predicts=predicts,
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


def _predicts(stored: dict[str, Any]) -> Predicts:
    if stored["task"] not in NAMES:
        raise ValueError(f"task {stored['task']!r}")
    quantiles = tuple(float(share) for share in stored["quantiles"])
    return Predicts(stored["task"], tuple(map(str, stored["classes"])), quantiles)
