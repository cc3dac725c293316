"""The files by which MLflow's tools load a model artifact: MLmodel, its requirements, and code without a pickle.

The code is the same three lines in every model and leaves all to the library, which verifies the other files
first. They hold no time and no random id, so that an artifact made again is the same one.
"""

import json
import sys
from collections.abc import Iterable
from importlib import metadata

import yaml

from mlplatform import __version__
from mlplatform.features.encoder import Encoder
from mlplatform.features.signature import Signature

MLMODEL, CODE = "MLmodel", "mlflow_model.py"
PYTHON_ENV, REQUIREMENTS = "python_env.yaml", "requirements.txt"
FILES = (MLMODEL, CODE, PYTHON_ENV, REQUIREMENTS)
LIBRARIES = ("jax", "jaxlib", "numpy", "pyarrow", "safetensors")  # What loads and runs the program.
SOURCE = '''"""Loaded by MLflow as a model from code; the library verifies every file beside it, and does the rest."""

from pathlib import Path

from mlflow.models import set_model

from mlplatform.registry.pyfunc import StoredModel

set_model(StoredModel(Path(__file__).parent))
'''
_TYPES = {
    "int64": "any",
    "float64": "double",
    "string": "string",
    "bool": "boolean",
    "timestamp": "datetime",
}


def mlflow_files(encoder: Encoder, signed: Signature) -> dict[str, bytes]:
    """Return the contents of `FILES` by name, the same bytes for equal features in an equal environment."""
    return {
        MLMODEL: mlmodel(encoder, signed, _python()),
        CODE: SOURCE.encode(),
        PYTHON_ENV: python_env(_python()),
        REQUIREMENTS: "".join(f"{line}\n" for line in _requirements()).encode(),
    }


def mlmodel(encoder: Encoder, signed: Signature, python: str) -> bytes:
    """Return the content of `MLMODEL` as an export by a Python such as `3.11` writes it."""
    return _yaml(_mlmodel(encoder, signed, python))


def python_env(python: str) -> bytes:
    """Return the content of `PYTHON_ENV` as an export by a Python such as `3.11` writes it."""
    return _yaml({"python": python, "dependencies": [f"-r {REQUIREMENTS}"]})


def columns(encoder: Encoder) -> list[dict[str, object]]:
    """Return the raw columns the program reads as MLflow's column specs.

    Values of aggregates are among them: MLflow has no store to look them up in. Whole numbers are `any`: of any column
    values may be missing, and MLflow takes none in a `long`, nor whole numbers in a `double`. The model itself
    holds every value against the exact type, which MLmodel's metadata tell.
    """
    return [{"name": name, **_column(kind)} for name, kind in encoder.columns.items()]


def _mlmodel(encoder: Encoder, signed: Signature, python: str) -> dict[str, object]:
    outputs = [
        {"name": name, "type": "float", "required": True} for name in signed.predicts.columns
    ]
    return {
        "flavors": {
            "python_function": {
                "loader_module": "mlflow.pyfunc.model",
                "model_code_path": CODE,
                "python_version": python,
                "env": {"virtualenv": PYTHON_ENV},
            }
        },
        "signature": {
            "inputs": json.dumps(columns(encoder)),
            "outputs": json.dumps(outputs),
            "params": None,
        },
        "metadata": {
            "task": signed.predicts.task,
            "jax": signed.jax,
            "columns": dict(encoder.columns),
        },
    }


def _column(kind: str) -> dict[str, object]:
    if kind.startswith("vector"):  # A missing one is None, which MLflow takes of what is optional.
        return {"type": "array", "items": {"type": "double"}, "required": False}
    return {"type": _TYPES[kind], "required": True}


def _requirements() -> Iterable[str]:
    yield f"mlplatform=={__version__}"
    yield from (f"{name}=={metadata.version(name)}" for name in LIBRARIES)


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _yaml(content: object) -> bytes:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000)
    return text.encode()
