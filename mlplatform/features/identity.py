"""What a feature set computes, as a digest: the same for the same features, wherever and however written."""

import hashlib
import json
from dataclasses import fields
from typing import Any

from mlplatform.features.declare import FeatureSet, Function
from mlplatform.features.declare.aggregate import Aggregate

WORDS = ("description", "owner")  # Of a feature, for people; they change no value.


def digest(features: FeatureSet) -> str:
    """Return a sha256 over kinds, settings and traced functions of the features, in their order.

    Comments, names of files and how a set is put together do not matter.
    """
    return hashlib.sha256(
        json.dumps([_said(one) for one in features.features]).encode()
    ).hexdigest()


def _said(feature: Any) -> list[Any]:
    values = {f.name: getattr(feature, f.name) for f in fields(feature) if f.name not in WORDS}
    if isinstance(feature, Function):
        from mlplatform.features.functions import checked

        values["function"] = checked(feature)
    return [type(feature).__name__, {name: _plain(value) for name, value in values.items()}]


def _plain(value: Any) -> Any:
    if isinstance(value, Aggregate):
        return value.key
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
