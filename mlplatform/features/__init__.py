"""One definition of the features: declared in `features.py`, fitted once, the same ever after.

Importing this room is cheap, so that a code location can read every `features.py`: Arrow comes with
the encoder, and JAX where it computes.
"""

from typing import TYPE_CHECKING, Any

from mlplatform.features.declare import (
    Aggregate,
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Elapsed,
    Embedding,
    Feature,
    FeatureSet,
    Function,
    Hashed,
    Numeric,
    Text,
    feature,
)
from mlplatform.features.sharing import load_features

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder

__all__ = [
    "Aggregate",
    "Bucketize",
    "Categorical",
    "Cross",
    "Datetime",
    "Elapsed",
    "Embedding",
    "Encoder",
    "Feature",
    "FeatureSet",
    "Function",
    "Hashed",
    "Numeric",
    "Text",
    "feature",
    "load_features",
]


def __getattr__(name: str) -> Any:
    if name != "Encoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mlplatform.features.encoder import Encoder

    return Encoder
