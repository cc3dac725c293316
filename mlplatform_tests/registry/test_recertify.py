"""What is exported anew is asked for all that registering asks, and its commit says whose code exported it."""

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from mlplatform.cli import registry_exporter
from mlplatform.errors import CorruptionError, GateRefusedError, RegistryError, SignatureError
from mlplatform.lake import Lake, Lineage
from mlplatform.provenance import code as codes
from mlplatform.registry import signing
from mlplatform.registry.find import Found
from mlplatform.registry.recertify import TRAINED_CODE, _written, recertify
from mlplatform_tests.features import people
from mlplatform_tests.models import exported_model
from mlplatform_tests.registry.conftest import AT, registered

CLEAN, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return exported_model(people.encoder(), people.program().content)


def found(lake: Lake, files: dict[str, bytes], code: str = CLEAN) -> Found:
    digest = lake.artifacts.put(files)
    lineage = Lineage(
        asset="census/model", run_id="r", code_version=code, facts={"artifact": digest}
    )
    version = lake.table("census/model").overwrite(pa.table({"model_digest": [digest]}), lineage)
    return Found("census", registered(1, model_digest=digest), version)


def test_an_unsigned_model_is_not_exported_anew_where_a_key_is_set(lake, files, monkeypatch):
    def require(_lake: Lake, _digest: str, key: object) -> None:
        if key:
            raise SignatureError("nobody signed it")

    monkeypatch.setattr(signing, "require", require)
    model = found(lake, files)
    with pytest.raises(SignatureError, match="nobody signed it"):
        recertify(lake, model, by="me", at=AT, code=OTHER, verify_key="model.pub", again=True)
    with pytest.raises(RegistryError, match="nothing to do"):
        recertify(lake, model, by="me", at=AT, code=OTHER)


def test_a_model_with_code_in_it_is_not_exported_anew(lake, files):
    model = found(lake, {**files, "weights.bin": b"weights"})
    with pytest.raises(CorruptionError, match=r"weights\.bin is no file of a model"):
        recertify(lake, model, by="me", at=AT, code=OTHER, again=True)


def test_the_commit_is_of_the_code_that_exported_and_says_which_trained(lake, files):
    model = found(lake, files)
    first = _written(lake, model, "c" * 64, {"by": "me"}, OTHER, {"exported_environment": "e"})
    assert first.lineage.code_version == OTHER
    assert first.lineage.facts[TRAINED_CODE] == CLEAN
    assert first.lineage.facts["exported_environment"] == "e"
    again = _written(lake, replace(model, model=first), "d" * 64, {"by": "me"}, "x", {})
    assert (again.lineage.code_version, again.lineage.facts[TRAINED_CODE]) == ("x", CLEAN)


@pytest.mark.parametrize(
    ("trained", "exports", "why"),
    [
        (CLEAN, f"{OTHER}-dirty", "the program is exported by uncommitted code"),
        (f"{CLEAN}-dirty", OTHER, "the model was trained by uncommitted code"),
    ],
)
def test_uncommitted_code_exports_nothing_outside_of_local_development(
    lake, files, monkeypatch, tmp_path, trained, exports, why
):
    monkeypatch.setattr(codes, "code_identity", lambda _: exports)
    model = found(lake, files, trained)
    with pytest.raises(GateRefusedError, match=why):
        registry_exporter.exporter_code(
            SimpleNamespace(root=tmp_path, environment="production"), model
        )
    local = SimpleNamespace(root=tmp_path, environment="")
    assert registry_exporter.exporter_code(local, model) == exports
