"""A fitted model as files: features and network in one program that needs no Python of ours to run."""

import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from safetensors.numpy import save

from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram
from mlplatform.features.mlflow_model import mlflow_files
from mlplatform.features.program_export import serialized
from mlplatform.features.signature import Tensor, signature
from mlplatform.train.fit import Trained
from mlplatform.train.reproducible import statement


def export(trained: Trained, encoder: Encoder, feature_program: bytes) -> dict[str, bytes]:
    """Return the model artifact's files by name, the same bytes for equal inputs.

    params.safetensors holds the parameters, and no other file does: program.stablehlo takes them
    as arguments. training.json says how they came about, and four more files are MLflow's.

    Args:
        trained: What `fit` made.
        encoder: The fitted features that it was trained on.
        feature_program: Their `features.stablehlo`, which made the table; it becomes a part of the
            model's program as it is.

    Raises:
        CorruptionError: If `feature_program` is not of `encoder`.
    """
    features = FeatureProgram.load(feature_program, encoder)
    fitted = trained.fitted
    params = {name: np.ascontiguousarray(fitted.params[name]) for name in sorted(fitted.params)}
    tensors = tuple(Tensor(n, str(a.dtype), tuple(a.shape)) for n, a in params.items())
    signed = signature(encoder, tensors, jax.__version__, trained.label)

    def predict(
        params: Mapping[str, jax.Array], numeric: jax.Array, integers: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        vectors, ids = features.call(numeric, integers)
        return fitted.predict(params, vectors, ids), vectors, ids

    return {
        "program.stablehlo": serialized(predict, {t.name: t for t in tensors}, *signed.encoded),
        "params.safetensors": save(params),
        "features.json": encoder.to_json(),
        "signature.json": signed.to_json(),
        "training.json": json.dumps(manifest(trained), indent=1, sort_keys=True).encode(),
        **mlflow_files(encoder, signed),
    }


def manifest(trained: Trained) -> dict[str, Any]:
    """Return how a model came about: settings, seeds, what was done otherwise, what can be repeated.

    Only what is the same in a repetition: no time, and nothing that a clock decides.
    """
    fitted, device = trained.fitted, jax.devices()[0]
    return {
        "model": trained.model.model_dump(mode="json", exclude={"gpu"}),
        "label": trained.label.model_dump(mode="json"),
        "best_epoch": fitted.best,
        "validation": dict(trained.validation),
        "notes": list(fitted.notes),
        "stopped_by": fitted.stopped_by,
        "reproducibility": statement(
            platform=device.platform,
            device_kind=device.device_kind,
            devices=fitted.devices,
            precision=fitted.precision,
            seed=getattr(trained.model, "seed", None),
        ),
    }
