import datetime
import importlib
import os
import random
import sys
import threading
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.errors import SpecError
from mlplatform.features import feature
from mlplatform.features.functions import checked, mixes_rows
from mlplatform_tests.features.declared import HEAD, load

TABLE = np.linspace(0.0, 4.0, 5)
WEIGHTS = {"a": np.ones((1, 3), np.float32)}
SEEN: list[int] = []
DRAWS = np.random.default_rng(0)


class Settings:
    factor = 1


settings_of_team = Settings()


def digest(function, width=1):
    columns = ["a", "b"][: function.__code__.co_argcount if hasattr(function, "__code__") else 1]
    return checked(feature(columns, name="f", width=width)(function))


def weighted(x):
    return (x[:, None] @ WEIGHTS["a"]).max(axis=1)


def settles(x):
    """Iterates until every row has settled; each row's steps are its own."""
    return jax.lax.while_loop(
        lambda y: jnp.any(y < 10), lambda y: jnp.where(y < 10, y + 1, y), jnp.nan_to_num(x)
    )


def branches(x):
    return jax.lax.cond(True, lambda y: y + 1, lambda y: y, x)


def imports(x):
    sys.modules.pop("colorsys", None)
    import colorsys

    return x * colorsys.ONE_THIRD


PURE = [
    lambda x: x + 1,
    lambda x, y: jnp.arctan2(x, y),
    lambda x: jnp.interp(x, TABLE, TABLE),
    lambda x: jnp.searchsorted(TABLE, x).astype(jnp.float32),
    lambda x: jnp.array(TABLE, jnp.float32)[x.astype(int)],
    lambda x: jnp.where(jnp.isnan(x), 0, jnp.ones(x.shape)),
    lambda x: jnp.stack([x, x * 2], 1).sum(1),
    lambda x: jnp.sort(jnp.stack([x, -x], 1), axis=1)[:, 0],
    lambda x: jnp.cumsum(jnp.stack([x, x], 1), 1)[:, 1],
    lambda x: jnp.stack([x, x], 1).reshape(-1, 2)[:, 0],
    lambda x: jnp.stack([x, x], 1).at[:, 0].set(0.0)[:, 1],
    lambda x: jax.nn.softmax(jnp.stack([x, x], 1))[:, 0],
    lambda x: jax.vmap(jax.grad(jnp.sin))(x),
    lambda x: jax.lax.map(lambda row: row * 2, x),
    jax.jit(weighted),
    weighted,
    settles,
    branches,
    imports,
    jnp.sqrt,
]


@pytest.mark.parametrize("function", PURE)
def test_what_is_computed_from_a_row_alone_is_a_feature(function):
    assert len(digest(function)) == 64


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(),
        lambda x: x + x.shape[0],
        lambda x: jnp.cumsum(x),
        lambda x: jnp.sort(x),
        lambda x: x[::-1],
        lambda x: jnp.roll(x, 1),
        lambda x: x * x[0],
        lambda x: jnp.arange(x.shape[0]) * x,
        lambda x: x + jax.random.normal(jax.random.key(0), x.shape),
        lambda x: x.at[0].set(1.0),
        lambda x: jnp.pad(x, (1, 0))[:-1],
        lambda x: jnp.take(x, x.astype(int)),
        lambda x: jnp.stack([x, x, x], 1).reshape(3, -1).T[:, 0],
        lambda x: (x[:, None] @ x[None, :]).sum(1),
        lambda x: jax.nn.softmax(x),
        lambda x: jax.lax.scan(lambda carry, row: (carry + row, carry), 0.0, x)[1],
        lambda x: jax.lax.cumlogsumexp(x),
        lambda x: jax.jit(lambda y: y / jax.lax.cond(True, jnp.max, jnp.min, y))(x),
    ],
)
def test_what_depends_on_the_rows_beside_it_is_refused(function):
    line = function.__code__.co_firstlineno
    with pytest.raises(
        SpecError, match=rf"test_functions\.py:{line}: feature 'f' mixes rows \(.*Agg"
    ):
        digest(function)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (
            lambda x: x[x > 0],
            "the shape of its result depends on values; keep every row and choose",
        ),
        (lambda x: x if x[0] > 1 else -x, "Python branches on the values of rows; use jnp.where"),
        (lambda x: x if x.shape[0] > 1 else -x, "Python branches on the number of rows"),
        (lambda x: np.sin(x), "it hands its arrays to NumPy; use jax.numpy"),
        (lambda x: x * [1, 2][x[0].astype(int)], "Python counts or indexes by the values of rows"),
        (lambda x: float(x), "it fails: TypeError: Only scalar arrays.*; compute on whole arrays"),
        (lambda x: x / (1 // 0), "it fails: ZeroDivisionError"),
        (
            lambda x: x > 0,
            r"it returns bool\[rows\]; return f32\[rows\]; .astype\(jnp.float32\) makes",
        ),
        (lambda x: x.astype(int), r"it returns int32\[rows\]; return f32\[rows\]"),
        (lambda x: x.astype(jnp.bfloat16), r"it returns bfloat16\[rows\]; return f32"),
        (lambda x: (x, x), r"it returns 2 arrays; return one f32\[rows\]"),
        (lambda x: x[:, None], r"it returns float32\[rows, 1\]; return f32\[rows\], or say width="),
        (lambda x: 1.0, r"it returns float32\[\]; return f32\[rows\]"),
        (lambda: 1.0, "it cannot take 1 arrays: too many positional arguments; give it one argum"),
        (
            lambda x: (jax.debug.print("{}", x), x)[1],
            r"it has a side effect \(debug_print\); leave",
        ),
        (lambda x: jax.pure_callback(abs, x, x), r"it has a side effect \(pure_callback\)"),
    ],
)
def test_what_cannot_be_traced_to_a_float_a_row_says_what_to_do(function, said):
    with pytest.raises(SpecError, match=f"feature 'f': {said}") as caught:
        checked(feature(["a"], name="f")(function))
    assert "\n" not in str(caught.value)
    assert f"test_functions.py:{function.__code__.co_firstlineno}:" in str(caught.value)


def test_a_wide_result_has_the_declared_width():
    def two(x):
        return jnp.stack([x, x], axis=1)

    assert digest(two, width=2)
    with pytest.raises(SpecError, match=r"returns float32\[rows, 2\]; return f32\[rows, 3\]"):
        digest(two, width=3)
    with pytest.raises(SpecError, match=r"returns float32\[rows, 2\]; return f32\[rows\], or say"):
        digest(two)


def test_the_number_of_arguments_is_that_of_the_columns():
    with pytest.raises(SpecError, match="cannot take 2 arrays: too many positional arguments"):
        checked(feature(["a", "b"], name="f")(lambda x: x))
    with pytest.raises(SpecError, match="cannot take 1 arrays: missing a required argument: 'y'"):
        checked(feature(["a"], name="f")(lambda x, y: x))


def assigns(x):
    global SEEN
    SEEN = [*SEEN, 1]
    return x


def assigns_in_a_branch_not_taken(x):
    def inner():
        global SEEN
        SEEN = []

    if len(SEEN) > 10**6:
        inner()
    return x


def appends(x):
    def inner():
        SEEN.append(1)
        return x

    return inner()


def swallows(x):
    try:
        Path("/etc/hostname").read_text()
    except Exception:
        pass
    return x


def counter():
    calls = 0

    def count(x):
        nonlocal calls
        calls += 1
        return x

    return count


def remembers(x, *, seen=[]):  # noqa: B006 - the mistake that is looked for.
    seen.append(1)
    return x


IMPURE = [
    (assigns, "assigns 'SEEN', which is not its own; keep to local names"),
    (assigns_in_a_branch_not_taken, "assigns 'SEEN'"),
    (counter(), "assigns 'calls'"),
    (appends, "changes 'SEEN', which is not its own; compute from its arguments alone"),
    (remembers, "changes 'default seen of remembers'"),
    (lambda x: (setattr(settings_of_team, "factor", 2 + settings_of_team.factor), x)[1], "changes 'sett"),
    (lambda x: (setattr(Settings, "factor", 1 + Settings.factor), x)[1], "changes 'Settings'"),
    (lambda x: (TABLE.__setitem__(0, TABLE[0] + 1), x)[1], "changes 'TABLE'"),
    (lambda x: x * np.random.randint(2), "changes 'numpy.random'"),
    (lambda x: x * random.randint(0, 1), "changes 'random'"),
    (lambda x: x * DRAWS.integers(2), "changes 'DRAWS'"),
    (lambda x: x * np.random.default_rng().random(), r"draws random numbers of the machine \(os.urand"),
    (lambda x: x - time.time(), r"asks a clock \(time.time\); compute from its arguments alone"),
    (lambda x: x - datetime.datetime.now().year, r"asks a clock \(datetime.now\)"),
    (lambda x: x - datetime.date.today().year, r"asks a clock \(date.today\)"),
    (lambda x: (print("hello"), x)[1], r"prints or asks \(print\)"),
    (lambda x: (sys.stdout.write(""), x)[1], "prints"),
    (lambda x: x * len(os.environ["HOME"]), "reads the environment"),
    (lambda x: x * len(os.getenv("HOME", "")), "reads the environment"),
    (lambda x: x * hash("a"), r"calls hash\(\), which answers differently in every process"),
    (swallows, r"touches files, network or processes \(open of '/etc/hostname'\)"),
    (lambda x: x * np.load("weights.npy"), "touches files.*open of 'weights.npy'.*read it where the"),
    (lambda x: x * jnp.load("weights.npy"), "touches files.*open of 'weights.npy'"),
    (lambda x: (os.system("true"), x)[1], r"touches files, network or processes \(os.system\)"),
    (lambda x: (__import__("socket").create_connection(("127.0.0.1", 9)), x)[1], r"touches files, network or processes \(socket"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "said"), IMPURE)
def test_what_python_does_besides_computing_is_refused(function, said, capsys):
    with pytest.raises(SpecError, match=f"feature 'f': it {said}"):
        digest(function)


def test_a_refused_write_has_not_happened(tmp_path):
    target = tmp_path / "log.txt"
    with pytest.raises(SpecError, match=r"touches files.*log\.txt"):
        digest(lambda x: (target.write_text("traced"), x)[1])
    assert not target.exists()
    target.write_text("files are free again")


def test_other_threads_may_do_what_they_like_meanwhile(tmp_path):
    """The guard is of the thread that traces: a code location has others."""
    done, wrong = threading.Event(), []

    def busy():
        while not done.is_set():
            try:
                (tmp_path / "other.txt").write_text(str(time.time()))
            except BaseException as error:
                wrong.append(error)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert digest(lambda x: x * 3)
    finally:
        done.set()
        thread.join()
    assert not wrong


def test_a_profiler_of_the_process_is_put_back():
    def mine(*_):
        return None

    sys.setprofile(mine)
    try:
        digest(lambda x: x * 5)
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(None)


def test_files_are_refused_also_while_the_code_location_is_being_imported(tmp_path, monkeypatch):
    """Imports read files, but a function that is traced during one may not."""
    (tmp_path / "late_definitions.py").write_text(
        "from mlplatform.features import feature\n"
        "from mlplatform.features.functions import checked\n"
        "checked(feature(['a'], name='f')(lambda x: x * len(open(__file__).read())))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SpecError, match=r"late_definitions\.py:3: feature 'f': it touches files"):
        importlib.import_module("late_definitions")


def test_the_digest_is_of_what_is_computed_and_not_of_how_it_is_written():
    first = digest(lambda x: jnp.log1p(x) * 2)
    assert digest(lambda amount: 2 * jnp.log1p(amount)) != first  # Another order of operands.
    assert digest(lambda amount: jnp.log1p(amount) * 2) == first
    assert digest(lambda x: jnp.log1p(x) * 3) != first
    assert digest(lambda x: jnp.log(x) * 2) != first


def test_the_digest_covers_constants():
    table = np.zeros(3, np.float32)

    def looked_up(x):
        return jnp.asarray(table)[jnp.clip(x, 0, 2).astype(int)]

    before = digest(looked_up)
    table[1] = 1e-7
    assert digest(looked_up) != before
    table[1] = 0
    assert digest(looked_up) == before


FILE = f"""{HEAD}
import jax
import numpy as np
EDGES = np.linspace(0, 1, 11)
def f(x):
    return jax.nn.relu(jnp.interp(x, EDGES, EDGES)) + jnp.where(x > 0, jnp.expm1(x), 0.5)
"""


def test_digests_are_equal_in_every_process_and_no_backend_wakes(tmp_path, fresh_python):
    declared = "feature(['size'], name='f')(f)"
    here = checked(load(tmp_path, declared, head=FILE).features[0])
    there = fresh_python(
        "from pathlib import Path\n"
        "from mlplatform.features.functions import checked\n"
        "from mlplatform_tests.features import declared\n"
        "from mlplatform.features.load import load_feature_set\n"
        f"features = load_feature_set(declared.pipeline(Path({str(tmp_path)!r})))\n"
        "print(checked(features.features[0]))\n"
        "from jax._src import xla_bridge\n"
        "print(xla_bridge.backends_are_initialized())\n"
    )
    assert there == f"{here}\nFalse\n"


def test_a_jax_array_made_when_the_file_loads_is_refused():
    array = jnp.zeros(3)
    with pytest.raises(
        SpecError, match="it uses 'array', a JAX array made when the file loads, whi"
    ):
        digest(lambda x: x + array[0])


ROWWISE = [jnp.sin, jnp.abs, lambda x: x * 2, lambda x: jnp.where(x > 0, x, 0.0), jnp.square]
MEETING = [jnp.cumsum, lambda x: x - jnp.max(x), lambda x: x[::-1], lambda x: jnp.roll(x, 1)]


@settings(max_examples=15)
@given(
    st.lists(st.sampled_from(ROWWISE), min_size=1, max_size=4),
    st.lists(st.sampled_from(MEETING), max_size=1),
    st.integers(0, 4),
)
def test_rows_meet_wherever_in_a_chain_of_steps_they_do(steps, meeting, place):
    chain = [*steps[:place], *meeting, *steps[place:]]

    def function(x):
        for step in chain:
            x = step(x)
        return x

    if not meeting:
        assert digest(function)
        return
    with pytest.raises(SpecError, match="mixes rows"):
        digest(function)


NUMBERS = np.array([0.5, np.nan, -3.0, 1e6, 0.0, 2.0], np.float32)


@pytest.mark.parametrize(
    ("function", "width", "row"),
    [
        (lambda x: jnp.log1p(jnp.abs(x)), 1, None),
        (lambda x: jnp.stack([x, jnp.sin(x)], 1), 2, None),
        (lambda x: jnp.cumsum(jnp.nan_to_num(x)), 1, 1),
        (lambda x: jnp.stack([x, jnp.nanmax(x) + 0 * jnp.nan_to_num(x)], 1), 2, 0),
    ],
)
def test_on_real_rows_a_batch_says_what_each_row_says_alone(function, width, row):
    made = feature(["a"], name="f", width=width)(function)
    assert mixes_rows(made, [NUMBERS]) == row
    assert mixes_rows(made, [NUMBERS[:0]]) is None
