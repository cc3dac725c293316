"""The study is off by default; one setting turns it on, and the model is trained as it found best."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest

from mlplatform.lake import Lake
from mlplatform_tests.assets.conftest import Walk, materialised
from mlplatform_tests.small import change

INLINE = 1000  # Characters of Markdown above which Dagster shows a picture only after a click.


def hyperparameters(lake: Lake) -> dict[str, Any]:
    row = lake.table("census_income/model").read().to_pylist()[0]
    found: dict[str, Any] = json.loads(row["hyperparameters"])
    return found


@pytest.fixture(scope="module")
def tuned(new_walk: Callable[..., Walk]) -> tuple[Walk, dg.ExecuteInProcessResult]:
    """A walk with a study of three trials, of which the model is the best."""
    walk = new_walk(tuning={"trials": 3, "metric": "auc"}, model__epochs=2)
    return walk, walk.run()


def test_without_trials_there_is_no_study(walked: Walk):
    assert not walked.lake.table("census_income/study").exists()


def test_with_trials_the_model_is_trained_as_the_study_found_best(tuned):
    walk, result = tuned
    assert result.success
    assert "study" in materialised(result)
    study = walk.lake.table("census_income/study").latest()
    assert study is not None
    rows = walk.lake.table("census_income/study").read(study).to_pylist()
    best = max(rows, key=lambda row: row["validation_auc"])
    used = hyperparameters(walk.lake)
    assert used == json.loads(study.lineage.facts["best"])
    for name in ("learning_rate", "weight_decay", "dropout"):
        assert used[name] == best[name]
    model = walk.lake.table("census_income/model").read().to_pylist()[0]
    assert model["validation_auc"] == best["validation_auc"]

    (event,) = result.asset_materializations_for_node("census_income__study")
    shown = event.metadata
    for name in ("history", "importances", "settings"):
        assert len(shown[name].value) < INLINE
    assert shown["best_trial"].value == best["trial"]
    page = walk.lake.artifacts.open(study.lineage.facts["report"]).read("study.html")
    assert b"Optimisation history" in page
    assert list(walk.settings.studies.glob("census_income.db"))


def in_mlflow(walk: Walk) -> tuple[Any, dict[str, Any]]:
    """Return the newest run of the study, and the runs of its trials by name."""
    from mlplatform.registry.backend import client

    tracking = client(walk.settings.mlflow_uri)
    experiment = tracking.get_experiment_by_name("census_income")
    assert experiment is not None
    runs = tracking.search_runs([experiment.experiment_id], order_by=["start_time DESC"])
    study = next(r for r in runs if r.data.tags.get("mlplatform.asset") == "census_income/study")
    above = study.info.run_id
    trials = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == above]
    return study, {run.info.run_name: run for run in trials}


def test_mlflow_has_a_run_for_each_trial_and_how_busy_the_machine_was(tuned):
    walk, _ = tuned
    study, trials = in_mlflow(walk)
    assert "system/cpu_utilization_percentage" in study.data.metrics
    rows = walk.lake.table("census_income/study").read().to_pylist()
    assert sorted(trials) == [f"trial {row['trial']}" for row in rows]
    for row in rows:
        trial = trials[f"trial {row['trial']}"].data
        assert trial.tags["mlplatform.state"] == "complete"
        assert trial.params["dropout"] == str(row["dropout"])
        assert trial.metrics["best_epoch_auc"] == row["validation_auc"]


def test_an_equal_study_is_not_made_again(tuned):
    walk, _ = tuned
    before = walk.lake.table("census_income/study").latest()
    assert walk.run("study").success
    assert walk.lake.table("census_income/study").latest() == before


def test_a_study_that_goes_on_has_all_its_trials_below_its_new_run(tuned):
    walk, _ = tuned
    before, _ = in_mlflow(walk)
    change(walk.folder, tuning__trials=4)
    assert walk.run("study").success
    study, trials = in_mlflow(walk)
    assert study.info.run_id != before.info.run_id
    assert sorted(trials) == [f"trial {number}" for number in range(4)]
    assert {run.info.status for run in trials.values()} == {"FINISHED"}


def test_a_study_that_its_budget_cuts_leaves_the_model_the_rest_and_is_not_released_unseen(tuned):
    walk, _ = tuned
    study = walk.lake.table("census_income/study").latest()
    assert study is not None
    used = int(json.loads(study.lineage.facts["spent"])["steps"])
    epoch = used // 8  # Four trials of two epochs.
    limit = used + epoch + epoch // 2
    change(walk.folder, tuning__trials=6, budget={"steps": limit})
    result = walk.run("study", "model")
    assert "model" in materialised(result)
    row = walk.lake.table("census_income/model").read().to_pylist()[0]
    assert row["steps"] == epoch // 2
    verdict = walk.said("model")["budget"]
    assert not verdict.passed
    assert f"study: budget.steps of {limit:,} reached; model: budget.steps of" in verdict.because
    assert verdict.observed == 1.0
