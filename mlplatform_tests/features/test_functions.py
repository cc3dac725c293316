import importlib
import sys
import threading
import time

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.errors import SpecError
from mlplatform.features import feature
from mlplatform.features.functions import checked, mixes_rows
from mlplatform.features.functions_digest import _text
from mlplatform.features.functions_watch import Watch
from mlplatform_tests.features.declared import HEAD, load

HELPERS = f"""{HEAD}
import datetime, os, random, sys, time
import jax
import numpy as np
TABLE = np.linspace(0.0, 4.0, 5)
WEIGHTS = {{"a": np.ones((1, 3), np.float32)}}
SEEN = []
NUMBERS = iter(range(9))  # Which one is next does not show from outside.
DRAWS = np.random.default_rng(0)
class Settings:
    factor = 1
ours = Settings()
def weighted(x):
    return (x[:, None] @ WEIGHTS["a"]).max(axis=1)
def settles(x):
    "Iterates until every row has settled; each row's steps are its own."
    grown = lambda y: jnp.where(y < 10, y + 1, y)
    return jax.lax.while_loop(lambda y: jnp.any(y < 10), grown, jnp.nan_to_num(x))
def imports(x):
    sys.modules.pop("colorsys", None)
    import colorsys
    return x * colorsys.ONE_THIRD
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
        open("/etc/hostname").read()
    except Exception:
        return x
def counter():
    calls = 0
    def count(x):
        nonlocal calls
        calls += 1
        return x
    return count
def remembers(x, *, seen=[]):
    seen.append(1)
    return x
def also(x, *_):
    return x
"""
LINE = HELPERS.count("\n") + 2  # Of the declaration below them.


def digest(function, width=1):
    columns = ["a", "b"][: function.__code__.co_argcount]
    return checked(feature(columns, name="f", width=width)(function))


def written(folder, function, columns="['size']"):
    """Load a features file in which `function` is the text of a function."""
    return load(folder, f"feature({columns}, name='f')({function})", head=HELPERS).features[0]


@pytest.mark.parametrize(
    "function",
    [
        "lambda x: x + 1",
        "lambda x: jnp.interp(x, TABLE, TABLE)",
        "lambda x: jnp.searchsorted(TABLE, x).astype(jnp.float32)",
        "lambda x: jnp.array(TABLE, jnp.float32)[x.astype(int)]",
        "lambda x: jnp.where(jnp.isnan(x), 0, jnp.ones(x.shape))",
        "lambda x: jnp.stack([x, x * 2], 1).sum(1)",
        "lambda x: jnp.sort(jnp.stack([x, -x], 1), axis=1)[:, 0]",
        "lambda x: jnp.cumsum(jnp.stack([x, x], 1), 1)[:, 1]",
        "lambda x: jnp.stack([x, x], 1).reshape(-1, 2)[:, 0]",
        "lambda x: jnp.stack([x, x], 1).at[:, 0].set(0.0)[:, 1]",
        "lambda x: jax.nn.softmax(jnp.stack([x, x], 1))[:, 0]",
        "lambda x: jax.lax.map(lambda row: row * 2, x)",
        "lambda x: jax.lax.cond(True, lambda y: y + 1, lambda y: y, x)",
        "jax.vmap(jax.grad(jnp.sin))",
        "jax.jit(weighted)",
        "weighted",
        "settles",
        "imports",
        "jnp.sqrt",
    ],
)
def test_what_is_computed_from_a_row_alone_is_a_feature(tmp_path, function):
    assert written(tmp_path, function).name == "f"


@pytest.mark.parametrize(
    "function",
    [
        "lambda x: x - x.mean()",
        "lambda x: x + x.shape[0]",
        "lambda x: jnp.cumsum(x)",
        "jnp.sort",
        "lambda x: x[::-1]",
        "lambda x: jnp.roll(x, 1)",
        "lambda x: x * x[0]",
        "lambda x: jnp.arange(x.shape[0]) * x",
        "lambda x: x + jax.random.normal(jax.random.key(0), x.shape)",
        "lambda x: x.at[0].set(1.0)",
        "lambda x: jnp.pad(x, (1, 0))[:-1]",
        "lambda x: jnp.take(x, x.astype(int))",
        "lambda x: x.at[abs(x).astype(int)].get(mode='clip', wrap_negative_indices=False)",
        "lambda x: jnp.stack([x, x, x], 1).reshape(3, -1).T[:, 0]",
        "lambda x: (x[:, None] @ x[None, :]).sum(1)",
        "lambda x: jax.nn.softmax(x)",
        "lambda x: jax.lax.scan(lambda carry, row: (carry + row, carry), 0.0, x)[1]",
        "lambda x: jax.lax.cumlogsumexp(x)",
        "lambda x: jax.lax.cummax(x)",
        "lambda x: jax.lax.rev(x, [0])",
        "lambda x: jax.lax.pad(x, 0.0, [(1, -1, 0)])",
        "lambda x: jax.lax.reduce_window(x, 0.0, jax.lax.add, (3,), (1,), 'SAME')",
        "lambda x: jax.lax.conv_general_dilated(x[None, None], jnp.ones((1, 1, 3)), (1,), 'SAME')[0, 0]",
        "lambda x: jnp.zeros(9).at[x.astype(int)].add(1.0)[x.astype(int)]",
        "lambda x: jax.jit(lambda y: y / jax.lax.cond(True, jnp.max, jnp.min, y))(x)",
    ],
)
def test_what_depends_on_the_rows_beside_it_is_refused(tmp_path, function):
    said = rf"{tmp_path / 'features.py'}:({LINE}:)? feature 'f' mixes rows \(.*declare an Aggregate"
    with pytest.raises(SpecError, match=said):
        written(tmp_path, function)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("lambda x: x[x > 0]", "the shape of its result depends on values; keep every row and choose"),
        ("lambda x: x if x[0] > 1 else -x", "Python branches on the values of rows; use jnp.where"),
        ("lambda x: x if x.shape[0] > 1 else -x", "Python branches on the number of rows"),
        ("lambda x: np.sin(x)", "it hands its arrays to NumPy; use jax.numpy"),
        ("lambda x: x * [1, 2][x[0].astype(int)]", "Python counts or indexes by the values of rows"),
        ("lambda x: float(x)", "it fails: TypeError: Only scalar arrays.*; compute on whole arrays"),
        ("lambda x: x / (1 // 0)", "it fails: ZeroDivisionError"),
        ("lambda x: x > 0", r"it returns bool\[rows\]; return f32\[rows\]; .astype\(jnp.float32\) m"),
        ("lambda x: x.astype(int)", r"it returns int32\[rows\]; return f32\[rows\]"),
        ("lambda x: x.astype(jnp.bfloat16)", r"it returns bfloat16\[rows\]; return f32"),
        ("lambda x: (x, x)", r"it returns 2 arrays; return one f32\[rows\]"),
        ("lambda x: x[:, None]", r"it returns float32\[rows, 1\]; return f32\[rows\], or say width="),
        ("lambda x: 1.0", r"it returns float32\[\]; return f32\[rows\]"),
        ("lambda x: x.sum() if x.shape == (1,) else x", r"it returns float32\[\]; return f32\[1\]"),
        ("lambda: 1.0", "it cannot take 1 arrays: too many positional arguments; give it one argum"),
        ("lambda x, y: x", "it cannot take 1 arrays: missing a required argument: 'y'; give it"),
        ("lambda x: (jax.debug.print('{}', x), x)[1]", r"it has a side effect \(debug_print\); leave"),
        ("lambda x: jax.pure_callback(abs, x, x)", r"it has a side effect \(pure_callback\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_traced_to_a_float_a_row_says_what_to_do(tmp_path, function, said):
    with pytest.raises(SpecError, match=f"feature 'f': {said}") as caught:
        written(tmp_path, function)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'features.py'}:{LINE}:")


ALONE = "compute from its arguments alone"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("assigns", "assigns 'SEEN', which is not its own; keep to local names"),
        ("assigns_in_a_branch_not_taken", "assigns 'SEEN'"),
        ("counter()", "assigns 'calls'"),
        ("appends", f"changes 'SEEN', which is not its own; {ALONE}"),
        ("remembers", "changes 'default seen of remembers'"),
        ("lambda x: also(x, setattr(ours, 'factor', ours.factor + 1))", "changes 'ours'"),
        ("lambda x: also(x, setattr(Settings, 'factor', Settings.factor + 1))", "changes 'Settings'"),
        ("lambda x: also(x, TABLE.__setitem__(0, TABLE[0] + 1))", "changes 'TABLE'"),
        ("lambda x: also(x, WEIGHTS['a'].__setitem__(0, 7.0))", "changes 'WEIGHTS'"),
        ("lambda x: x * np.random.randint(2)", "changes 'numpy.random'"),
        ("lambda x: x * random.randint(0, 1)", "changes 'random'"),
        ("lambda x: x * DRAWS.integers(2)", "changes 'DRAWS'"),
        ("lambda x: x * np.random.default_rng().random()", r"draws random .* machine \(os.urandom\)"),
        ("lambda x: x - time.time()", rf"asks a clock \(time.time\); {ALONE}"),
        ("lambda x: x - datetime.datetime.now().year", r"asks a clock \(datetime.now\)"),
        ("lambda x: x - datetime.date.today().year", r"asks a clock \(date.today\)"),
        ("lambda x: x * next(NUMBERS)", "is not deterministic: traced twice, it computed two things; "),
        ("lambda x: also(x, print('hello'))", r"prints or asks \(print\)"),
        ("lambda x: also(x, sys.stdout.write('a'))", "prints"),
        ("lambda x: x * len(os.environ['HOME'])", "reads the environment"),
        ("lambda x: x * len(os.getenv('HOME', ''))", "reads the environment"),
        ("lambda x: x * hash('a')", r"calls hash\(\), which answers differently in every process"),
        ("swallows", r"touches files, network or processes \(open of '/etc/hostname'\)"),
        ("lambda x: x * np.load('w.npy')", "touches files.*open of 'w.npy'.*; .*read it where the file"),
        ("lambda x: x * jnp.load('w.npy')", "touches files.*open of 'w.npy'"),
        ("lambda x: also(x, os.system('true'))", r"touches files, network or processes \(os.system\)"),
        ("lambda x: also(x, __import__('socket').gethostname())", r"touches .* \(socket.gethostname\)"),
    ],
)  # fmt: skip
def test_what_python_does_besides_computing_is_refused(tmp_path, function, said):
    with pytest.raises(SpecError, match=rf"features\.py:\d+: feature 'f': it {said}"):
        written(tmp_path, function)


def test_a_wide_result_has_the_declared_width():
    def two(x):
        return jnp.stack([x, x], axis=1)

    assert digest(two, width=2)
    with pytest.raises(SpecError, match=r"returns float32\[rows, 2\]; return f32\[rows, 3\]"):
        digest(two, width=3)
    with pytest.raises(SpecError, match=r"returns float32\[rows, 2\]; return f32\[rows\], or say"):
        digest(two)


def test_a_refused_write_has_not_happened(tmp_path):
    target = tmp_path / "log.txt"
    with pytest.raises(SpecError, match=r"touches files.*log\.txt"):
        digest(lambda x: (target.write_text("traced"), x)[1])
    assert not target.exists()
    target.write_text("files are free again")


def test_other_threads_may_do_what_they_like_meanwhile(tmp_path):
    """The guard is of the thread that traces: a code location has others."""
    path = tmp_path / "other.txt"
    other = threading.Thread(target=lambda: path.write_text(str(time.time())))
    with Watch("features.py") as watch:
        other.start()
        other.join()
    assert (path.exists(), watch.acts) == (True, [])


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
@jax.custom_vjp
def doubled(x):
    return x * 2
doubled.defvjp(lambda x: (x, None), lambda _, g: (g,))
def f(x):
    return doubled(x) + jax.nn.relu(jnp.interp(x, EDGES, EDGES)) + jnp.where(x > 0, jnp.expm1(x), 0.5)
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


def test_addresses_are_no_part_of_a_digest():
    assert _text((object(), 1)) == _text((object(), 1))
