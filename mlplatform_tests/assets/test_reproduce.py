"""A model of a small walk made again: in a clone of this checkout, by processes of their own."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from safetensors.numpy import load, save
from typer.testing import Result

from assets import certificate as certificate_asset
from mlplatform.lake import Lineage
from mlplatform.provenance.certificate import certificates
from mlplatform.provenance.interpreter import Interpreter
from mlplatform.provenance.recorded import recorded
from mlplatform.provenance.reproduce import _judged, _Made
from mlplatform.provenance.retrain import Answer
from mlplatform.registry.record import Candidate, records, register
from mlplatform.rollout.find import find
from mlplatform_tests.assets.conftest import Walk
from mlplatform_tests.conftest import ROOT

PERSON = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *PERSON, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this checkout whose newest commit holds what the files here are now."""
    folder = tmp_path_factory.mktemp("clone") / "code"
    git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(folder))
    for name in git(ROOT, "ls-files", "-m", "-o", "--exclude-standard").splitlines():
        source, target = ROOT / name, folder / name
        if source.is_file() and not source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "as it is")
    return folder


@pytest.fixture(scope="module")
def registered(walked_to: Callable[..., Walk]) -> Walk:
    """A walk with one registered model; tests record it otherwise, and then as it was."""
    return walked_to("registered_model")


def recorded_as(walk: Walk, **changes: object) -> Lineage:
    """Write the model's commit and its registration anew, with these changes of where it came from."""
    lake, tables = walk.lake, Path(walk.settings.lake) / "census_income"
    model = lake.table("census_income/model").latest()
    assert model is not None
    row = lake.table("census_income/model").read(model)
    known = records(lake.table("census_income/registered_model"))[0]
    facts = {**model.lineage.facts, **changes.pop("facts", {})}
    lineage = replace(model.lineage, facts=facts, **changes)
    for noun in ("model", "registered_model"):
        shutil.rmtree(tables / noun)
    lake = walk.lake
    version = lake.table("census_income/model").overwrite(row, lineage)
    candidate = Candidate(
        model_digest=facts["artifact"],
        metrics=known.metrics,
        verdict=known.verdict,
        verdict_digests=known.verdict_digests,
        code_version=lineage.code_version,
        data_versions={**known.data_versions, version.table: version.reference},
    )
    register(lake, "census_income", candidate, lineage, datetime.now(UTC))
    return model.lineage


def reproduce(walk: Walk, clone: Path, monkeypatch: pytest.MonkeyPatch, *words: object) -> Result:
    """Run the command in the clone."""
    monkeypatch.chdir(clone)
    return walk.command("reproduce", "census_income@newest", *words)


def files(folder: Path) -> dict[str, str]:
    """Return a digest of every file below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def test_a_registered_model_is_made_again_bit_by_bit_by_its_recorded_code(
    registered: Walk, clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """Nothing of the lake changes but the certificate, and nothing of the checkout."""
    commit = git(clone, "rev-parse", "HEAD")
    recorded_as(registered, code_version=commit)
    before, checkout = files(Path(registered.settings.lake)), files(clone)
    done = reproduce(registered, clone, monkeypatch, "--keep", tmp_path)
    assert done.exit_code == 0, done.output
    assert "BIT_EXACT: every byte of" in done.output
    [made] = certificates(registered.lake.table("census_income/certificate"))
    assert (made.outcome, made.max_ulp, made.model_version) == ("BIT_EXACT", 0, 1)
    assert made.reproduced
    assert made.code_version == commit
    assert made.details["commit_on_branch"]
    assert made.details["environment"] == {"how": "this interpreter", "differs": []}
    assert made.details["made_artifact"] == made.model_digest
    model = registered.lake.artifacts.open(made.model_digest)
    kept = {name: (tmp_path / "artifact" / name).read_bytes() for name in model.names}
    assert kept == {name: model.read(name) for name in model.names}
    after = files(Path(registered.settings.lake))
    changed = {name for name in after if before.get(name) != after[name]}
    assert {name.split("/")[1] for name in changed} == {"certificate"}
    assert files(clone) == checkout


@pytest.mark.slow
def test_a_model_that_its_record_does_not_give_is_a_mismatch_that_dagster_shows_and_fails_by(
    registered: Walk, clone: Path, monkeypatch: pytest.MonkeyPatch
):
    lake = registered.lake
    model = lake.table("census_income/model").latest()
    assert model is not None
    whole = lake.artifacts.open(model.lineage.facts["artifact"])
    tensors = load(whole.read("params.safetensors"))
    name = sorted(tensors)[1]
    tensors[name] = np.copy(tensors[name])
    tensors[name].ravel()[3] += np.float32(0.25)
    other = {each: whole.read(each) for each in whole.names} | {"params.safetensors": save(tensors)}
    commit = git(clone, "rev-parse", "HEAD")
    before = recorded_as(
        registered, code_version=commit, facts={"artifact": lake.artifacts.put(other)}
    )
    monkeypatch.setattr(certificate_asset, "ROOT", clone)
    job = registered.definitions().resolve_job_def("census_income_reproduce")
    config = {"census_income__certificate": {"config": {"model": "newest"}}}
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config={"ops": config}, instance=instance, raise_on_error=False
        )
    assert not result.success
    [event] = result.get_asset_materialization_events()
    assert event.asset_key == dg.AssetKey(["census_income", "certificate"])
    shown = event.step_materialization_data.materialization.metadata
    assert shown["outcome"].value == "MISMATCH"
    assert str(shown["first_difference"].value).startswith(f"tensor {name}[")
    assert "1 of " in str(shown["first_difference"].value)
    recorded_as(registered, facts={"artifact": before.facts["artifact"]})


def test_a_run_of_all_assets_makes_no_certificate(registered: Walk):
    before = registered.versions()
    result = registered.run("certificate")
    assert result.success
    assert result.get_asset_materialization_events() == []
    assert registered.versions() == before


@pytest.mark.parametrize(("moved", "outcome"), [(1e-4, "METRICS"), (30.0, "MISMATCH")])
def test_on_another_class_of_hardware_metrics_of_the_test_rows_decide(
    registered: Walk, moved: float, outcome: str
):
    recorded_as(registered, code_version="ab" * 20)
    lake = registered.lake
    of = recorded(lake, find(lake, ["census_income"], "census_income@newest"))
    tensors = load(of.artifact.read("params.safetensors"))
    tensors = {name: each + np.float32(moved) for name, each in tensors.items()}
    files = {name: of.artifact.read(name) for name in of.artifact.names}
    made = _Made(
        answer=Answer(
            artifact=lake.artifacts.put({**files, "params.safetensors": save(tensors)}),
            around={"hardware": {"class": "another"}},
        ),
        lake=lake,
        interpreter=Interpreter(python=Path("python"), how="as told"),
        commit_on_branch=True,
    )
    found, comparison, metrics = _judged(of, made, lake)
    assert (found, comparison.outcome) == (outcome, "MISMATCH")
    assert {"auc", "log_loss", "accuracy"} <= {metric["metric"] for metric in metrics}
    same = replace(made.answer, around={"hardware": {"class": of.hardware_class}})
    assert _judged(of, replace(made, answer=same), lake)[0] == "MISMATCH"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"code_version": "ab" * 20 + "-dirty"},
            "uncommitted code: files differed from commit abab",
        ),
        ({"code_version": "no-git"}, "outside of a git checkout"),
        ({"code_version": "--output=x"}, "outside of a git checkout"),
        ({"code_version": "ab" * 20}, "abababababab is not in .*: its history was rewritten"),
        ({"facts": {"surroundings": ""}}, "there is no record of its surroundings"),
        ({"facts": {"pipeline_code": "ab" * 32}}, "the pipeline's code is gone"),
        ({"inputs": {"census_income/features": "7:" + "ab" * 8}}, "has no version 7"),
        (
            {"facts": {"recertified_from": "cd" * 32}},
            "exported anew from model cdcdcdcdcdcdcdcd; make that one again",
        ),
        ({"inputs": {}}, "its commit names no version of census_income/dataset"),
    ],
)
def test_what_is_not_on_record_is_refused_before_training(
    registered: Walk, clone: Path, monkeypatch: pytest.MonkeyPatch, changes: dict, why: str
):
    commit = git(clone, "rev-parse", "HEAD")
    before = recorded_as(registered, **{"code_version": commit, **changes})
    held = registered.lake.table("census_income/certificate")
    count = len(certificates(held))
    with pytest.raises(Exception, match=why):
        raise reproduce(registered, clone, monkeypatch).exception or AssertionError("not refused")
    assert len(certificates(held)) == count
    facts = {**dict.fromkeys(changes.get("facts", {}), ""), **before.facts}
    recorded_as(registered, facts=facts, inputs=before.inputs)


def test_a_damaged_byte_of_the_data_or_the_model_is_refused_before_training(
    registered: Walk, clone: Path, monkeypatch: pytest.MonkeyPatch
):
    before = recorded_as(registered, code_version=git(clone, "rev-parse", "HEAD"))
    lake = Path(registered.settings.lake)
    [part] = (lake / "census_income" / "features").glob("*.parquet")
    model = lake / "_artifacts" / before.facts["artifact"] / "params.safetensors"
    for file, why in ((part, "census_income/features 0:.* cannot be read"), (model, "is damaged")):
        content = file.read_bytes()
        os.chmod(file, 0o644)  # noqa: PTH101
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
        with pytest.raises(Exception, match=why):
            raise reproduce(registered, clone, monkeypatch).exception or AssertionError("accepted")
        file.write_bytes(content)
