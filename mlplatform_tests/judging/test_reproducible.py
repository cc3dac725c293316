"""What commit and artifact of a model say of making it again."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from mlplatform.gates import reproducibility as gate
from mlplatform.judging.reproducible import reproducibility
from mlplatform.lake import Lake, Lineage
from mlplatform.provenance import environment
from mlplatform.spec.trust_gates import ReproducibilityGate
from mlplatform.train.reproducible import statement

COMMIT = "9cba8869be77"


def seen(folder: Path, code_version: str = COMMIT, model: object = None, **facts: str):
    lake = Lake(folder)
    how = statement(platform="cpu", device_kind="cpu", devices=1, precision="float32", seed=0)
    manifest = {"model": {"seed": 0} if model is None else model, "reproducibility": how}
    digest = lake.artifacts.put({"training.json": json.dumps(manifest).encode()})
    who = Lineage(asset="p/model", run_id="r", code_version=code_version, facts=facts)
    version = lake.table("p/model").overwrite(pa.table({"x": [1]}), who)
    return reproducibility(version, lake.artifacts.open(digest))


def test_a_model_of_a_clean_commit_with_libraries_and_seed_passes(tmp_path: Path):
    lock = environment.digest(environment.installed())
    found = seen(tmp_path, environment=lock)
    assert (found.commit, found.dirty, found.lock, found.seed) == (COMMIT, False, lock, 0)
    assert found.bits.startswith("the same: parameters and predictions, bit by bit")
    assert "not the same: on another platform than cpu" in found.bits
    assert gate.reproducibility(found, ReproducibilityGate()).passed


@pytest.mark.parametrize(
    ("code_version", "commit", "dirty"),
    [
        (COMMIT, COMMIT, False),
        (f"{COMMIT}-dirty", COMMIT, True),
        ("no-git", "", None),
        ("no-git-dirty", "", None),
        ("", "", None),
    ],
)
def test_the_commit_and_whether_files_differed_are_read_from_the_lineage(
    tmp_path: Path, code_version: str, commit: str, dirty: bool | None
):
    found = seen(tmp_path, code_version)
    assert (found.commit, found.dirty) == (commit, dirty)


@pytest.mark.parametrize(
    ("model", "seed"),
    [
        ({"seed": 7}, 7),
        ({"members": {"a": {"seed": 3}, "b": {"seed": 4}}}, 3),
        ({"members": 8, "seed": 2}, 2),  # Of TabM: how many, not which.
        ({"members": {"a": {"seed": 3}, "b": {}}}, None),
        ({"members": {}}, None),
        ({"seed": None}, None),
        ({"seed": True}, None),
        ([], None),
    ],
)
def test_a_seed_is_the_models_or_of_a_blend_every_members(tmp_path: Path, model, seed):
    assert seen(tmp_path, model=model).seed == seed


def test_a_commit_of_an_earlier_release_names_no_libraries(tmp_path: Path):
    assert seen(tmp_path).lock == ""


def test_without_an_artifact_nothing_is_known_of_chance(tmp_path: Path):
    lake = Lake(tmp_path)
    who = Lineage(asset="p/model", run_id="r", code_version=COMMIT)
    version = lake.table("p/model").overwrite(pa.table({"x": [1]}), who)
    broken = lake.artifacts.open(lake.artifacts.put({"training.json": b"no json"}))
    other = lake.artifacts.open(lake.artifacts.put({"other.json": b"{}"}))
    for artifact in (None, broken, other):
        found = reproducibility(version, artifact)
        assert (found.seed, found.bits) == (None, "")
