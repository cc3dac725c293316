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
    """A perceptron of 116-128-128-1 does 91 GFLOP in 15 epochs of 32,561 rows."""
    one = next(case for case in CASES if case.name == "trials_01")
    many = next(case for case in CASES if case.name == "trials_32")
    assert one.weights == 116 * 128 + 128 * 128 + 128
    assert one.flops * 32_561 / one.batch * 15 == pytest.approx(91.9e9, rel=1e-3)
    assert many.flops == 32 * one.flops
    assert many.moved == 32 * one.moved


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_tiny_case_is_the_same_network_with_fewer_units(case):
    small = tiny(case)
    assert type(small.net) is type(case.net)
    assert len(small.hidden) == len(case.hidden)
    assert small.batch * small.steps <= small.rows
