"""dagster-mlflow's run of a Dagster run is the parent of what its assets log, whoever was first to make it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from mlplatform.registry import backend, live
from mlplatform.spec import Pipeline, load_pipeline
from mlplatform_tests.small import small_pipeline
from resources import MlflowResource

if TYPE_CHECKING:
    from mlflow.entities import Run

AWAY = "http://127.0.0.1:9"  # The discard port: nothing listens there.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Pipeline:
    return load_pipeline(small_pipeline(folder))


def resource(folder: Path, logs: Path, uri: str = "") -> MlflowResource:
    return MlflowResource(
        tracking_uri=uri or f"sqlite:///{folder}/mlflow.db",
        artifacts=str(folder / "files"),
        logs=str(logs),
    )


def run(mlflow: MlflowResource, *steps: Callable[[MlflowResource], None]) -> str:
    """Run an asset for each step in one Dagster run, and return that run's id."""

    def asset(step: Callable[[MlflowResource], None]) -> dg.AssetsDefinition:
        @dg.asset(name=step.__name__)
        def compute(mlflow: MlflowResource) -> None:
            step(mlflow)

        return compute

    done = dg.materialize([asset(step) for step in steps], resources={"mlflow": mlflow})
    return done.run_id


def runs(folder: Path, dagster_run: str) -> "tuple[Run, list[Run]]":
    """Return the only run of a Dagster run, and what is below it."""
    client = backend.client(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("census_income")
    assert experiment is not None
    found = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in found if run.data.tags.get("dagster_run_id") == dagster_run]
    below = [run for run in found if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return parent, below


def test_assets_of_one_dagster_run_log_below_the_run_of_dagster_mlflow(
    folder: Path, pipeline: Pipeline, tmp_path: Path
):
    def model(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "model") as log:
            log.metrics({"loss": 0.5})

    def evaluation(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "evaluation") as log:
            log.metrics({"auc": 0.9})

    parent, below = runs(folder, run(resource(folder, tmp_path), model, evaluation))
    assert parent.info.run_name == "__ephemeral_asset_job__"
    names = {each.info.run_name for each in below}
    assert names == {"census_income/model", "census_income/evaluation"}
    assert {each.info.status for each in (parent, *below)} == {"FINISHED"}
    assert parent.info.artifact_uri.startswith(str(folder / "files"))


def test_a_long_training_is_shown_while_it_goes_on(
    folder: Path, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The thread that sends opens dagster-mlflow's run, too."""
    monkeypatch.setattr(live, "FIRST_SECONDS", 0.01)

    def model(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "model") as log:
            log.metrics({"loss": 0.5}, step=0)
            outbox = mlflow.outbox()
            while outbox.logs()[0].joinpath("sent.json").exists() is False:
                pass
            log.metrics({"loss": 0.4}, step=1)

    parent, (below,) = runs(folder, run(resource(folder, tmp_path), model))
    assert below.data.metrics == {"loss": 0.4}
    assert parent.info.status == "FINISHED"


def test_a_run_that_was_sent_later_is_the_one_dagster_mlflow_finds(
    folder: Path, pipeline: Pipeline, tmp_path: Path
):
    there = resource(folder, tmp_path)

    def model(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "model") as log:
            log.metrics({"loss": 0.5})
        assert len(list(there.outbox().send())) == 1

    def evaluation(mlflow: MlflowResource) -> None:
        back = mlflow.model_copy(update={"tracking_uri": there.tracking_uri})
        back._context = mlflow._context
        with back.tracked(pipeline, "evaluation") as log:
            log.metrics({"auc": 0.9})

    _, below = runs(folder, run(resource(folder, tmp_path, AWAY), model, evaluation))
    assert len(below) == 2


def test_mlflow_that_is_away_is_one_warning_in_the_log_of_the_dagster_run(
    folder: Path, pipeline: Pipeline, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    def model(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "model") as log:
            log.metrics({"loss": 0.5})

    run(resource(folder, tmp_path, AWAY), model)
    said = capfd.readouterr().err
    assert said.count("mlplatform tracking send") == 1
    assert f"MLflow at {AWAY} cannot be reached" in said
    there = resource(folder, tmp_path)
    assert len(list(there.outbox().send())) == 1


def test_an_asset_that_fails_is_failed_in_mlflow(folder: Path, pipeline: Pipeline, tmp_path: Path):
    def model(mlflow: MlflowResource) -> None:
        with mlflow.tracked(pipeline, "model"):
            raise ZeroDivisionError

    with dg.DagsterInstance.ephemeral() as instance:

        @dg.asset
        def fails(mlflow: MlflowResource) -> None:
            model(mlflow)

        done = dg.materialize(
            [fails],
            resources={"mlflow": resource(folder, tmp_path)},
            instance=instance,
            raise_on_error=False,
        )
    parent, (below,) = runs(folder, done.run_id)
    assert (parent.info.status, below.info.status) == ("FAILED", "FAILED")
