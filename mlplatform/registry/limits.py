"""What MLflow takes as a name or a value: said otherwise, it refuses the whole request."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

METRICS_A_BATCH = 1000  # MLflow's limit, as are the next four.
PARAMS_A_BATCH = 100  # and as many tags
NAME_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 5000  # 8000 since MLflow 2.19
UNFIT = re.compile(r"[^\w\-. :/]", re.ASCII)


def name(text: str) -> str:
    """Return `text` as MLflow takes names of metrics, parameters and tags."""
    fit = UNFIT.sub("_", text).strip("/")
    # A name is a path to MLflow, and has to be its shortest form.
    fit = "/".join(part for part in fit.split("/") if part not in ("", ".", ".."))
    return fit[:NAME_LENGTH] or "_"


def flat(values: Mapping[str, object], above: str = "") -> dict[str, str]:
    """Return nested values as one level of text: `{"mlp": {"width": 8}}` is `{"mlp.width": "8"}`."""
    found: dict[str, str] = {}
    for key, value in values.items():
        dotted = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{dotted}.")
        else:
            found[name(dotted)] = str(value)[:PARAM_LENGTH]
    return found


def batches(values: list[T], size: int) -> Iterator[list[T]]:
    """Yield the values in order, at most `size` at a time."""
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch
