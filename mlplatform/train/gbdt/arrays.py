"""Pieces of trees as the arrays that the program takes, and what holds between their numbers and LightGBM's.

LightGBM compares in f64 and features are f32: rounded down, a threshold tells all of them apart as before.
"""

from collections.abc import Sequence

import numpy as np

from mlplatform.train.gbdt.pieces import BITS, EVERYWHERE, Asked, Piece, pieces
from mlplatform.train.gbdt.trees import Tree

FEATURE, THRESHOLD = "trees.feature", "trees.threshold"
IF_LEFT, IF_RIGHT = "trees.if_left", "trees.if_right"
VALUE = "trees.value"
ROW, LEFT_OVER = "trees.ids.row", "trees.ids.left_over"

Laid = list[tuple[Tree, Piece]]


def arrays(
    grown: Sequence[Sequence[Tree]], vectors: int, ids: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return the parameters of the program.

    P pieces are those of the first output, then those of the second, …, each with as many: empty
    ones, which add 0, fill up. N is the most numbers that a piece asks about.

    trees.feature: i32[N, P], trees.threshold: f32[N, P]: is that number of a row at most that?
    trees.if_left, trees.if_right: u32[N, P], the leaves left over if so, and if not.
    trees.value: f32[outputs, P / outputs, 32] of leaves.
    trees.ids.row: i32, the row of the next array that an id has; one feature's ids follow the
    other's, and after each feature's own stands one for all that it does not have.
    trees.ids.left_over: u32[_, P], what all nodes that ask about the feature leave over: a row for each
    id that a tree names, and one for all other ids of the feature.

    Args:
        grown: The trees of each output.
        vectors: Number of float features; ids come after them in a tree's features.
        ids: Number of ids of each id feature.
    """
    laid = [[(tree, piece) for tree in trees for piece in pieces(tree)] for trees in grown]
    longest = max(map(len, laid))
    nothing = (_NO_TREE, Piece((), (None,)))
    filled = [one for each in laid for one in each + [nothing] * (longest - len(each))]
    value = np.stack([_values(tree, piece) for tree, piece in filled])
    params = {VALUE: value.reshape(len(grown), longest, BITS)}
    return (
        params | (_numbers(filled) if vectors else {}) | (_ids(filled, vectors, ids) if ids else {})
    )


def rounded_down(numbers: np.ndarray) -> np.ndarray:
    """Return for each f64 the largest f32 that is not above it: `x <= t` is the same for every f32 x."""
    with np.errstate(over="ignore"):
        nearest = numbers.astype(np.float32)
    return np.where(nearest > numbers, np.nextafter(nearest, np.float32(-np.inf)), nearest)


_NONE = np.zeros(0, np.int64)
_NO_TREE = Tree(_NONE, np.zeros(0), _NONE, _NONE, {}, np.zeros(1))


def _values(tree: Tree, piece: Piece) -> np.ndarray:
    found = [0.0 if leaf is None else tree.value[leaf] for leaf in piece.leaves]
    return np.array(found + [0.0] * (BITS - len(found)), np.float32)


def _numbers(laid: Laid) -> dict[str, np.ndarray]:
    asked = [[a for a in piece.asked if a.node not in tree.categories] for tree, piece in laid]
    shape = (max(1, *map(len, asked)), len(laid))
    feature, threshold = np.zeros(shape, np.int32), np.zeros(shape, np.float64)
    if_left, if_right = (np.full(shape, EVERYWHERE, np.uint32) for _ in range(2))
    for at, ((tree, _), some) in enumerate(zip(laid, asked, strict=True)):
        nodes = [one.node for one in some]
        feature[: len(some), at] = tree.feature[nodes]
        threshold[: len(some), at] = tree.threshold[nodes]
        if_left[: len(some), at] = [one.if_left for one in some]
        if_right[: len(some), at] = [one.if_right for one in some]
    return {
        FEATURE: feature,
        THRESHOLD: rounded_down(threshold),
        IF_LEFT: if_left,
        IF_RIGHT: if_right,
    }


def _ids(laid: Laid, vectors: int, sizes: tuple[int, ...]) -> dict[str, np.ndarray]:
    rows, tables, used = [], [], 0
    for at, size in enumerate(sizes):
        asked = [
            (column, one, tree.categories[one.node])
            for column, (tree, piece) in enumerate(laid)
            for one in piece.asked
            if one.node in tree.categories and tree.feature[one.node] == vectors + at
        ]
        row, table = _of_feature(asked, size, len(laid))
        rows.append(row + used)
        tables.append(table)
        used += len(table)
    return {ROW: np.concatenate(rows), LEFT_OVER: np.concatenate(tables)}


def _of_feature(
    asked: list[tuple[int, Asked, np.ndarray]], size: int, columns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row of each id, i32[size + 1], and the rows, u32[_, columns]; row 0 is of the unnamed."""
    named = np.unique(np.concatenate([_NONE, *(ids for _, _, ids in asked)]))
    row = np.zeros(size + 1, np.int32)
    row[named] = np.arange(len(named)) + 1
    table = np.full((len(named) + 1, columns), EVERYWHERE, np.uint32)
    for column, one, ids in asked:
        goes_left = np.zeros(len(table), np.bool_)
        goes_left[row[ids]] = True
        table[:, column] &= np.where(goes_left, np.uint32(one.if_left), np.uint32(one.if_right))
    return row, table
