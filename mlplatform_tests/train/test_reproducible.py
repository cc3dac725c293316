"""Seeds, flags, and what a manifest says about both."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.train.reproducible import Streams, apply, statement, streams

WORDS_OF_SEED_0 = [
    998243356,
    328590259,
    834155523,
    971662797,
    963587677,
    213177327,
]
ON_CPU = {"device_kind": "cpu", "devices": 1, "precision": "float32", "seed": 7}


@given(st.integers(-(2**63), 2**64 - 1))
def test_a_seed_gives_the_same_words_again_and_each_use_of_chance_another(seed: int) -> None:
    words = streams(seed)
    assert words == streams(seed)
    assert len(set(words)) == len(Streams._fields)
    assert {type(word) for word in words} == {np.uint32}


def test_neighbouring_seeds_share_no_words() -> None:
    words = [word for seed in range(2000) for word in streams(seed)]
    assert len(words) - len(set(words)) <= 3  # 16,000 of 2^32: 0.03 collisions are expected.


def test_the_words_of_a_seed_are_the_ones_of_models_made_before() -> None:
    assert [int(word) for word in streams(0)] == WORDS_OF_SEED_0


def test_flags_are_added_to_those_that_are_there() -> None:
    ran = _run("os.environ['XLA_FLAGS'] = '--xla_cpu_enable_fast_math=false'; print(apply())")
    assert ran == "\n--xla_cpu_enable_fast_math=false --xla_gpu_deterministic_ops=true"


def test_a_flag_that_someone_set_is_left_as_it_is() -> None:
    environ = {"XLA_FLAGS": "--xla_gpu_deterministic_ops=false"}
    assert apply(environ) == ""
    assert environ == {"XLA_FLAGS": "--xla_gpu_deterministic_ops=false"}
    said = statement(platform="gpu", **ON_CPU, environ=environ)  # type: ignore[arg-type]
    assert not said["bit_for_bit"]
    assert "--xla_gpu_deterministic_ops=true was not set" in said["not_reproducible"][0]


def test_a_gpu_is_told_where_to_write_what_it_found_by_timing_and_the_statement_is_the_same() -> (
    None
):
    ran = _run(
        "from pathlib import Path; from mlplatform.train.reproducible import xla_flags; e = {};"
        "print(apply(e, autotuned_to=Path('/first.textproto')), e['XLA_FLAGS'], xla_flags(e));"
        "print(apply(e, autotuned_to=Path('/second.textproto')), e['XLA_FLAGS'])"
    )
    flags = "--xla_gpu_deterministic_ops=true --xla_gpu_dump_autotune_results_to=/first.textproto"
    assert f" {flags} ['--xla_gpu_deterministic_ops=true']" in ran
    assert ran.count(flags) == 2
    assert "second" not in ran


def test_once_a_backend_runs_it_is_too_late_and_said() -> None:
    ran = _run("import jax; jax.devices(); print(apply())")
    assert "JAX was in use before --xla_gpu_deterministic_ops=true could be set" in ran
    assert ran.endswith("XLA_FLAGS in the environment\n")


def test_jax_starts_with_the_flags_and_is_not_started_by_them() -> None:
    ran = _run(
        "apply(); print('jax' in sys.modules); import jax; print(float(jax.numpy.ones(2).sum()))"
    )
    assert ran.startswith("False\n2.0\n")


def test_the_statement_is_the_same_again_and_names_no_folder() -> None:
    flags = {"XLA_FLAGS": "--xla_dump_to=/home/me --xla_b=1 --xla_a=2"}
    said = statement(platform="cpu", **ON_CPU, environ=flags)  # type: ignore[arg-type]
    assert said == statement(platform="cpu", **ON_CPU, environ=flags)  # type: ignore[arg-type]
    assert said["bit_for_bit"]
    assert said["xla_flags"] == ["--xla_a=2", "--xla_b=1"]
    assert {"python", "jax", "jaxlib", "optax", "numpy"} <= set(said["versions"])
    assert "/home" not in json.dumps(said)


@pytest.mark.parametrize("set_", [True, False])
def test_on_a_gpu_the_statement_hangs_on_the_flag(set_: bool) -> None:
    environ = {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"} if set_ else {}
    said = statement(platform="gpu", **ON_CPU, environ=environ)  # type: ignore[arg-type]
    assert said["bit_for_bit"] is set_
    assert bool(said["reproducible"]) is set_


def _run(code: str) -> str:
    """Return what a fresh process prints, and its flags in the end."""
    start = "import os, sys; from mlplatform.train.reproducible import apply\n"
    end = "\nprint(os.environ.get('XLA_FLAGS', ''), end='')"
    command = [sys.executable, "-c", start + code + end]
    root = Path(__file__).parents[2]
    clean = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(command, cwd=root, text=True, capture_output=True, check=True, env=clean)
    return done.stdout
