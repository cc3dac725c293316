"""Runs a model artifact: encoded rows to probabilities, by the program that training exported."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mlplatform.errors import CorruptionError, FeatureError
from mlplatform.features.buckets import BUCKETS, bucket, in_buckets
from mlplatform.features.encoder import Encoded, Encoder
from mlplatform.features.signature import Signature, signature

if TYPE_CHECKING:
    import jax
    from jax.export import Exported


class Files(Protocol):
    """Where a model's files come from: `read` returns verified bytes, as the lake's artifacts do."""

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        ...


class Predictor:
    """A loaded model. Threads may share it: it compiles under a lock and otherwise changes nothing."""

    def __init__(
        self, encoder: Encoder, signed: Signature, params: Mapping[str, Any], program: "Exported"
    ) -> None:
        self.encoder = encoder
        self.signature = signed
        self._params = params
        self._program = program
        self._compiled: dict[tuple[int, int], Callable[..., Any]] = {}
        self._lock = threading.Lock()

    @staticmethod
    def load(artifact: Files) -> "Predictor":
        """Return the model in `artifact`. Runs none of its content but the exported program, which can only compute.

        Raises:
            CorruptionError: If a file is not what an export wrote, or the files are not of one
                model.
        """
        import jax

        try:
            encoder = Encoder.from_json(artifact.read("features.json"))
        except FeatureError as wrong:
            raise CorruptionError(str(wrong)) from None
        signed = Signature.from_json(artifact.read("signature.json"))
        params = _params(artifact.read("params.safetensors"), signed)
        program = _program(artifact.read("program.stablehlo"))
        _check(encoder, signed, program)
        return Predictor(encoder, signed, jax.device_put(params), program)

    def predict(self, encoded: Encoded) -> np.ndarray:
        """Return f32[rows]: the probability of class 1."""
        return in_buckets(lambda part: self._run(part, output=0), encoded)

    def predict_table(self, data: pa.Table | pa.RecordBatch) -> np.ndarray:
        """Return f32[rows]: the probability of class 1 of raw rows.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        return self.predict(self.encoder.encode(data))

    def feature_vectors(self, encoded: Encoded) -> np.ndarray:
        """Return f32[rows, vectors]: what this very program computes before its network."""
        return in_buckets(lambda part: self._run(part, output=1), encoded)

    def warm_up(self, rows: int = 64) -> None:
        """Compile and run every bucket that batches of 1 to `rows` fall into."""
        for size in BUCKETS:
            if size <= bucket(rows):
                empty = [dict.fromkeys(self.encoder.columns)] * size
                self.predict(self.encoder.encode_rows(empty))

    def _run(self, part: Encoded, output: int) -> np.ndarray:
        key = (len(part), output)
        compiled = self._compiled.get(key) or self._compile(key, part)
        return np.asarray(compiled(self._params, part.numeric, part.categorical))

    def _compile(self, key: tuple[int, int], part: Encoded) -> Callable[..., Any]:
        import jax

        with self._lock:
            if key not in self._compiled:
                # The other output is dead code to the compiler, so asking for one costs only that
                # one.
                program: Callable[..., Any] = self._program.call
                one = jax.jit(lambda *arguments: program(*arguments)[key[1]])
                lowered = one.lower(self._params, part.numeric, part.categorical)
                self._compiled[key] = lowered.compile()
            return self._compiled[key]


def _params(content: bytes, signed: Signature) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        params = load(content)
    except (SafetensorError, ValueError) as wrong:
        raise CorruptionError(f"params.safetensors cannot be read: {wrong}") from None
    if params.keys() != {tensor.name for tensor in signed.params}:
        raise CorruptionError("params.safetensors holds other names than signature.json")
    for tensor in signed.params:
        found = params[tensor.name]
        if found.shape != tensor.shape or str(found.dtype) != tensor.dtype:
            raise CorruptionError(
                f"params.safetensors: {tensor.name} is {found.dtype}{list(found.shape)};"
                f" signature.json says {tensor.dtype}{list(tensor.shape)}"
            )
    return params


def _program(content: bytes) -> "Exported":
    from jax import export

    try:
        return export.deserialize(bytearray(content))
    except Exception as wrong:  # Flatbuffers and MLIR raise many kinds.
        first = (str(wrong).splitlines() or [""])[0]
        raise CorruptionError(f"program.stablehlo cannot be read: {first}") from None


def _check(encoder: Encoder, signed: Signature, program: "Exported") -> None:
    """Raise unless features, signature and program are of one model."""
    if signed != signature(encoder, signed.params, signed.jax):
        raise CorruptionError("signature.json does not describe features.json")
    expected = [_shape(t.dtype, t.shape) for t in (*signed.params, *signed.encoded)]
    found = [_aval(aval) for aval in program.in_avals]
    if found != expected:
        raise CorruptionError(f"program.stablehlo takes {found}; signature.json says {expected}")
    if [_aval(aval) for aval in program.out_avals] != [
        _shape(t.dtype, t.shape) for t in signed.outputs
    ]:
        raise CorruptionError("program.stablehlo gives other outputs than signature.json says")


def _aval(aval: "jax.core.AbstractValue") -> str:
    return _shape(str(aval.dtype), aval.shape)  # type: ignore[attr-defined] # Shaped arrays only.


def _shape(dtype: str, shape: Any) -> str:
    return f"{dtype}[{','.join(str(size) for size in shape)}]"
