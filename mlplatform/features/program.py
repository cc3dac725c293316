"""Runs a model artifact: encoded rows to predictions and features, by the program that training exported."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from mlplatform.errors import CorruptionError, FeatureError
from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.predicts import Predicts
from mlplatform.features.program_export import answer_at_once, deserialized
from mlplatform.features.program_runs import Runs
from mlplatform.features.signature import Signature, described

if TYPE_CHECKING:
    from jax.export import Exported


class Files(Protocol):
    """Where a model's files come from: `read` returns verified bytes, as the lake's artifacts do."""

    def read(self, name: str) -> bytes:
        """Return the bytes of one file."""
        ...


class Predictor:
    """A loaded model. Threads may share it: it compiles under a lock and otherwise changes nothing.

    One executable gives prediction and features, so that what is said of the features a
    prediction was made from is what it was made from.
    """

    def __init__(
        self, encoder: Encoder, signed: Signature, params: Mapping[str, Any], program: "Exported"
    ) -> None:
        self.encoder = encoder
        self.signature = signed
        self._runs = Runs(program.call, fixed=(params,))

    @staticmethod
    def load(artifact: Files) -> "Predictor":
        """Return the model in `artifact`. Runs none of its content but the exported program, which can only compute.

        Raises:
            CorruptionError: If a file is not what an export wrote, or the files are not of one
                model.
        """
        import jax

        answer_at_once()
        try:
            encoder = Encoder.from_json(artifact.read("features.json"))
        except FeatureError as wrong:
            raise CorruptionError(str(wrong)) from None
        signed = Signature.from_json(artifact.read("signature.json"))
        params = _params(artifact.read("params.safetensors"), signed)
        if signed != described(encoder, signed.params, signed.jax, signed.predicts):
            raise CorruptionError("signature.json does not describe features.json")
        takes = (*signed.params, *signed.encoded)
        content = artifact.read("program.stablehlo")
        program = deserialized(content, "program.stablehlo", takes, signed.outputs)
        return Predictor(encoder, signed, jax.device_put(params), program)

    @property
    def predicts(self) -> Predicts:
        """What it says of each row."""
        return self.signature.predicts

    def predict(self, encoded: Encoded) -> np.ndarray:
        """Return what `predicts` says, of each row.

        f32[rows]: the probability of class 1, or the number; f32[rows, classes]: probabilities;
        f32[rows, quantiles]: rising numbers.
        """
        return self.everything(encoded)[0]

    def predict_table(self, data: pa.Table | pa.RecordBatch) -> np.ndarray:
        """Return the same of raw rows.

        Raises:
            FeatureError: Naming row and column of the first value that does not fit.
        """
        return self.predict(self.encoder.encode(data))

    def everything(self, encoded: Encoded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return prediction as `predict`, vectors f32[rows, V] and ids i32[rows, M], of one run."""
        prediction, vectors, ids = self._runs(encoded)
        return prediction, vectors, ids

    def warm_up(self, rows: int = 64) -> None:
        """Compile and run every bucket that batches of 1 to `rows` fall into."""
        nothing = self.encoder.encode_rows([dict.fromkeys(self.encoder.columns)])
        self._runs.warm_up(rows, nothing)


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
