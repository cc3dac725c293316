"""A pipeline of shops with one column of every type and two event tables, for tests of declarations."""

from pathlib import Path
from typing import Any

from mlplatform.features import FeatureSet
from mlplatform.features.load import load_feature_set
from mlplatform.spec import Pipeline, validate

COLUMNS = {
    "at": "timestamp",
    "opened": "timestamp",
    "shop": "string",
    "size": "int64",
    "income": "float64",
    "rent": "float64",
    "open": "bool",
    "note": "string",
    "face": "vector[8]",
    "email": "string",
    "billed": "float64",
    "closes": "string",
}
SALES = {"time": "timestamp", "shop": "string", "number": "int64", "amount": "float64"}
SALES |= {"card": "bool", "ratio": "float64"}
HEAD = "import jax.numpy as jnp\nfrom mlplatform.features import load_features\n"
HEAD += "from mlplatform.features.declare import *\n"


def pipeline(folder: Path, name: str = "shops", **changes: Any) -> Pipeline:
    """The pipeline; keywords replace sections of its spec."""
    attributes = {
        "name": name,
        "owners": ["team:shops"],
        "source": {"kind": "jsonl", "files": ["shops.jsonl"]},
        "columns": COLUMNS,
        "event_time": "at",
        "label": {"column": "closes", "positive": "yes"},
        "unused": {"email": "identifies a person"},
        "known_after": {"billed": "billed later"},
        "known_at": {"rent": "opened", "billed": "opened"},
        "events": {
            "sales": {
                "source": {"kind": "csv", "files": ["sales.csv"]},
                "columns": SALES,
                "event_time": "time",
            },
            "visits": {"event_time": "at", "known_at": "at"},
        },
        **changes,
    }
    return Pipeline(spec=validate(attributes, folder / "defs.yaml"), folder=folder)


def load(folder: Path, *features: str, head: str = HEAD, **changes: Any) -> FeatureSet:
    """Write a features file with these features, and load it."""
    folder.mkdir(exist_ok=True)
    listed = ",\n".join(features)
    (folder / "features.py").write_text(f"{head}\nfeatures = FeatureSet([{listed}])\n")
    return load_feature_set(pipeline(folder, **changes))
