"""Files that other programs read: Dagster's two, dg's, and the CI workflow."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster_cloud_cli.config.models import load_dagster_cloud_yaml

from mlplatform_tests.architecture.sources import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_dagster_cloud_yaml_fits_its_schema_and_loads_the_code_location():
    cloud = load_dagster_cloud_yaml((ROOT / "dagster_cloud.yaml").read_text(encoding="utf-8"))
    assert [location.code_source.module_name for location in cloud.locations] == ["definitions"]


def test_workspace_yaml_names_the_code_location():
    (origin,) = location_origins_from_yaml_paths([str(ROOT / "workspace.yaml")])
    target = origin.loadable_target_origin
    assert (target.module_name, target.working_directory) == ("definitions", ".")


def test_dg_toml_names_modules_that_exist():
    project = tomllib.loads((ROOT / "dg.toml").read_text(encoding="utf-8"))["project"]
    assert project["root_module"] == project["defs_module"] == "pipelines"
    assert (ROOT / f"{project['code_location_target_module']}.py").is_file()


def test_the_workflow_runs_the_commands_of_ci_run():
    said = (ROOT / ".ci" / "run").read_text()
    first = re.search(r"^for target in (.+); do$", said, re.MULTILINE)
    beside_each_other = set(re.findall(r"^lane (\w+)", said, re.MULTILINE))
    assert first is not None
    commands = {step["run"].partition(" PYTHON=")[0] for step in STEPS if "run" in step}
    assert commands == {f"make {target}" for target in [*first[1].split(), *beside_each_other]}


def test_every_job_ends_in_time_and_may_only_read():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())
    assert "concurrency" in WORKFLOW


def test_every_action_is_pinned_by_commit():
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in STEPS if "uses" in step)


def test_make_alone_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    listed = subprocess.run(
        ["/usr/bin/env", "make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^  make (\w+)", listed, re.MULTILINE) == phony.split()


@pytest.mark.slow
def test_dg_finds_the_code_location_without_flags(tmp_path: Path):
    command = [str(Path(sys.executable).parent / "dg"), "check", "defs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
