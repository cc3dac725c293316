"""Small exported models that nobody trained, one of each task: what serving and evaluation are tested with."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import save

from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram
from mlplatform.features.mlflow_model import mlflow_files
from mlplatform.features.program_export import serialized
from mlplatform.features.signature import Tensor, signature
from mlplatform.spec.label import Label

BINARY = Label(column="label", positive="yes")
MULTICLASS = Label(column="label", task="multiclass", classes=["low", "mid", "high"])
REGRESSION = Label(column="label", task="regression")
QUANTILES = Label(column="label", task="regression", quantiles=[0.1, 0.5, 0.9])
LABELS = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "regression": REGRESSION,
    "quantiles": QUANTILES,
}


def exported_model(
    encoder: Encoder, feature_program: bytes, label: Label = BINARY, seed: int = 1
) -> dict[str, bytes]:
    """Return the files of a model with random weights, linear in vectors and in each id."""
    features = FeatureProgram.load(feature_program, encoder)
    params = _params(encoder, len(label.classes) or len(label.quantiles) or 1, seed)
    tensors = tuple(Tensor(n, str(a.dtype), tuple(a.shape)) for n, a in params.items())
    signed = signature(encoder, tensors, jax.__version__, label)

    def predict(
        params: Mapping[str, jax.Array], numeric: jax.Array, integers: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        vectors, ids = features.call(numeric, integers)
        logits = vectors @ params["vectors"] + params["bias"]
        for at in range(ids.shape[1]):
            logits = logits + params["ids"][ids[:, at]]
        return _answers(label, logits), vectors, ids

    return {
        "program.stablehlo": serialized(predict, {t.name: t for t in tensors}, *signed.encoded),
        "params.safetensors": save(params),
        "features.json": encoder.to_json(),
        "signature.json": signed.to_json(),
        **mlflow_files(encoder, signed),
    }


def _params(encoder: Encoder, outputs: int, seed: int) -> dict[str, np.ndarray]:
    dice = np.random.default_rng(seed)
    ids = max(encoder.id_sizes, default=1)
    shapes = {
        "bias": (outputs,),
        "ids": (ids, outputs),
        "vectors": (len(encoder.vector_names), outputs),
    }
    return {name: dice.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def _answers(label: Label, logits: jax.Array) -> jax.Array:
    if label.task == "binary":
        return jax.nn.sigmoid(logits[:, 0])
    if label.task == "multiclass":
        return jax.nn.softmax(logits, axis=1)
    return jnp.sort(logits, axis=1) if label.quantiles else logits[:, 0]
