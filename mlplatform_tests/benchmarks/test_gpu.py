import json
import subprocess
import sys

import pytest

from benchmarks.gpu.__main__ import GOALS, NAMES, RESULTS
from benchmarks.gpu.cases import CASES, tiny
from benchmarks.tables.table import ROOT


@pytest.mark.slow
def test_every_case_works_on_a_cpu_with_tiny_shapes_and_gives_no_figure():
    """Where no GPU is at hand, this is all that can be known of the script."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--cpu-smoke"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "no figures" in said
    assert all(name in said for name in NAMES)
    assert "second" not in said


def test_the_parent_knows_every_case_without_importing_jax():
    assert [case.name for case in CASES] == list(NAMES)
    assert {case for case, _ in GOALS} <= set(NAMES)


def test_a_result_has_figures_only_where_there_was_a_gpu():
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert kept["status"] in ("run", "not run")
    assert ("cases" in kept) == (kept["status"] == "run")


def test_the_work_of_a_step_counts_every_weight_member_and_trial():
    """A perceptron of 116-128-128-1 does 77 GFLOP in 15 epochs of 32,561 rows."""
    one = next(case for case in CASES if case.name == "trials_01")
    many = next(case for case in CASES if case.name == "trials_32")
    assert one.weights == 116 * 128 + 128 * 128 + 128
    assert one.flops * 32_561 / one.batch * 15 == pytest.approx(77.4e9, rel=1e-3)
    assert many.flops == 32 * one.flops
    assert many.moved == 32 * one.moved


def test_the_gradient_of_plain_numbers_is_not_work_and_that_of_embeddings_is():
    large, embedded, tabm = (
        next(case for case in CASES if case.name == name)
        for name in ("large_mlp", "embeddings", "tabm")
    )
    uses = large.flops / large.batch / 2
    assert uses == 2 * 1024 * 8192 + 3 * (3 * 8192 * 8192 + 8192)
    uses = embedded.flops / embedded.batch / 2
    assert uses == (2 * 13 + 3 * 26 * 16) * 256 + 3 * 256
    assert tabm.flops == 2 * 3 * tabm.weights * tabm.batch * tabm.members


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_tiny_case_is_the_same_network_with_fewer_units(case):
    small = tiny(case)
    assert type(small.net) is type(case.net)
    assert len(small.hidden) == len(case.hidden)
    assert small.batch * small.steps <= small.rows
