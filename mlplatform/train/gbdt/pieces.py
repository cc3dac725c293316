"""Trees cut into pieces whose leaves are the bits of one 32-bit word.

QuickScorer (Lucchese et al., SIGIR 2015) finds a row's leaf without walking: each node that a row
passes on the right rules out the leaves on its left, and the first leaf that nobody ruled out is the
row's. Which nodes are asked, and in which order, is the same for all rows, so thousands of rows are
asked at once. A word holds 31 leaves and one bit for *elsewhere*. A larger tree is a sum of pieces:
each is a subtree, with the nodes above it, which rule out all its leaves for rows that never get
there. Elsewhere counts 0, and a row is elsewhere in all pieces of a tree but one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mlplatform.train.gbdt.trees import Tree

BITS = 32
LEAVES = BITS - 1  # The last bit is elsewhere.
EVERYWHERE = (1 << BITS) - 1
ELSEWHERE = 1

Above = dict[int, tuple[int, bool]]


@dataclass(frozen=True)
class Asked:
    """One node of a piece, and the leaves that its two answers leave over (leaf 0 is the highest bit)."""

    node: int
    if_left: int
    if_right: int


@dataclass(frozen=True)
class Piece:
    """Nodes to ask in any order, and the tree's leaves behind the bits; None is a leaf of another piece."""

    asked: tuple[Asked, ...]
    leaves: tuple[int | None, ...]


def pieces(tree: Tree) -> list[Piece]:
    """Return pieces that together give what the tree gives: to each row its leaf in exactly one of them."""
    if not len(tree.feature):
        return [Piece((), (0,))]
    roots, above = _roots(tree), _above(tree)
    return [_piece(tree, root, roots, above) for root in sorted(roots)]


def _roots(tree: Tree) -> set[int]:
    """Return the nodes to cut at, from the leaves up: wherever more leaves meet than a word holds."""
    roots, leaves = {0}, [1] * len(tree.feature)

    def held(child: int) -> int:
        return 1 if child < 0 or child in roots else leaves[child]

    for node in reversed(range(len(tree.feature))):
        children = (int(tree.left[node]), int(tree.right[node]))
        for child in sorted(children, key=held, reverse=True):
            if sum(map(held, children)) > LEAVES:
                roots.add(child)
        leaves[node] = sum(map(held, children))
    return roots


def _above(tree: Tree) -> Above:
    """Return the parent of each node but the root, and whether the node is on its left."""
    sides = ((tree.left, True), (tree.right, False))
    return {
        child: (node, is_left)
        for children, is_left in sides
        for node, child in enumerate(children.tolist())
        if child >= 0
    }


def _piece(tree: Tree, root: int, roots: set[int], above: Above) -> Piece:
    asked = list(_way(tree, root, above))
    leaves: list[int | None] = []

    def walk(child: int) -> None:
        if child < 0 or (child in roots and child != root):
            leaves.append(~child if child < 0 else None)
            return
        first = len(leaves)
        walk(int(tree.left[child]))
        asked.append(Asked(child, EVERYWHERE, EVERYWHERE ^ _bits(first, len(leaves))))
        walk(int(tree.right[child]))

    walk(root)
    return Piece(tuple(asked), tuple(leaves))


def _way(tree: Tree, root: int, above: Above) -> Iterator[Asked]:
    """Yield the nodes above a root; who turns off there is elsewhere.

    Of the turns to one side at one number the last is enough: a tree splits only what rows it has, so
    what the last lets through has passed those before.
    """
    node, turns = root, set()
    while node in above:
        node, is_left = above[node]
        turn = (int(tree.feature[node]), is_left)
        if node in tree.categories or turn not in turns:
            turns.add(turn)
            yield Asked(node, *((EVERYWHERE, ELSEWHERE) if is_left else (ELSEWHERE, EVERYWHERE)))


def _bits(first: int, end: int) -> int:
    return int((1 << (BITS - first)) - (1 << (BITS - end)))
