"""A change remakes what it decides, and nothing else; MLflow follows the lake."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest

from mlplatform.cli.release import promote_canary
from mlplatform.registry.mlflow_index import MlflowIndex
from mlplatform_tests.assets.conftest import Walk
from mlplatform_tests.small import change


def remade(result: dg.ExecuteInProcessResult) -> set[str]:
    """Return the nouns whose content was made anew."""
    return {
        event.asset_key.path[-1]
        for event in result.get_asset_materialization_events()
        if event.asset_key
        and not event.step_materialization_data.materialization.metadata["reused"].value
    }


@pytest.fixture(scope="module")
def walk(walked_to: Callable[..., Walk]) -> Walk:
    """A walk to its end, that the tests of this module change in turn."""
    return walked_to("deployment")


def test_a_trigger_a_tuning_range_and_a_gpu_decide_no_content(walk: Walk):
    change(walk.folder, triggers__volume__min_rows=700, tuning__seed=3, model__gpu=True)
    result = walk.run()
    assert result.success
    assert remade(result) == set()


def test_a_gates_limit_remakes_the_verdict_alone(walk: Walk):
    change(walk.folder, model_gates__performance__metrics__accuracy__minimum=0.77)
    result = walk.run()
    assert result.success
    assert remade(result) == {"gate_verdict"}


def test_another_seed_makes_another_model_and_what_follows_from_it(walk: Walk):
    change(walk.folder, model__seed=1)
    result = walk.run()
    assert result.success
    assert remade(result) == {
        *("model", "evaluation", "gate_verdict", "registered_model", "deployment"),
    }
    aliases = MlflowIndex(walk.settings.mlflow_uri).aliases("census_income")
    assert aliases == {"champion": "1", "challenger": "2"}


def test_each_walk_is_a_run_in_mlflow_with_a_child_for_each_asset_that_logs(walk: Walk):
    from mlplatform.registry.backend import client

    tracking = client(walk.settings.mlflow_uri)
    experiment = tracking.get_experiment_by_name("census_income")
    assert experiment is not None
    runs = tracking.search_runs([experiment.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    parents = {run.info.run_id for run in runs} - {run.info.run_id for run in children}
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == parents
    names = sorted(run.data.tags["mlplatform.asset"] for run in children)
    assert names == ["census_income/evaluation"] * 2 + ["census_income/model"] * 2
    assert {run.info.status for run in runs} == {"FINISHED"}
    evaluated = [
        run for run in children if run.data.tags["mlplatform.asset"].endswith("evaluation")
    ]
    assert all(0.5 < run.data.metrics["test/auc"] <= 1 for run in evaluated)


def test_mlflow_follows_a_promotion(walk: Walk):
    promote_canary(walk.settings, "census_income", "test")
    index = MlflowIndex(walk.settings.mlflow_uri)
    assert index.aliases("census_income") == {"champion": "2", "previous": "1"}


def test_what_mlflow_missed_while_it_was_away_is_made_up_for_by_the_next_walk(walk: Walk):
    from mlplatform.cli.release import roll_back

    away = replace(walk.settings, mlflow_uri="http://127.0.0.1:9")
    roll_back(away, "census_income", "test")
    index = MlflowIndex(walk.settings.mlflow_uri)
    assert index.aliases("census_income")["champion"] == "2"
    assert walk.run().success
    assert index.aliases("census_income")["champion"] == "1"


def test_one_check_alone_can_be_asked(walk: Walk):
    key = dg.AssetCheckKey(dg.AssetKey(["census_income", "dataset"]), "row_count")
    selection = dg.AssetSelection.checks(key)
    job = dg.define_asset_job("one_check", selection=selection)
    definitions = dg.Definitions.merge(walk.definitions(), dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("one_check").execute_in_process(instance=instance)
    said = [e.check_name for e in result.get_asset_check_evaluations()]
    assert said == ["row_count"]
