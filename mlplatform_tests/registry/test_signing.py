"""With keys set, what is registered is signed, and what is loaded has to be."""

import logging
import shutil
from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, ServingError, SignatureError
from mlplatform.lake import Lake
from mlplatform.registry.identity import identities
from mlplatform.registry.lake_repository import LakeRepository
from mlplatform.registry.signing import Standing, key_name, require, sign, standing
from mlplatform.rollout import Model
from mlplatform.serve.models import load
from mlplatform.settings import Settings
from mlplatform_tests.features import people
from mlplatform_tests.models import exported_model
from mlplatform_tests.registry.conftest import registered

FILES = {"params.safetensors": b"weights", "training.json": b"{}"}


@pytest.fixture(scope="module", autouse=True)
def _library() -> None:
    pytest.importorskip("model_signing", reason="the extra `signing` is not installed")


def pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private key and its public half."""
    from cryptography.hazmat.primitives import serialization as of
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.key", folder / f"{name}.pub"
    form = (of.Encoding.PEM, of.PrivateFormat.PKCS8, of.NoEncryption())
    private.write_bytes(key.private_bytes(*form))
    spki = (of.Encoding.PEM, of.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(key.public_key().public_bytes(*spki))
    return private, public


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {name: pair(folder, name) for name in ("ours", "theirs")}


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


def test_a_signed_artifact_is_known_by_the_key_that_signed_it(lake, keys):
    private, public = keys["ours"]
    digest = lake.artifacts.put(FILES)
    assert standing(lake, digest) is Standing.UNSIGNED
    name = sign(lake, digest, private)
    assert sign(lake, digest, private) == name == key_name(public)
    assert standing(lake, digest) is Standing.SIGNED
    assert standing(lake, digest, public) is Standing.VERIFIED
    require(lake, digest, public)
    assert lake.signatures.keys(digest) == [name]
    lake.artifacts.open(digest).require_nothing_else()


def test_an_unsigned_artifact_and_one_of_another_key_are_refused(lake, keys):
    digest = lake.artifacts.put(FILES)
    with pytest.raises(SignatureError, match=r"is not signed by the key in .*: nobody signed it"):
        require(lake, digest, keys["ours"][1])
    theirs = sign(lake, digest, keys["theirs"][0])
    with pytest.raises(SignatureError, match=f"it is signed by {theirs}; sign it with"):
        require(lake, digest, keys["ours"][1])
    require(lake, digest, None)


def test_a_signature_of_another_model_or_of_no_form_is_wrong(lake, keys):
    private, public = keys["ours"]
    one = lake.artifacts.put(FILES)
    other = lake.artifacts.put({**FILES, "params.safetensors": b"Weights"})
    name = sign(lake, one, private)
    taken = lake.signatures.read(one, name)
    for content in (taken, taken[:-40], b"", b"{}", b"\x80\x04K\x01.", b"[" * 100_000):
        shutil.rmtree(Path(lake.root, "_signatures", other), ignore_errors=True)
        lake.signatures.put(other, name, content)
        assert standing(lake, other, public) is Standing.WRONG
        with pytest.raises(SignatureError, match=r"is wrong: .*find out who wrote"):
            require(lake, other, public)


def test_a_damaged_or_polluted_artifact_is_not_signed(lake, keys):
    digest = lake.artifacts.put(FILES)
    folder = Path(lake.artifacts.open(digest).uri)
    (folder / "stranger.py").write_text("")
    with pytest.raises(CorruptionError, match=r"holds 'stranger\.py'"):
        sign(lake, digest, keys["ours"][0])
    (folder / "stranger.py").unlink()
    (folder / "training.json").write_bytes(b"[]")
    with pytest.raises(CorruptionError, match="is damaged"):
        sign(lake, digest, keys["ours"][0])
    assert lake.signatures.keys(digest) == []


def test_what_is_no_key_is_said_without_its_content(lake, keys, tmp_path):
    digest = lake.artifacts.put(FILES)
    with pytest.raises(SignatureError, match=r"gone\.key: No such file.*name the file of a key"):
        sign(lake, digest, tmp_path / "gone.key")
    planted = "hunter" + "2" * 20
    head = " ".join(["-----BEGIN", "PRIVATE", "KEY-----"])
    (tmp_path / "no.key").write_text(f"{head}\n{planted}\n")
    with pytest.raises(SignatureError, match="holds no key in PEM on secp256r1") as said:
        sign(lake, digest, tmp_path / "no.key")
    assert planted not in str(said.value)
    with pytest.raises(SignatureError, match="cannot sign"):
        sign(lake, digest, keys["ours"][1])  # A public key.


def test_keys_reach_no_log(lake, keys, caplog):
    private, public = keys["ours"]
    caplog.set_level(logging.DEBUG)
    digest = lake.artifacts.put(FILES)
    sign(lake, digest, private)
    require(lake, digest, public)
    secret = private.read_text().splitlines()[1]
    assert secret not in caplog.text
    assert secret not in (lake.signatures.read(digest, key_name(public)) or b"").decode()


def test_a_server_loads_signed_models_alone_where_a_key_is_set(lake, keys):
    digest = lake.artifacts.put(exported_model(people.encoder(), people.program().content))
    model, verify_key = Model(version=3, digest=digest), str(keys["ours"][1])
    with pytest.raises(ServingError, match=r"version 3 .* cannot be loaded: .*is not signed by"):
        load(lake, model, 1, verify_key)
    sign(lake, digest, keys["ours"][0])
    assert load(lake, model, 1, verify_key).predicts.name == "probability"
    assert load(lake, model, 1).predicts.name == "probability"


def test_mlflow_gets_signed_models_alone_where_a_key_is_set(lake, keys, monkeypatch, tmp_path):
    digest = lake.artifacts.put(FILES)
    uri = f"lake:{lake.artifacts.uri(digest)}"
    monkeypatch.setenv("MLPLATFORM_VERIFY_KEY", str(keys["ours"][1]))
    with pytest.raises(Exception, match="is not signed by the key"):
        LakeRepository(uri).list_artifacts()
    sign(lake, digest, keys["ours"][0])
    assert {file.path for file in LakeRepository(uri).list_artifacts()} == {*FILES, "manifest.json"}


def test_the_key_that_signed_is_a_tag_of_the_model(lake, keys):
    digest = lake.artifacts.put(FILES)
    assert "mlplatform.signature" not in identities(
        lake, "shop", registered(1, model_digest=digest)
    )
    name = sign(lake, digest, keys["ours"][0])
    told = identities(lake, "shop", registered(1, model_digest=digest))
    assert told["mlplatform.signature"] == name


def test_openssfs_own_command_reads_the_signature(lake, keys, tmp_path):
    import subprocess
    import sys

    digest = lake.artifacts.put(FILES)
    name = sign(lake, digest, keys["ours"][0])
    command = [sys.executable, "-m", "model_signing", "verify", "key"]
    command += ["--signature", lake.signatures.uri(digest, name)]
    command += ["--public_key", str(keys["ours"][1]), lake.artifacts.uri(digest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "succeeded" in (done.stdout + done.stderr).lower()


def test_settings_name_the_keys(tmp_path):
    environ = {"MLPLATFORM_SIGNING_KEY": "keys/a.key", "MLPLATFORM_VERIFY_KEY": "/keys/a.pub"}
    here = Settings.from_environment(environ, tmp_path)
    assert (here.signing_key, here.verify_key) == (tmp_path / "keys/a.key", Path("/keys/a.pub"))
    assert Settings.from_environment({}, tmp_path).signing_key is None


def test_without_the_extra_a_key_is_a_mistake_said_in_a_line(lake, keys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "model_signing.signing", None)
    with pytest.raises(SignatureError, match="model-signing is missing; install the extra"):
        sign(lake, lake.artifacts.put(FILES), keys["ours"][0])


def test_the_lake_of_a_run_signs_where_it_is_given_a_key(keys, tmp_path):
    from resources import LakeResource

    ours = LakeResource(root=str(tmp_path / "lake"), signing_key=str(keys["ours"][0]))
    digest = ours.open().artifacts.put(FILES)
    LakeResource(root=str(tmp_path / "lake")).sign(digest)
    assert ours.open().signatures.keys(digest) == []
    ours.sign(digest)
    require(ours.open(), digest, keys["ours"][1])
