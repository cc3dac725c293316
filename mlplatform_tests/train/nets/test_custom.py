import numpy as np
import pytest

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Custom
from mlplatform.train.fit import fit
from mlplatform.train.nets import network
from mlplatform.train.task import Rows, Shape, Task
from mlplatform_tests.features import people

MODEL = """
import jax
import jax.numpy as jnp

def init(key, shape, units=4):
    first, second = jax.random.split(key)
    return {
        "deep": [jax.random.normal(first, (shape.vectors, units)) / 8, jnp.zeros(units)],
        "out": (jax.random.normal(second, (units, shape.task.outputs)) / 2,),
    }

def apply(params, vectors, ids, key, dropout):
    weight, bias = params["deep"]
    return jnp.tanh(vectors @ weight + bias) @ params["out"][0]
"""


@pytest.fixture
def made(tmp_path):
    return people.pipeline(tmp_path)


def rows() -> Rows:
    return Rows(np.ones((5, 3), np.float32), np.zeros((5, 0), np.int32), np.zeros(5), np.ones(5))


def net(made, text: str, **options):
    (made.folder / "model.py").write_text(text)
    return network(made, Custom(options=options), Shape(3, (), Task("binary")))


def test_a_teams_own_network_is_fitted_like_any_other(made):
    """Any nesting of arrays; they are named by their places in it."""
    (made.folder / "model.py").write_text(MODEL)
    encoder, table = people.features()
    trained = fit(made, table, encoder, Custom(epochs=6, batch_size=16, learning_rate=0.05))
    assert set(trained.fitted.params) == {
        "custom['deep'][0]",
        "custom['deep'][1]",
        "custom['out'][0]",
    }
    assert trained.validation["auc"] > 0.7


def test_options_reach_init(made):
    params = net(made, MODEL, units=7).init(0, rows()).params
    assert params["custom['deep'][0]"].shape == (3, 7)


def test_equal_files_are_one_program_and_a_changed_one_is_another(made):
    assert net(made, MODEL) == net(made, MODEL)
    assert net(made, MODEL) != net(made, MODEL.replace("/ 8", "/ 9"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "def init(key, shape):\n    return {}\n",
            r"model.py: no function 'apply'; a custom model",
        ),
        ("1 / 0\n", r"model.py:1: ZeroDivisionError: division by zero"),
        ("def init(:\n", r"model.py:1: SyntaxError"),
    ],
)
def test_a_file_that_defines_no_network_is_refused(made, text, said):
    with pytest.raises(TrainingError, match=said):
        net(made, text)


def test_a_missing_file_is_named(made):
    with pytest.raises(TrainingError, match=r"model.py: No such file.*model.file names it"):
        network(made, Custom(), Shape(3, (), Task("binary")))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"out": (',
            '"n": jnp.arange(3), "out": (',
            r"pytree of float arrays; custom\['n'\] is int32",
        ),
        ("    return {", "    return {}\n    return {", r"pytree of float arrays; it has no leaf"),
    ],
)
def test_what_init_returns_is_checked(made, old, new, said):
    with pytest.raises(TrainingError, match=said):
        net(made, MODEL.replace(old, new, 1)).init(0, rows())


def test_what_apply_returns_is_checked(made):
    wide = net(made, MODEL.replace('@ params["out"][0]', ""))
    params = wide.init(0, rows()).params
    with pytest.raises(TrainingError, match=r"apply returned shape \(5, 1, 4\); \[rows, 1\]"):
        wide.logits(params, rows().vectors, rows().ids)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('params["deep"]', 'params["depe"]', r"model.py:13: apply: KeyError: 'depe'"),
        (
            "return jnp.tanh",
            "return None and jnp.tanh",
            r"apply must return an array, not NoneType",
        ),
        ("units=4", "unit=4", r"model.py:\d+: init: "),
    ],
)
def test_what_a_teams_code_raises_is_one_line_with_its_place(made, old, new, said):
    wrong = net(made, MODEL.replace(old, new, 1), units=3)

    def used():
        return wrong.logits(wrong.init(0, rows()).params, rows().vectors, rows().ids)

    with pytest.raises(TrainingError, match=said):
        used()
