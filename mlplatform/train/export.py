"""A fitted model as files: features and network in one program that needs no Python of ours to run."""

from collections.abc import Mapping

import jax
from safetensors.numpy import save

from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram
from mlplatform.features.program_export import serialized
from mlplatform.features.signature import Tensor, signature
from mlplatform.train.fit import Trained


def export(trained: Trained, encoder: Encoder, feature_program: bytes) -> dict[str, bytes]:
    """Return the model artifact's files by name, the same bytes for equal inputs.

    params.safetensors holds the parameters, and no other file does: program.stablehlo takes them
    as arguments.

    Args:
        trained: What `fit` made.
        encoder: The fitted features that it was trained on.
        feature_program: Their `features.stablehlo`, which made the table; it becomes a part of the
            model's program as it is.

    Raises:
        CorruptionError: If `feature_program` is not of `encoder`.
    """
    features = FeatureProgram.load(feature_program, encoder)
    params = {name: trained.params[name] for name in sorted(trained.params)}
    tensors = tuple(Tensor(n, str(a.dtype), tuple(a.shape)) for n, a in params.items())
    signed = signature(encoder, tensors, jax.__version__)

    def predict(
        params: Mapping[str, jax.Array], numeric: jax.Array, integers: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        vectors, ids = features.call(numeric, integers)
        return jax.nn.sigmoid(trained.net.logits(params, vectors, ids)), vectors, ids

    return {
        "program.stablehlo": serialized(predict, {t.name: t for t in tensors}, *signed.encoded),
        "params.safetensors": save(params),
        "features.json": encoder.to_json(),
        "signature.json": signed.to_json(),
    }
