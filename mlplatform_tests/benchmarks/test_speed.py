import numpy as np

from benchmarks.speed.floor import flops
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
    assert flops([WIDTH, *HOW["hidden"], 1], 32_561) * HOW["epochs"] == 91_900_166_400
