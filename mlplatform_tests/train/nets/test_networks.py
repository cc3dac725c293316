import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlplatform.spec.families import Linear, Mlp, NumericEmbedding, TabM
from mlplatform.train.nets import Noise, network
from mlplatform.train.order import stream
from mlplatform.train.task import Rows, Shape, Task
from mlplatform_tests.features import people

PERIODIC = NumericEmbedding(kind="periodic", bins=3, width=2)
FAMILIES = [
    Linear(),
    Mlp(hidden=[5]),
    Mlp(hidden=[]),
    Mlp(hidden=[5, 4], numeric=PERIODIC),
    TabM(hidden=[6, 5], members=3),
    TabM(hidden=[6], members=2, numeric=None),
]
TASKS = [Task("binary"), Task("multiclass", 3), Task("regression", 2, (0.1, 0.9))]


def rows(count: int = 40) -> Rows:
    """Rows of two vectors and two id features; each has its two reserved ids nowhere."""
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(2, 4, count), np.full(count, 2)], axis=1).astype(np.int32)
    vectors = rng.normal(size=(count, 2)).astype(np.float32)
    return Rows(vectors, ids, np.zeros(count, np.float32), np.ones(count, np.float32))


def made(tmp_path, model, task=TASKS[0]):
    net = network(people.pipeline(tmp_path), model, Shape(2, (4, 3), task))
    params, fixed = net.init(0, rows())
    return net, {**params, **fixed}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@pytest.mark.parametrize("model", FAMILIES, ids=str)
def test_every_network_gives_a_number_for_each_row_member_and_output(tmp_path, model, task):
    net, params = made(tmp_path, model, task)
    members = model.members if isinstance(model, TabM) else 1
    found = net.logits(params, rows().vectors, rows().ids)
    assert found.shape == (40, members, task.outputs)
    assert all(array.dtype == np.float32 for array in params.values())


@pytest.mark.parametrize("model", FAMILIES, ids=str)
def test_ids_that_no_training_row_has_start_with_no_effect(tmp_path, model):
    """What was not learnt must not be served."""
    net, params = made(tmp_path, model)
    assert not params["embedding"][[0, 1, 4, 5]].any()
    vectors = np.ones((2, 2), np.float32)
    absent = net.logits(params, vectors, np.array([[0, 1], [1, 0]], np.int32))
    np.testing.assert_array_equal(absent[0], absent[1])


@pytest.mark.parametrize("model", FAMILIES, ids=str)
def test_equal_settings_make_equal_networks_and_equal_parameters(tmp_path, model):
    """Equal networks share one compiled program."""
    (one, params), (other, again) = made(tmp_path, model), made(tmp_path, model)
    assert one == other
    assert hash(one) == hash(other)
    for name, array in params.items():
        assert array.tobytes() == again[name].tobytes()


def test_another_seed_is_another_network(tmp_path):
    net, params = made(tmp_path, Mlp(hidden=[5]))
    assert (net.init(1, rows()).params["output.weight"] != params["output.weight"]).any()


def test_members_of_an_ensemble_differ_from_the_first_step(tmp_path):
    net, params = made(tmp_path, TabM(hidden=[16], members=4))
    found = np.asarray(net.logits(params, rows().vectors, rows().ids))[..., 0]
    assert len(np.unique(found.round(5), axis=1)) > 1
    assert (found.std(axis=1) > 1e-4).all()


def test_members_share_all_weights_but_vectors(tmp_path):
    few, many = (made(tmp_path, TabM(hidden=[64, 64], members=m))[1] for m in (1, 16))
    assert few["hidden.1.weight"].shape == many["hidden.1.weight"].shape == (64, 64)


@pytest.mark.parametrize("model", [Mlp(hidden=[64, 64]), TabM(hidden=[32], members=2)], ids=str)
def test_each_step_drops_other_units(tmp_path, model):
    net, params = made(tmp_path, model)
    share = jnp.float32(0.5)
    seen = {
        float(
            net.logits(
                params, rows().vectors[:1], rows().ids[:1],
                Noise(stream(np.uint32(0), np.int32(step)), share),
            ).sum()
        )
        for step in range(8)
    }  # fmt: skip
    assert len(seen) > 4


@pytest.mark.parametrize("model", FAMILIES, ids=str)
def test_products_in_bfloat16_stay_near_those_in_float32(tmp_path, model):
    net, params = made(tmp_path, model)
    floats = {name: jnp.asarray(array) for name, array in params.items()}
    learnt = net.init(0, rows()).params
    half = {n: a.astype(jnp.bfloat16) if n in learnt else a for n, a in floats.items()}
    found = net.logits(half, rows().vectors, rows().ids)
    expected = net.logits(floats, rows().vectors, rows().ids)
    assert found.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(found, np.float32), expected, atol=0.1)


@pytest.mark.parametrize("model", FAMILIES, ids=str)
def test_the_loss_moves_every_learnt_array(tmp_path, model):
    net, params = made(tmp_path, model)
    learnt = net.init(0, rows()).params

    def loss(moved):
        logits = net.logits({**params, **moved}, rows().vectors, rows().ids)
        return ((logits - 1) ** 2).sum()

    slopes = jax.grad(loss)(learnt)
    dead = [name for name, slope in slopes.items() if not np.asarray(slope).any()]
    assert not dead
