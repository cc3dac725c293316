import threading
from functools import partial

import hypothesis.strategies as st
import jax
import numpy as np
import pytest
from hypothesis import given, settings

from mlplatform.errors import CorruptionError
from mlplatform.features.buckets import BUCKETS, FEW, bucket, padded, split
from mlplatform.features.encoded import Encoded
from mlplatform.features.feature_program import FeatureProgram, export_features
from mlplatform.features.program_runs import Runs
from mlplatform.features.transform import transform
from mlplatform.features.transform_apart import BLOCK, apart
from mlplatform_tests.features import kinds, table_cases

ROWS = 300


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    return kinds.encoder().encode(kinds.dataset(ROWS, seed=1))


@pytest.fixture(scope="module")
def whole(encoded):
    return rows_of(kinds.program(), encoded)


def rows_of(program: FeatureProgram, encoded):
    """Return vectors f32[rows, V] and ids i32[rows, M]."""
    return [columns.T for columns in program.columns(encoded)]


def same(found, expected) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(found, expected, strict=True))


def test_the_program_computes_what_the_transform_does(encoded, whole):
    program = jax.jit(partial(transform, kinds.encoder(), kinds.FUNCTIONS))
    found = program(encoded.numeric[:5], encoded.integers[:5])
    assert same([np.asarray(array) for array in found], [array[:5] for array in whole])
    assert np.isfinite(whole[0]).all()
    sizes = np.array(kinds.encoder().id_sizes)
    assert ((whole[1] >= 0) & (whole[1] < sizes)).all()


def test_features_of_every_kind_have_the_same_bits_in_a_batch_of_any_size(encoded, whole):
    program = kinds.program()
    for rows in range(1, ROWS + 1):
        assert same(rows_of(program, encoded[:rows]), [array[:rows] for array in whole]), rows
        last = slice(ROWS - rows, ROWS)
        assert same(rows_of(program, encoded[last]), [array[last] for array in whole]), rows


@pytest.mark.parametrize("rows", [1, 3])
def test_they_have_them_without_buckets_and_inside_of_another_program_too(encoded, whole, rows):
    """What a compiler makes of a row may depend on the rows beside it, and on what comes after."""

    def more(numeric, integers):
        vectors, ids = kinds.program().call(numeric, integers)
        return vectors, ids, (vectors * 3 + 1).sum(axis=1)

    part = encoded[7 : 7 + rows]
    *found, _ = jax.jit(more)(part.numeric, part.integers)
    assert same([np.asarray(array) for array in found], [array[7 : 7 + rows] for array in whole])


def test_columns_are_the_rows_turned_round(encoded, whole):
    vectors, ids = kinds.program().columns(encoded)
    assert all(column.flags.c_contiguous for column in (*vectors, *ids))
    assert same([vectors.T, ids.T], whole)


def test_no_rows_have_columns():
    vectors, ids = kinds.program().columns(kinds.encoder().encode(kinds.dataset(0)))
    assert vectors.shape == (len(kinds.encoder().vector_names), 0)
    assert ids.shape == (len(kinds.encoder().id_names), 0)


def test_threads_may_share_a_program(encoded, whole):
    program = FeatureProgram.load(kinds.program().content)
    wrong = []

    def compute(at: int) -> None:
        rows = (slice(row, row + 4) for row in range(at, ROWS - 4, 8))
        wrong.extend(
            r for r in rows if not same(rows_of(program, encoded[r]), [a[r] for a in whole])
        )

    threads = [threading.Thread(target=compute, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_no_path_of_this_machine_is_in_the_file(root):
    content = kinds.program().content
    assert str(root).encode() not in content
    assert b".py" not in content
    assert content == export_features(kinds.encoder(), kinds.FUNCTIONS)


def test_a_file_that_is_no_program_or_of_other_features_is_refused():
    with pytest.raises(CorruptionError, match=r"features.stablehlo cannot be read"):
        FeatureProgram.load(b"no program")
    other = table_cases.function().program.content
    with pytest.raises(CorruptionError, match=r"features.stablehlo takes .*; the features say"):
        FeatureProgram.load(other, kinds.encoder())


def test_a_computation_of_its_own_stays_a_loop_that_the_compiler_cannot_take_apart():
    """Otherwise it would be mixed with what is around it, and its bits depend on that."""
    compiled = (
        jax.jit(lambda x: apart(jax.numpy.sin, x)).lower(np.zeros((1, 3), np.float32)).compile()
    )
    body = compiled.as_text().partition("ENTRY")[0]
    assert "while(" in compiled.as_text()
    assert f"f32[1,{BLOCK}]" in body
    assert "sine(" in body


@given(st.integers(0, 200_000))
def test_a_batch_is_split_into_buckets_that_hold_each_of_its_rows_once(rows):
    parts = split(rows)
    assert [part.start for part in parts] == list(
        np.cumsum([0, *(part.rows for part in parts)])[:-1]
    )
    assert sum(part.rows for part in parts) == rows
    for part in parts:
        assert part.bucket in BUCKETS
        assert part.rows <= part.bucket
        assert part.bucket <= max(2 * part.rows, FEW)


@given(st.integers(0, 10_000))
def test_a_batch_is_padded_to_the_smallest_bucket_that_holds_it(rows):
    chosen = bucket(rows)
    assert chosen in BUCKETS
    assert chosen >= rows
    assert not [size for size in BUCKETS if rows <= size < chosen]


@settings(max_examples=20)
@given(st.integers(0, 3 * BUCKETS[-1]), st.sampled_from([0, 1]))
def test_padding_is_cut_off_again_and_no_row_lost(rows, axis):
    numbers = np.arange(rows, dtype=np.float32)[:, None]
    runs = Runs(lambda numeric, integers: (), rows_axis=axis)

    def doubled(numeric, integers):
        made = np.concatenate([numeric, numeric * 2], axis=1)
        return (made.T if axis else made,)

    runs.compiled = dict.fromkeys(BUCKETS, doubled)
    (found,) = runs(Encoded(numbers, np.zeros((rows, 0), np.int32)))
    found = found.T if axis else found
    np.testing.assert_array_equal(found, np.concatenate([numbers, numbers * 2], axis=1))


def test_padding_is_zeros_behind_the_rows():
    encoded = Encoded(np.ones((2, 1), np.float32), np.ones((2, 3), np.int32))
    made = padded(encoded, 4)
    assert made.numeric[:, 0].tolist() == [1, 1, 0, 0]
    assert made.integers.sum(axis=1).tolist() == [3, 3, 0, 0]
    assert padded(encoded, 2) is encoded
