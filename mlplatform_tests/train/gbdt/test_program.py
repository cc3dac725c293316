"""The program against LightGBM's own prediction: every row in the same leaf, sums within the stated bound."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.features.program_export import deserialized, serialized
from mlplatform.features.signature import Tensor
from mlplatform.spec.families import Gbdt
from mlplatform.train.data import Data
from mlplatform.train.gbdt import fit_gbdt
from mlplatform.train.gbdt.arrays import FEATURE, VALUE, arrays, rounded_down
from mlplatform.train.gbdt.booster import Boosters
from mlplatform.train.gbdt.pieces import LEAVES
from mlplatform.train.gbdt.program import raw
from mlplatform.train.gbdt.trees import Tree
from mlplatform_tests.train.gbdt.rows import BINARY, ID_SIZE, QUANTILES, REGRESSION, TASKS, data

ODD = [np.nan, np.inf, -np.inf, 0, -0.0, 1e-35, -1e-35, 1e-36, -1e-36, 1e-40, 3.4e38, -3.4e38]


def grown(rows: Data, rounds: int, **how: Any) -> Boosters:
    boosters = Boosters(rows, Gbdt(min_rows_a_leaf=5, **how))
    for _ in range(rounds):
        boosters.grow()
    return boosters


def leaves(trees: list[Tree], rows: Data, vectors: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return i64[rows, trees] by our program: each tree an output, each leaf's value its number."""
    numbered = [[replace(tree, value=np.arange(len(tree.value)))] for tree in trees]
    params = arrays(numbered, rows.shape.vectors, rows.shape.ids)
    ask = jax.jit(raw, static_argnums=3)
    return np.asarray(ask(params, vectors, ids, rows.shape.ids)).astype(np.int64)


def hard_rows(trees: list[Tree], rows: Data, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows that stand on every threshold and beside it, with odd numbers and with ids of all kinds."""
    rng = np.random.default_rng(seed)
    train = rows.train
    at = rounded_down(np.concatenate([tree.threshold for tree in trees]))
    near = np.concatenate([at, np.nextafter(at, np.float32(np.inf)), np.nextafter(at, -at - 1)])
    pool = np.concatenate([near, np.float32(ODD), train.vectors.ravel()])
    count = 3 * len(near)
    vectors = rng.choice(pool, (count, rows.shape.vectors)).astype(np.float32)
    known = np.arange(-2, ID_SIZE)
    ids = rng.choice([*known, ID_SIZE, 1000, 2**31 - 1], (count, len(rows.shape.ids)))
    return np.concatenate([train.vectors, vectors]), np.concatenate(
        [train.ids, ids.astype(np.int32)]
    )


def as_lightgbm_reads(vectors: np.ndarray, ids: np.ndarray) -> np.ndarray:
    return np.concatenate([vectors, ids], axis=1, dtype=np.float64)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    vectors=st.integers(0, 4),
    ids=st.integers(0, 3),
    most=st.sampled_from([2, 31, 32, 33, 100]),
    task=st.sampled_from(TASKS),
)
def test_every_row_falls_into_the_leaf_that_lightgbm_chooses(
    seed: int, vectors: int, ids: int, most: int, task: Any
) -> None:
    """Also on a threshold and one f32 beside it, for NaN and infinities, and for ids of no training row."""
    vectors = vectors or int(not ids)
    rows = data(task, vectors, ids, seed=seed)
    boosters = grown(rows, 3, leaves=most)
    by_output = boosters.trees(3)
    trees = [tree for round_ in zip(*by_output, strict=True) for tree in round_]
    numbers, known = hard_rows(trees, rows, seed)
    own = [
        np.asarray(b.predict(as_lightgbm_reads(numbers, known), pred_leaf=True)).reshape(
            len(numbers), -1
        )
        for b in boosters._boosters
    ]
    theirs = np.stack(own, axis=-1).reshape(len(numbers), -1)
    assert (leaves(trees, rows, numbers, known) == theirs).all()


def test_a_chain_as_deep_as_it_has_leaves_is_cut_and_still_gives_each_row_its_leaf() -> None:
    """Each node takes the smallest number off on its left or, in turn, the largest on its right."""
    count = 300
    node = np.arange(count)
    goes_on = np.append(node[1:], ~count)
    lowest = node % 2 == 0
    chain = Tree(
        feature=np.zeros(count, np.int64),
        threshold=np.where(lowest, node // 2, count - 1 - node // 2).astype(np.float64),
        left=np.where(lowest, ~node, goes_on),
        right=np.where(lowest, goes_on, ~node),
        categories={},
        value=np.zeros(count + 1),
    )
    x = np.arange(-1, count + 1, 0.5, np.float32)
    at = np.zeros(len(x), np.int64)
    for _ in range(count):
        left, right = chain.left[at], chain.right[at]
        at = np.where(at < 0, at, np.where(x <= chain.threshold[at], left, right))
    rows = data(REGRESSION, vectors=1, ids=0)
    assert (leaves([chain], rows, x[:, None], np.zeros((len(x), 0), np.int32))[:, 0] == ~at).all()
    assert (
        len(arrays([[chain]], 1, ())[FEATURE]) <= LEAVES + 1
    )  # The way to a piece is two numbers, however deep it lies.


@pytest.mark.parametrize("task", TASKS)
def test_sums_of_leaves_are_within_the_bound(task: Any) -> None:
    """(ceil(log2 P) + 1) · 2^-24 · Σ|value|, of P pieces."""
    rows = data(task)
    boosters = grown(rows, 40, leaves=60)
    by_output = boosters.trees(40)
    params = arrays(by_output, rows.shape.vectors, rows.shape.ids)
    ours = raw(params, rows.train.vectors, rows.train.ids, rows.shape.ids)
    x = as_lightgbm_reads(rows.train.vectors, rows.train.ids)
    own = [np.asarray(b.predict(x, raw_score=True)) for b in boosters._boosters]
    theirs = np.stack(own, axis=-1).reshape(len(x), -1)
    pieces = params[VALUE].shape[1]
    most = sum(np.abs(tree.value).max() for trees in by_output for tree in trees)
    bound = (np.ceil(np.log2(pieces)) + 1) * 2**-24 * most
    assert np.abs(np.asarray(ours, np.float64) - theirs).max() <= bound


@given(st.floats(allow_nan=False))
def test_a_threshold_rounded_down_parts_every_f32_as_before(threshold: float) -> None:
    """That x <= t in f64 is x <= rounded_down(t) for the f32 on either side, and so for all."""
    (rounded,) = rounded_down(np.array([threshold]))
    with np.errstate(over="ignore", under="ignore"):
        beside = [np.nextafter(rounded, np.float32(end)) for end in (-np.inf, np.inf)]
    for x in (rounded, *beside, np.float32(np.inf), np.float32(-np.inf)):
        assert (x <= rounded) == (float(x) <= threshold)


def test_a_row_gets_the_same_bits_alone_and_among_any_others() -> None:
    """Blocks, and what fills the last one up, are not seen."""
    rows = data(BINARY, rows=900)
    model = fit_gbdt(rows, Gbdt(trees=20))
    predict = jax.jit(model.predict)
    whole = np.asarray(predict(model.params, rows.train.vectors, rows.train.ids))
    for count in (1, 2, 127, 128, 129, 300):
        some = predict(model.params, rows.train.vectors[:count], rows.train.ids[:count])
        assert (np.asarray(some) == whole[:count]).all()


@pytest.mark.parametrize("task", [BINARY, QUANTILES])
def test_the_program_exports_for_any_number_of_rows_and_gives_the_same_bits(task: Any) -> None:
    """Parameters are its arguments; one file serves cpu and cuda."""
    rows = data(task)
    model = fit_gbdt(rows, Gbdt(trees=5))
    params = {n: Tensor(n, str(a.dtype), a.shape) for n, a in model.params.items()}
    takes = (Tensor("vectors", "float32", ("rows", 3)), Tensor("ids", "int32", ("rows", 2)))
    file = serialized(model.predict, params, *takes)
    assert file == serialized(model.predict, params, *takes)
    program = deserialized(file, "program.stablehlo")
    assert set(program.platforms) == {"cpu", "cuda"}
    whole = np.asarray(jax.jit(model.predict)(model.params, *rows.validation[:2]))
    for count in (1, 150, 200):
        some = program.call(dict(model.params), *(a[:count] for a in rows.validation[:2]))
        assert (np.asarray(some) == whole[:count]).all()
