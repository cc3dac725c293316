"""A booster's trees as LightGBM writes them down, in its text format of version 4."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CATEGORICAL = 1  # The bit of `decision_type` that says so.


@dataclass(frozen=True, eq=False)
class Tree:
    """One tree. Node 0 is the root; a child below 0 is leaf `~child`. Parents come before children.

    Attributes:
        feature: i64[nodes], the feature a node asks about.
        threshold: f64[nodes], a row goes left if its number is at most that.
        left, right: i64[nodes], where it goes.
        categories: The ids that go left, by the nodes that ask about an id; all others go right.
        value: f64[leaves].
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    categories: Mapping[int, np.ndarray]
    value: np.ndarray


def trees(model: str) -> list[Tree]:
    """Return the trees of `Booster.model_to_string()`, in the order in which they were grown."""
    blocks = model.split("\nend of trees", maxsplit=1)[0].split("\nTree=")[1:]
    return [_tree(dict(_fields(block))) for block in blocks]


def _fields(block: str) -> list[tuple[str, str]]:
    pairs = (line.partition("=") for line in block.splitlines())
    return [(name, value) for name, equals, value in pairs if equals]


def _tree(fields: Mapping[str, str]) -> Tree:
    def numbers(name: str, kind: type[np.generic]) -> np.ndarray:
        return np.array(fields.get(name, "").split(), dtype=kind)

    threshold = numbers("threshold", np.float64)
    words, starts = numbers("cat_threshold", np.uint32), numbers("cat_boundaries", np.int64)
    asks_id = np.flatnonzero(numbers("decision_type", np.int64) & CATEGORICAL).tolist()
    categories = {}
    for node in asks_id:
        at = int(threshold[node])  # Of a node that asks about an id: which set is its own.
        bits = np.unpackbits(words[starts[at] : starts[at + 1]].view(np.uint8), bitorder="little")
        categories[node] = np.flatnonzero(bits)
    return Tree(
        feature=numbers("split_feature", np.int64),
        threshold=threshold,
        left=numbers("left_child", np.int64),
        right=numbers("right_child", np.int64),
        categories=categories,
        value=numbers("leaf_value", np.float64),
    )
