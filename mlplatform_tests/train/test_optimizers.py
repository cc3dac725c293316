import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlplatform.errors import TrainingError
from mlplatform.train import optimizers
from mlplatform.train.optimizers import SCHEDULES


@pytest.mark.parametrize("name", optimizers.optimizers())
def test_every_optimizer_lowers_a_loss_with_a_traced_rate(name):
    """The rate is an argument of the program: no other rate compiles again."""
    goal = jnp.float32([[1, -2], [3, 0.5]])

    def loss(params):
        return ((params["w"] - goal) ** 2).sum()

    @jax.jit
    def step(params, state, rate, decay):
        return optimizers.step(name, jax.grad(loss)(params), state, params, rate, decay)

    params = {"w": np.full((2, 2), 0.3, np.float32)}
    state, before = optimizers.first(name, params), float(loss(params))
    rate = np.float32(1.0 if name in ("adadelta", "lars", "lamb") else 0.02)
    for _ in range(60):
        params, state = step(params, state, rate, np.float32(0))
    assert float(loss(params)) < before
    assert (
        step._cache_size() <= 2
    )  # The first state comes from the host, the others from the device.


def test_weights_decay_with_optimizers_that_have_none_of_it():
    params = {"w": np.ones(2, np.float32)}
    state = optimizers.first("sgd", params)
    slope = {"w": np.zeros(2, np.float32)}
    moved, _ = optimizers.step("sgd", slope, state, params, np.float32(0.5), np.float32(0.1))
    np.testing.assert_allclose(moved["w"], 0.95)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_stays_within_the_rate_and_rises_first(name):
    rate = np.array([optimizers.rate_at(name, jnp.int32(s), 50, np.float32(5)) for s in range(50)])
    assert (rate >= 0).all()
    assert (rate <= 1 + 1e-6).all()
    assert rate[0] < rate[5]
    assert name == "constant_schedule" or rate[-1] < rate.max()


def test_the_learning_rate_rises_over_the_warmup_and_falls_to_zero():
    name = "cosine_decay_schedule"
    rate = np.array([optimizers.rate_at(name, jnp.int32(s), 50, np.float32(5)) for s in range(50)])
    assert rate.argmax() == 4
    assert rate[0] == pytest.approx(0.2, abs=0.01)
    assert rate[-1] < 0.01
    assert (np.diff(rate[4:]) < 0).all()


def test_an_unknown_name_is_told_with_all_known_ones():
    with pytest.raises(TrainingError, match=r"model.optimizer 'adamm' is unknown; known: .*adamw"):
        optimizers.require("adamm", "cosine_decay_schedule")
    with pytest.raises(
        TrainingError, match=r"model.schedule 'cosine' is unknown; known: .*cosine_d"
    ):
        optimizers.require("adamw", "cosine")
