"""A fitted model as files: features and network in one program that needs no Python of ours to run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import export as jax_export
from safetensors.numpy import save

from mlplatform.features.encoder import Encoder
from mlplatform.features.signature import PLATFORMS, Tensor, signature
from mlplatform.train.fit import Trained


def export(trained: Trained, encoder: Encoder) -> dict[str, bytes]:
    """Return the model artifact's files by name, the same bytes for equal inputs.

    params.safetensors holds the parameters, and no other file does: program.stablehlo takes them
    as arguments.
    """
    params = {name: trained.params[name] for name in sorted(trained.params)}
    tensors = tuple(Tensor(n, str(a.dtype), tuple(a.shape)) for n, a in params.items())
    return {
        "program.stablehlo": _program(trained, encoder, params),
        "params.safetensors": save(params),
        "features.json": encoder.to_json(),
        "signature.json": signature(encoder, tensors, jax.__version__).to_json(),
    }


def _program(trained: Trained, encoder: Encoder, params: Mapping[str, np.ndarray]) -> bytes:
    def predict(
        params: Mapping[str, jax.Array], numeric: jax.Array, categorical: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        vectors, ids = encoder.transform(numeric, categorical)
        return jax.nn.sigmoid(trained.net.logits(params, vectors, ids)), vectors

    (rows,) = jax_export.symbolic_shape("rows")
    shapes = {name: _shape(array.shape, array.dtype) for name, array in params.items()}
    numeric = _shape((rows, len(encoder.numeric)), jnp.float32)
    categorical = _shape((rows, len(encoder.categorical)), jnp.int32)
    with _no_locations():
        exported = jax_export.export(jax.jit(predict), platforms=PLATFORMS)
        return bytes(exported(shapes, numeric, categorical).serialize())


@contextmanager
def _no_locations() -> Iterator[None]:
    """Keep paths and lines of Python files out of the program, so that its bytes are the model's."""
    name = "jax_traceback_in_locations_limit"
    before = getattr(jax.config, name)
    _set(name, 0)
    try:
        yield
    finally:
        _set(name, before)


def _set(name: str, value: int) -> None:
    jax.config.update(name, value)  # type: ignore[no-untyped-call] # JAX leaves it untyped.


def _shape(shape: tuple[Any, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call] # JAX leaves it so.
