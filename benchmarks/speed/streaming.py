"""The same training from a Delta table that streams, and from the same table in memory."""

import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.quality.platform import features
from mlplatform.lake import Lake, Lineage
from mlplatform.spec.families import MODEL
from mlplatform.train.fit import fit_data
from mlplatform.train.load import load

COPIES = 32  # Of Adult's rows: a million.
HOW = {"family": "mlp", "hidden": [128, 128], "epochs": 3, "batch_size": 1024, "dropout": 0.0}
WHO = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")


class Streaming:
    """A features table of a million rows in a lake.

    Args:
        folder: For the lake.
    """

    def __init__(self, folder: Path) -> None:
        self._lake = Lake(str(folder / "lake"))
        self._made = features("adult", None)
        self.model = {
            way: MODEL.validate_python(HOW | {"input": way}) for way in ("memory", "stream")
        }

    @cached_property
    def _version(self) -> Any:
        """The table, written once."""
        once = self._made.table
        many = pa.concat_tables([once] * COPIES).combine_chunks()
        ids = pa.array(np.arange(many.num_rows))
        many = many.set_column(many.schema.get_field_index("row_id"), "row_id", ids)
        return self._lake.table(self._made.pipeline.table("features")).overwrite(many, WHO)

    def train(self, way: str) -> dict[str, float]:
        """Return seconds of loading and of training, and training rows a second."""
        pipeline, model = self._made.pipeline, self.model[way]
        version = self._version
        started = time.perf_counter()
        data = load(pipeline, self._lake, version, self._made.encoder, model)
        loaded = time.perf_counter()
        fitted = fit_data(pipeline, data, model).fitted
        ended = time.perf_counter()
        rows = fitted.spent["steps"] * HOW["batch_size"]
        return {
            "loading_seconds": loaded - started,
            "training_seconds": ended - loaded,
            "rows_per_second": rows / (ended - loaded),
            "validation_loss": fitted.history["validation_loss"][-1],
        }
