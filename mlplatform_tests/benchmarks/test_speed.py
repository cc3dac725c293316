import numpy as np
import pytest

from benchmarks.speed.floor import AT_ONCE, _by_xla, floor, flops, products
from benchmarks.speed.parts import HOW
from benchmarks.speed.rows import WIDTH, rows


def test_the_rows_are_adult_as_116_numbers():
    made = rows()
    assert made["x"].shape == (32_561, WIDTH)
    assert made["test_x"].shape == (16_281, WIDTH)
    assert made["y"].mean() == np.float32(7_841 / 32_561)
    assert np.allclose(made["x"][:, :5].mean(0), 0, atol=1e-4)


def test_every_person_has_one_band_of_age_and_one_value_of_each_category():
    x = rows()["x"]
    assert np.array_equal(x[:, 5:].sum(1), np.full(len(x), 9))


def test_a_training_is_the_gigaflop_that_its_weights_take():
    """Two products of each weight of the first layer, three of every other."""
    once = 2 * 116 * 128 + 3 * (128 * 128 + 128)
    assert flops([WIDTH, *HOW["hidden"], 1], 32_561) == 2 * once * 32_561


@pytest.mark.parametrize("product", products([5, 4, 1], 8), ids=lambda product: product.name)
def test_every_product_is_computed_as_often_as_it_is_timed(product):
    """Each changes a number of the next: the compiler cannot take one out of the loop."""
    left, right = (np.full(shape, 0.1, np.float32) for shape in (product.left, product.right))
    found = _by_xla(left, right, product)
    for _ in range(AT_ONCE):
        made = np.tensordot(left, right, axes=product.over)
        right[0, 0] = made[0, 0]
    assert np.allclose(found[0], right, rtol=1e-5)
    assert np.allclose(found[1], made, rtol=1e-5)


def test_the_floor_is_the_sum_of_the_products_of_all_steps():
    said = floor([5, 4, 1], 8, steps=10)
    assert list(said["xla"]["microseconds"]) == [
        *("forward 0", "weight gradient 0", "forward 1", "weight gradient 1", "input gradient 1")
    ]
    for library in ("xla", "numpy"):
        total = sum(said[library]["microseconds"].values()) * 10 / 1e6
        assert said[library]["seconds"] == pytest.approx(total, abs=5e-6)
