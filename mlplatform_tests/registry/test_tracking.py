"""Training runs: nested, found again on retry, logged in batches."""

import contextlib

import pytest

from mlplatform.errors import RegistryError
from mlplatform.registry import backend, tracking


@pytest.fixture
def parent(store, tmp_path):
    """Return a store and the id of an orchestrator's run in it."""
    experiment = tracking.ensure_experiment(store, tmp_path.name, str(tmp_path / "files"))
    return store, backend.client(store).create_run(experiment).info.run_id


def test_the_child_is_nested_below_its_parent_and_named_after_its_asset(parent):
    with tracking.child_run(*parent, "census_income/model") as run:
        run.params({"learning_rate": 0.001, "hidden": [128, 64]})
        run.metrics({"auc": 0.91})
        run.tags({"mlplatform.digest": "abc"})
        run.artifact("report.html", b"<p>fine</p>")
    kept = run.client.get_run(run.run_id)
    assert kept.data.tags["mlflow.parentRunId"] == parent[1]
    assert kept.info.run_name == "census_income/model"
    assert kept.data.params == {"learning_rate": "0.001", "hidden": "[128, 64]"}
    assert kept.data.metrics == {"auc": 0.91}
    assert kept.info.status == "FINISHED"
    assert [each.path for each in run.client.list_artifacts(run.run_id)] == ["report.html"]


def test_a_retried_step_finds_its_child_and_logs_nothing_twice(parent):
    def fail(run):
        run.params({"epochs": 2})
        run.history({"loss": [0.5, 0.4]})
        raise ZeroDivisionError

    with (
        contextlib.suppress(ZeroDivisionError),
        tracking.child_run(*parent, "census_income/model") as first,
    ):
        fail(first)
    assert first.client.get_run(first.run_id).info.status == "FAILED"
    with tracking.child_run(*parent, "census_income/model") as second:
        second.params({"epochs": 2})
        second.history({"loss": [0.5, 0.4]})
    assert second.run_id == first.run_id
    points = second.client.get_metric_history(second.run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(0, 0.5), (1, 0.4)]
    assert second.client.get_run(second.run_id).info.status == "FINISHED"


def test_two_assets_of_one_run_have_two_children(parent):
    model = tracking.open_child(*parent, "census_income/model")
    evaluation = tracking.open_child(*parent, "census_income/evaluation")
    assert model.run_id != evaluation.run_id


def test_more_points_and_parameters_than_a_batch_holds_all_arrive(parent):
    run = tracking.open_child(*parent, "census_income/long")
    run.history({"loss": [float(n) for n in range(1500)]})
    run.params({f"p{n}": n for n in range(150)})
    assert len(run.client.get_metric_history(run.run_id, "loss")) == 1500
    assert len(run.client.get_run(run.run_id).data.params) == 150


def test_an_experiment_is_made_once_with_its_files_where_they_were_asked_for(store, tmp_path):
    files = str(tmp_path / "files")
    first = tracking.ensure_experiment(store, "made-once", files)
    assert tracking.ensure_experiment(store, "made-once", files) == first
    assert backend.client(store).get_experiment(first).artifact_location == files


def test_an_unknown_parent_is_one_line(store):
    with pytest.raises(RegistryError, match="0000"):
        tracking.open_child(store, "0" * 32, "census_income/model")
