import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.validate.scan.repeats import Repeats

hashed = st.lists(st.integers(0, 30), max_size=60)


def scattered(values):
    """Well-mixed hashes of small numbers."""
    return np.random.default_rng(9).integers(0, 2**64, 100_000, np.uint64)[np.asarray(values, int)]


def test_few_rows_are_counted_exactly():
    seen = Repeats()
    seen.add(scattered([1, 2, 2, 3]), 0)
    seen.add(scattered([3, 3, 4]), 1)
    result = seen.result()
    assert result.halvings == 0
    assert [result.among(atoms) for atoms in ([0], [1], [0, 1], [])] == [1, 1, 3, 0]


@given(st.lists(st.tuples(hashed, st.integers(0, 4)), max_size=6))
def test_any_atoms_together_repeat_what_their_rows_repeat(parts):
    seen = Repeats()
    for values, atom in parts:
        seen.add(scattered(values), atom)
    for atoms in ([0], [1, 2], [0, 1, 2, 3, 4]):
        rows = [value for values, atom in parts if atom in atoms for value in values]
        assert seen.result().among(atoms) == len(rows) - len(set(rows))


@given(st.lists(st.integers(0, 400), max_size=300), st.integers(1, 50))
def test_what_is_sampled_does_not_depend_on_order_or_batches(values, batch):
    one, other = Repeats(cap=64), Repeats(cap=64)
    one.add(scattered(values), 0)
    for first in range(0, len(values), batch):
        other.add(scattered(values[::-1][first : first + batch]), 0)
    assert one.result() == other.result() or not values


def test_beyond_the_cap_the_estimate_is_right_on_average():
    """20,000 rows of 15,000 kinds through 2,000 places, forty times: within two standard errors."""
    rng = np.random.default_rng(12)
    found, true = [], []
    for _ in range(40):
        hashes = rng.integers(0, 2**64, 15_000, np.uint64)[rng.integers(0, 15_000, 20_000)]
        seen = Repeats(cap=2_000)
        for part in np.array_split(hashes, 7):
            seen.add(part, 0)
        result = seen.result()
        assert result.halvings == 4
        found.append(result.among([0]))
        true.append(len(hashes) - len(np.unique(hashes)))
    error = np.array(found) - np.array(true)
    assert abs(error.mean()) < 2 * error.std() / np.sqrt(40)
    assert error.std() / np.mean(true) < 0.1


def test_kept_hashes_never_exceed_the_cap():
    seen = Repeats(cap=100)
    for n in range(20):
        seen.add(np.random.default_rng(n).integers(0, 2**64, 90, np.uint64), n % 3)
        assert sum(seen.result().rows.values()) <= 100
    assert seen.result().among([0, 1, 2]) == pytest.approx(0)
