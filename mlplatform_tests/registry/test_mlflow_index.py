"""MLflow shows what the lake says, can be rebuilt from it, and never holds a run up."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mlplatform.errors import RegistryError
from mlplatform.registry import backend
from mlplatform.registry.mlflow_index import MlflowIndex, tags
from mlplatform_tests.registry.conftest import registered

ONE, TWO, THREE = (registered(n, model_digest=f"{n}" * 64) for n in (1, 2, 3))
DEADLINE_SECONDS = 10  # what the platform promises for a registry that does not answer


def source(digest: str) -> str:
    return f"s3://lake/artifacts/{digest}"


@pytest.fixture
def index(store) -> MlflowIndex:
    return MlflowIndex(store)


def test_a_registered_version_points_at_the_artifact_and_carries_every_identity(index):
    index.register("identity", ONE, source(ONE.model_digest))
    shown = index._client.get_model_version("identity", "1")
    assert shown.source == f"lake:{source(ONE.model_digest)}"
    assert shown.tags == tags(ONE)
    assert shown.tags["mlplatform.data.census_income/dataset"] == "3:9f86d081884c7d65"
    assert shown.tags["mlplatform.verdict"] == "pass"


def test_registering_again_adds_no_version(index):
    first = index.register("twice", ONE, source(ONE.model_digest))
    assert index.register("twice", ONE, source(ONE.model_digest)) == first
    assert len(index.versions("twice")) == 1


def test_sync_rebuilds_versions_in_order_and_aliases(index):
    models = {"champion": ONE.model_digest, "challenger": THREE.model_digest}
    index.sync("rebuilt", [ONE, TWO, THREE], models, source)
    shown = index.versions("rebuilt")
    numbers = [shown[each.model_digest].version for each in (ONE, TWO, THREE)]
    assert numbers == ["1", "2", "3"]
    assert index.aliases("rebuilt") == {"champion": "1", "challenger": "3"}


def test_sync_repairs_what_somebody_changed_in_mlflow(index):
    champion = {"champion": ONE.model_digest}
    index.sync("repaired", [ONE], champion, source)
    index._client.set_model_version_tag("repaired", "1", "mlplatform.code_version", "forged")
    index._client.set_registered_model_alias("repaired", "previous", "1")
    index.sync("repaired", [ONE, TWO], champion, source)
    assert index._client.get_model_version("repaired", "1").tags == tags(ONE)
    assert index.aliases("repaired") == {"champion": "1"}


def test_a_version_that_leads_elsewhere_is_not_taken_for_ours_whatever_its_tag(index):
    index._client.create_registered_model("forged")
    for at in ("/tmp/evil", f"lake:/lake/{TWO.model_digest}"):  # noqa: S108  The attacker's.
        tag = {"mlplatform.model_digest": ONE.model_digest}
        index._client.create_model_version("forged", at, tags=tag)
    index.sync("forged", [ONE], {"champion": ONE.model_digest}, source)
    live = index._client.get_model_version_by_alias("forged", "champion")
    assert (str(live.version), live.source) == ("3", f"lake:{source(ONE.model_digest)}")
    index.sync("forged", [ONE], {"champion": ONE.model_digest}, source)
    assert index.aliases("forged") == {"champion": "3"}


def test_an_alias_for_a_model_that_is_not_shown_says_so(index):
    index.register("alias", ONE, source(ONE.model_digest))
    with pytest.raises(RegistryError, match="no version 222222222222 for champion; sync it"):
        index.alias("alias", {"champion": TWO.model_digest})


def test_a_version_names_its_training_run_once_mlflow_has_its_log(index, home):
    with home.tracked() as run:
        run.params({"epochs": 1})
    known = registered(1, mlflow_run=run.identity)
    waiting = registered(2, mlflow_run="0c6e/census/model")
    name = home.subject.experiment
    index.sync(name, [known, waiting], {}, source)
    trained = home.runs()["census/model"].info.run_id
    assert index._client.get_model_version(name, "1").run_id == trained
    assert not index._client.get_model_version(name, "2").run_id
    kept = index._client.get_model_version(name, "2").tags["mlplatform.mlflow_run"]
    assert kept == "0c6e/census/model"


def test_the_index_is_safe_in_threads(index):
    many = [registered(n) for n in range(1, 9)]
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(lambda each: index.register("threads", each, source(each.model_digest)), many)
        )
    assert set(index.versions("threads")) == {each.model_digest for each in many}


def test_a_server_that_is_down_is_one_line_at_once(closed_port):
    began = time.monotonic()
    with pytest.raises(RegistryError, match=r"cannot be reached.*refused.*start it or correct"):
        MlflowIndex(closed_port).register("down", ONE, "s3://x")
    assert time.monotonic() - began < DEADLINE_SECONDS


def test_a_silent_server_is_given_up_in_time(silent_server):
    began = time.monotonic()
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:\d+.*(timed out|no answer within)"):
        MlflowIndex(silent_server).register("silent", ONE, "s3://x")
    assert time.monotonic() - began < DEADLINE_SECONDS


def test_a_server_that_falls_silent_after_the_probe_is_given_up_in_time(silent_server, monkeypatch):
    monkeypatch.setattr(backend, "SERVER_SECONDS", 1.0)
    late = MlflowIndex(silent_server)
    late.__dict__["_client"] = backend.load().MlflowClient(silent_server, silent_server)
    with pytest.raises(RegistryError, match="no answer within 1 s; is it up"):
        late.register("late", ONE, "s3://x")


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RegistryError, match=r"file/db is not writable"):
        MlflowIndex(f"sqlite:///{tmp_path}/file/db/mlflow.db").register("x", ONE, "s3://x")


def test_passwords_in_an_address_are_not_shown():
    assert backend.shown("http://me:secret@127.0.0.1:5000/x") == "http://***@127.0.0.1:5000/x"


def test_a_real_server_shows_the_same(mlflow_server):
    """A server refuses paths of the local disk as sources, but takes addresses of the lake."""
    index = MlflowIndex(mlflow_server)
    models = {"champion": TWO.model_digest, "previous": ONE.model_digest}
    index.sync("remote", [ONE, TWO], models, lambda digest: f"/lake/artifacts/{digest}")
    shown = index.versions("remote")
    assert shown[ONE.model_digest].source == f"lake:/lake/artifacts/{ONE.model_digest}"
    assert index.aliases("remote") == {"champion": "2", "previous": "1"}


def test_importing_the_room_imports_neither_mlflow_nor_pyarrow():
    modules = "backend, mlflow_index, outbox, record, tracking"
    code = f"import sys; from mlplatform.registry import {modules}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"mlflow", "pyarrow", "deltalake"} & set(out.stdout.split())
