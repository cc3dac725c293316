"""What a user types, and what the shell gets back."""

import json
import shutil
import socket
from collections.abc import Callable

import pytest

from mlplatform.registry.backend import client
from mlplatform_tests.e2e.conftest import Home
from mlplatform_tests.small import batch, change

pytestmark = pytest.mark.slow


def one_line(said: str) -> str:
    """Return the one line of an error, which has no traceback."""
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1, said
    return lines[0]


def test_a_walk_ends_with_a_live_model_that_status_can_explain(deployed: Home):
    told = deployed.run("mlplatform", "status", "--json")
    assert told.returncode == 0, told.stderr
    champion = json.loads(told.stdout)["census_income"][0]
    assert (champion["arm"], champion["version"], champion["percent"]) == ("champion", 1, 100)
    source = deployed.lake.table("census_income/source").latest()
    assert source is not None
    assert champion["made_from"]["census_income/source"] == source.reference


def test_a_second_walk_changes_nothing(deployed: Home):
    before = {name: deployed.lake.table(name).latest() for name in deployed.lake.tables()}
    assert deployed.materialize().returncode == 0
    assert {name: deployed.lake.table(name).latest() for name in deployed.lake.tables()} == before


def test_dg_launch_materialises_too(deployed: Home):
    done = deployed.run("dg", "launch", "--assets", 'key:"census_income/evaluation"')
    assert done.returncode == 0, done.stderr


def test_an_impossible_threshold_stops_the_walk_with_an_exit_code_and_an_alert(
    walked_home: Home,
):
    home = walked_home
    released = ("gate_verdict", "registered_model", "deployment")
    before = {noun: home.lake.table(f"census_income/{noun}").latest() for noun in released}
    change(home.pipeline, model_gates__performance__metrics__accuracy__minimum=0.999)
    assert home.materialize().returncode != 0
    assert "accuracy" in (home.folder / "state" / "alerts.jsonl").read_text()
    # Later, alone, with an empty Dagster database: the lake still says no.
    assert home.materialize('key:"census_income/deployment"').returncode != 0
    assert {noun: home.lake.table(f"census_income/{noun}").latest() for noun in released} == before


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model__epoch": 3}, "defs.yaml: attributes.model.epoch: no such field"),
        ({"groups": ["gender"]}, "groups names the column 'gender'"),
    ],
)
def test_a_wrong_spec_is_one_line(new_home: Callable[..., Home], changes: dict, says: str):
    command = new_home(**changes).run("mlplatform", "status")
    assert command.returncode == 1
    assert says in one_line(command.stderr)


def test_a_wrong_spec_is_one_line_to_dagster_too(new_home: Callable[..., Home]):
    command = new_home(model__epoch=3).materialize()
    assert command.returncode == 1
    assert "defs.yaml: attributes.model.epoch: no such field" in one_line(command.stderr)


def test_an_unknown_executor_is_one_line(new_home: Callable[..., Home]):
    done = new_home().materialize(MLPLATFORM_EXECUTOR="ray")
    assert done.returncode == 1
    assert "MLPLATFORM_EXECUTOR is 'ray'" in one_line(done.stderr)


def test_bad_features_are_one_line(walked_home: Home):
    home = walked_home
    (home.pipeline / "features.py").write_text(
        "from mlplatform.features import FeatureSet, Numeric\n"
        "features = FeatureSet([Numeric('fnlwgt')])\n"
    )
    done = home.materialize()
    assert done.returncode == 1
    assert "feature 'fnlwgt' reads 'fnlwgt', which the spec leaves unused" in one_line(done.stderr)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: data.unlink(), "no such file"),
        (lambda data: data.write_bytes(data.read_bytes()[:2000]), "truncated"),
    ],
)
def test_a_spoilt_source_is_one_line_and_keeps_the_last_good_versions(
    walked_home: Home, spoil: Callable, says: str
):
    home = walked_home
    before = home.digests()
    spoil(home.pipeline / "data" / "adult.data.gz")
    done = home.run("mlplatform", "demo")
    assert done.returncode != 0
    errors = [line for line in done.stdout.splitlines() if line.strip().startswith("error: ")]
    assert len(errors) == 1, done.stdout
    assert "adult.data.gz" in errors[0]
    assert says in errors[0]
    assert home.digests() == before


def test_a_port_in_use_is_one_line(deployed: Home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = deployed.run("mlplatform", "serve", "census_income", "--port", port)
    assert done.returncode == 1
    assert port in one_line(done.stderr)


def test_a_lake_that_cannot_be_written_is_one_line(new_home: Callable[..., Home]):
    home = new_home()
    shutil.rmtree(home.folder / "state")
    (home.folder / "state").write_text("a file where a folder should be")
    done = home.run("mlplatform", "demo")
    assert done.returncode == 1
    assert "MLPLATFORM_HOME" in one_line(done.stderr)


def test_an_unreachable_mlflow_stops_no_training_but_the_registration(walked_home: Home):
    """The training logs are kept, and the next walk registers what was trained, with its run."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    home = walked_home
    before = home.digests()
    change(home.pipeline, model__seed=1)
    done = home.run("mlplatform", "demo", MLPLATFORM_MLFLOW_URI=address)
    assert done.returncode != 0
    errors = [line for line in done.stdout.splitlines() if line.strip().startswith("error: ")]
    assert len(errors) == 1, done.stdout
    assert address in errors[0]
    after = home.digests()
    assert {noun for noun in after if after[noun] != before[noun]} == {"model", "evaluation"}
    assert home.run("mlplatform", "tracking", "send", MLPLATFORM_MLFLOW_URI=address).returncode == 1
    again = home.materialize()
    assert again.returncode == 0, again.stderr[-3000:]
    assert home.digests() == after
    mlflow = client(f"sqlite:///{home.folder}/state/mlflow/mlflow.db")
    trained = mlflow.get_run(mlflow.get_model_version("census_income", "2").run_id)
    assert trained.data.tags["mlplatform.asset"] == "census_income/model"
    assert "MLflow has every training log" in home.run("mlplatform", "tracking", "send").stdout


def test_steps_in_processes_of_their_own_make_a_second_model_that_can_be_promoted(
    walked_home: Home,
):
    """New rows are landed and profiled, too, so every step of the walk has something to do."""
    home = walked_home
    rows = batch(home.folder / "march.csv", 4000, 600)
    assert home.run("mlplatform", "land", "census_income", str(rows)).returncode == 0
    change(home.pipeline, model__seed=1)
    done = home.materialize(MLPLATFORM_EXECUTOR="multiprocess")
    assert done.returncode == 0, done.stderr[-3000:]
    arms = json.loads(home.run("mlplatform", "status", "--json").stdout)["census_income"]
    assert [(a["arm"], a["version"], a["percent"]) for a in arms] == [
        ("champion", 1, 90.0),
        ("canary", 2, 10.0),
    ]
    assert home.run("mlplatform", "promote", "census_income").returncode == 0
    arms = json.loads(home.run("mlplatform", "status", "--json").stdout)["census_income"]
    assert [(a["arm"], a["version"]) for a in arms] == [("champion", 2)]
