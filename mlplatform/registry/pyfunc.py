"""A stored model as an MLflow pyfunc: what `mlflow_model.py` in an artifact hands to MLflow.

MLflow runs that file before anything is verified, so a folder from a stranger is not loaded by MLflow. Everything after
it, features and predictions, comes from the verified program, as in the server.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd  # type: ignore[import-untyped]  # It has none; MLflow hands frames over.
import pyarrow as pa
from mlflow.pyfunc.model import PythonModel

from mlplatform.errors import FeatureError
from mlplatform.registry.folder import Folder

if TYPE_CHECKING:
    from mlplatform.features.program import Predictor


class StoredModel(PythonModel):
    """The model in a folder, loaded when MLflow says so.

    Args:
        folder: A copy of the artifact.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._predictor: Predictor | None = None

    def load_context(self, context: Any) -> None:
        """Load the model, every byte verified.

        Raises:
            CorruptionError: If a byte differs from the manifest, or the files are no model.
            LakeError: If a file cannot be read.
        """
        from mlplatform.features.program import Predictor

        self._predictor = Predictor.load(Folder.verified(self._folder))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return f32[rows] a column for each number of an answer, named as in a table of predictions.

        Raises:
            FeatureError: Naming row (counted from 0) and column of the first value that does not fit.
        """
        if self._predictor is None:
            self.load_context(context)
        assert self._predictor is not None  # noqa: S101 - loaded above.
        found = self._predictor.predict_table(table(model_input, self._predictor.encoder.columns))
        named = self._predictor.predicts.columns
        shaped = found.reshape(len(found), len(named))
        return pd.DataFrame(shaped, columns=list(named), index=model_input.index)


def table(frame: pd.DataFrame, columns: dict[str, str]) -> pa.Table:
    """Return the columns of a frame in the types the model reads; NaN, NaT, NA and None are missing.

    Raises:
        FeatureError: Naming a column that is missing or of another type, or row and column of a value.
    """
    return pa.table({name: _column(frame, name, kind) for name, kind in columns.items()})


def _column(frame: pd.DataFrame, name: str, kind: str) -> pa.Array:
    from mlplatform.features.columns import words_of
    from mlplatform.ingest.convert import NoConversionError, converted

    if name not in frame.columns:
        known = ", ".join(map(str, frame.columns))
        raise FeatureError(f"column {name!r} is missing; columns: {known}")
    try:
        values, refused = converted(pa.array(frame[name], from_pandas=True), kind)
    except (NoConversionError, pa.ArrowException) as wrong:
        raise FeatureError(f"column {name!r} is {wrong}; {words_of(kind)} is expected") from None
    for mask, why in refused:
        if mask.any():
            raise FeatureError(f"row {mask.argmax()}: column {name!r}: {why}")
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
