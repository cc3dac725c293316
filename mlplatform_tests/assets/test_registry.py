"""The registry of a pipeline that was walked: aliases, MLflow lost and rebuilt, a program exported anew, ages."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlplatform.errors import RegistryError
from mlplatform.provenance.code import code_identity
from mlplatform.registry import age as ages
from mlplatform.registry import backend
from mlplatform.registry.find import by_version, model_version
from mlplatform.registry.recertify import recertify
from mlplatform.registry.record import records
from mlplatform.rollout.find import find
from mlplatform_tests.assets.conftest import Walk, failed_steps
from mlplatform_tests.conftest import ROOT

if TYPE_CHECKING:
    from mlflow import MlflowClient

NEXT = ("model", "evaluation", "gate_verdict", "registered_model", "deployment")
PIPELINE = "census_income"


@pytest.fixture(scope="module")
def two(walked_to) -> Walk:
    """A walk whose champion was exported anew: it is live as version 1, and its heir is a canary."""
    walk = walked_to("deployment")
    done = walk.command("registry", "recertify", PIPELINE, "--again")
    assert done.exit_code == 0, done.output
    assert "test rows are answered the same" in done.output
    result = walk.run(*NEXT)
    assert result.success, failed_steps(result)
    return walk


def shown(walk: Walk) -> dict[str, Any]:
    """Return versions, tags, aliases and runs that MLflow holds, without ids, times and where the lake was."""
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:  # MLflow keeps connections to a file.
        shutil.copy(database(walk), copy.name)
        return told_by(backend.client(f"sqlite:///{copy.name}"))


def told_by(client: "MlflowClient") -> dict[str, Any]:
    versions = client.search_model_versions(f"name = '{PIPELINE}'")
    experiments = client.search_experiments()
    runs = [r for e in experiments for r in client.search_runs([e.experiment_id])]
    named = {run.info.run_id: run.info.run_name for run in runs}
    return {
        "aliases": {k: str(v) for k, v in client.get_registered_model(PIPELINE).aliases.items()},
        "versions": {
            str(each.version): (
                each.source.rpartition("/")[2],
                dict(each.tags),
                named.get(each.run_id),
            )
            for each in versions
        },
        "runs": sorted(
            (r.info.run_name, r.info.status, sorted(r.data.params.items()), sorted(r.data.metrics))
            for r in runs
        ),
    }


def database(walk: Walk) -> Path:
    return Path(walk.settings.mlflow_uri.removeprefix("sqlite:///"))


def apart(walk: Walk, *commands: list[str]) -> str:
    """Run commands in a process of their own, which never saw the database that was lost; return what they said."""
    program = "import sys, json; from mlplatform.cli.main import app\n"
    program += "for words in json.loads(sys.argv[1]): app(words, standalone_mode=False)"
    places = {"HOME": walk.settings.home, "PIPELINES": walk.settings.pipelines}
    environ = {**os.environ, **{f"MLPLATFORM_{name}": str(path) for name, path in places.items()}}
    command = [sys.executable, "-c", program, json.dumps(commands)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environ, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_exported_anew_passes_the_ordinary_gates_as_a_version_of_its_own(two):
    one, other = records(two.lake.table(f"{PIPELINE}/registered_model"))
    made = model_version(two.lake, PIPELINE, other)
    facts = made.lineage.facts
    assert facts["recertified_from"] == one.model_digest != other.model_digest
    said = json.loads(facts["recertified"])
    assert said["max_ulp"] <= 8
    trained = model_version(two.lake, PIPELINE, one).lineage.code_version
    assert facts["trained_code"] == trained
    assert made.lineage.code_version == str(code_identity(ROOT))
    assert two.lake.artifacts.open(facts["exported_libraries"]).names == ["libraries.txt"]
    assert said["rows"] == 1999  # One of 2,000 lines is a comment.
    assert said["jax"] == [ages.exported_by(two.lake, d.model_digest) for d in (one, other)]
    before, after = (two.lake.artifacts.open(each.model_digest) for each in (one, other))
    for name in ("params.safetensors", "features.json", "training.json", "reference.json"):
        assert before.read(name) == after.read(name)
    assert one.metrics == pytest.approx(other.metrics, abs=1e-6)
    assert find(two.lake, [PIPELINE], f"{PIPELINE}@challenger").record == other


def test_a_program_of_the_installed_jax_and_one_with_newer_rows_are_not_exported_anew(two):
    assert "nothing to do" in str(two.command("registry", "recertify", PIPELINE).exception)
    found = find(two.lake, [PIPELINE], f"{PIPELINE}@1")
    stale = dict(found.model.lineage.inputs) | {f"{PIPELINE}/dataset": "0:0123456789abcdef"}
    lineage = replace(found.model.lineage, inputs=stale)
    older = replace(found, model=replace(found.model, lineage=lineage))
    with pytest.raises(RegistryError, match=r"the newest is .*, on which gates judge; train again"):
        recertify(two.lake, older, by="me", at=datetime.now(UTC), code="x", again=True)


def test_aliases_follow_promotion_and_rollback_and_a_lost_mlflow_comes_back_the_same(two):
    assert shown(two)["aliases"] == {"champion": "1", "challenger": "2"}
    assert two.command("promote", PIPELINE).exit_code == 0
    assert shown(two)["aliases"] == {"champion": "2", "previous": "1"}
    before = shown(two)
    tags = before["versions"]["2"][1]
    told = {name.removeprefix("mlplatform.") for name in tags}
    assert {"code_version", "environment", "surroundings", "pipeline_code", "trigger"} <= told
    assert {"verdict", "verdict.policy", "verdict.gate_verdict", "run"} <= told
    assert {f"data.{PIPELINE}/dataset", "recertified_from", "model_digest", "hardware"} <= told

    database(two).unlink()
    apart(two, ["registry", "rebuild"], ["registry", "rebuild"])
    assert shown(two) == before

    database(two).unlink()
    shutil.move(two.settings.training_logs, two.settings.training_logs.with_name("away"))
    said = apart(two, ["registry", "rebuild"], ["rollback", PIPELINE])
    assert "2 model versions with tags and aliases, 1 training runs from the lake alone" in said
    rebuilt = shown(two)
    assert rebuilt["versions"] == before["versions"]
    assert rebuilt["aliases"] == {"champion": "1"}


def test_every_registered_model_is_listed_verified_and_refused_once_a_byte_differs(two):
    listed = json.loads(two.command("registry", "list", "--json").output)
    assert [row["version"] for row in listed] == [1, 2]
    fine = two.command("registry", "verify", "--all", "--no-load")
    assert fine.exit_code == 0
    assert fine.output.count("are whole; unsigned") == 2
    loaded = two.command("registry", "verify", f"{PIPELINE}@1")
    assert "it answers with probability" in loaded.output
    weights = Path(two.lake.artifacts.open(listed[1]["digest"]).uri, "params.safetensors")
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused = two.command("registry", "verify", "--all", "--no-load")
    weights.write_bytes(content)
    assert refused.exit_code == 1
    assert f"{PIPELINE} version 2" in refused.output
    assert "REFUSED" in refused.output


def test_a_program_is_due_after_four_months_and_out_of_promise_after_six(walked):
    record = by_version(walked.lake, PIPELINE, 1)
    made = model_version(walked.lake, PIPELINE, record).committed_at
    for days, due, over in ((119, False, False), (120, True, False), (180, True, True)):
        found = ages.age(walked.lake, PIPELINE, record, made + timedelta(days=days))
        assert (found.days, found.due, found.over) == (days, due, over)
    old = ages.due(walked.lake, PIPELINE, record, made + timedelta(days=130))
    assert "130 days ago; 50 days of JAX's promise are left: `mlplatform registry rec" in old
    assert ages.due(walked.lake, PIPELINE, record, made) == ""
    assert walked.command("registry", "age").exit_code == 0


def test_status_warns_of_an_old_program(walked, monkeypatch):
    assert "AGE" not in walked.command("status").output
    monkeypatch.setattr(ages, "WARNED_DAYS", 0)
    assert "AGE        exported by JAX" in walked.command("status").output
    assert walked.command("registry", "age").exit_code == 1
