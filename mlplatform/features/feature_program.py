"""The feature program: fitted features as one exported file, which needs no code of ours or a team's to run."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.program_export import deserialized, serialized
from mlplatform.features.program_runs import Runs
from mlplatform.features.signature import encoded_tensors, feature_tensors

if TYPE_CHECKING:
    import jax
    import numpy as np
    from jax.export import Exported

FILE = "features.stablehlo"


def export_features(encoder: Encoder, functions: Mapping[str, Callable[..., Any]]) -> bytes:
    """Return `features.stablehlo`: `transform` for any number of rows, the same bytes for equal inputs.

    Args:
        encoder: The fitted state.
        functions: The functions of its `FunctionState`s, by name; afterwards nobody needs them.
    """
    from mlplatform.features.transform import transform

    def program(numeric: "jax.Array", integers: "jax.Array") -> "tuple[jax.Array, jax.Array]":
        return transform(encoder, functions, numeric, integers)

    return serialized(program, *encoded_tensors(encoder))


class FeatureProgram:
    """A loaded feature program. Threads may share it."""

    def __init__(self, content: bytes, exported: "Exported") -> None:
        self.content = content
        self._exported = exported

    @staticmethod
    def load(content: bytes, encoder: Encoder | None = None) -> "FeatureProgram":
        """Return the program of a file. Runs none of it; a program can only compute.

        Raises:
            CorruptionError: If the file is not what an export wrote, or not of `encoder`.
        """
        takes = encoded_tensors(encoder) if encoder else ()
        gives = feature_tensors(encoder) if encoder else ()
        return FeatureProgram(content, deserialized(content, FILE, takes, gives))

    def call(
        self, numeric: "jax.Array | np.ndarray", integers: "jax.Array | np.ndarray"
    ) -> "tuple[jax.Array, jax.Array]":
        """Return vectors f32[rows, V] and ids i32[rows, M] of encoded rows; traceable."""
        program: Callable[..., Any] = self._exported.call
        vectors, ids = program(numeric, integers)
        return vectors, ids

    def columns(self, encoded: Encoded) -> "tuple[np.ndarray, np.ndarray]":
        """Return f32[V, rows] and i32[M, rows] of any number of rows; they may be read-only."""
        vectors, ids = self._columns(encoded)
        return vectors, ids

    @cached_property
    def _columns(self) -> Runs:
        def transposed(*encoded: "jax.Array") -> "tuple[jax.Array, ...]":
            return tuple(array.T for array in self.call(*encoded))

        return Runs(transposed, rows_axis=1)
