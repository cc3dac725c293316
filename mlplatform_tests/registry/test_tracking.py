"""Training logs: what an asset says is kept first, and reaches MLflow once, nested and whole."""

import contextlib
import json

import pytest

from mlplatform.errors import RegistryError
from mlplatform.registry import runs, spool
from mlplatform.registry.outbox import Subject
from mlplatform.registry.tracking import RunLog, tracked

AT_MS = 1_767_225_600_000  # 2026-01-01


def say_everything(run: RunLog) -> None:
    run.params({"learning_rate": 0.001, "mlp": {"hidden": [128, 64], "ema": {"decay": 0.9}}})
    run.inputs([("census/features", "3:9f86d081884c7d65")])
    run.points(("loss", 1 / (step + 1), AT_MS + step, step) for step in range(3))
    run.tags({"mlplatform.model_digest": "abc"})
    run.artifact("reports/card.json", b"{}")


def test_the_run_is_nested_below_the_orchestrators_with_everything_it_was_told(home):
    with home.tracked() as run:
        say_everything(run)
    found = home.runs()
    model, parent = found["census/model"], found["walk"]
    assert parent.data.tags["dagster_run_id"] == "d4g5"
    assert model.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert model.data.tags[runs.LOG] == run.identity == "d4g5/census/model"
    assert model.data.params == {
        "learning_rate": "0.001", "mlp.hidden": "[128, 64]", "mlp.ema.decay": "0.9",
    }  # fmt: skip
    assert home.points("loss") == [(0, 1.0, AT_MS), (1, 0.5, AT_MS + 1), (2, 1 / 3, AT_MS + 2)]
    assert model.data.tags["mlplatform.data.census/features"] == "3:9f86d081884c7d65"
    read = model.inputs.dataset_inputs[0]
    assert (read.dataset.name, read.dataset.digest) == ("census/features", "3:9f86d081884c7d65")
    assert read.tags[0].value == "training"
    kept = home.client.list_artifacts(model.info.run_id, "reports")
    assert [each.path for each in kept] == ["reports/card.json"]
    assert {model.info.status, parent.info.status} == {"FINISHED"}
    assert home.said == []
    assert home.outbox.waiting() == []


def test_a_log_that_is_sent_again_changes_nothing(home):
    with home.tracked() as run:
        say_everything(run)
        with run.child("trial 0") as trial:
            trial.metrics({"auc": 0.9})
    before = {name: (run.data.to_dictionary(), run.inputs) for name, run in home.runs().items()}
    points = home.points("loss"), home.points("auc", "trial 0")
    for _ in range(2):
        assert home.send(everything=True) == ["census/model of run d4g5: sent"]
    after = {name: (run.data.to_dictionary(), run.inputs) for name, run in home.runs().items()}
    assert [pair[0] for pair in after.values()] == [pair[0] for pair in before.values()]
    assert len(home.runs()["census/model"].inputs.dataset_inputs) == 1
    assert (home.points("loss"), home.points("auc", "trial 0")) == points


def test_mlflow_that_is_away_is_one_warning_and_the_log_is_sent_by_the_next_asset(
    home, closed_port
):
    away = home.at(closed_port)
    with away.tracked() as run:
        say_everything(run)
    assert len(home.said) == 1
    assert "cannot be reached" in home.said[0]
    assert home.said[0].endswith("or by `mlplatform tracking send`")
    assert len(home.outbox.waiting()) == 1
    other = Subject(experiment=home.subject.experiment, asset="census/evaluation", run_id="d4g5")
    with tracked(home.outbox, other, home.said.append) as run:
        run.metrics({"auc": 0.9})
    assert len(home.said) == 1
    assert home.outbox.waiting() == []
    found = home.runs()
    assert len(found) == 3
    assert [step for step, _, _ in home.points("loss")] == [0, 1, 2]
    parents = {run.data.tags.get(runs.PARENT) for run in found.values()}
    assert len(parents - {None}) == 1


def test_a_retried_step_goes_on_with_its_run_and_says_nothing_twice(home):
    with contextlib.suppress(ZeroDivisionError), home.tracked() as run:
        run.params({"epochs": 2})
        run.history({"loss": [0.5]})
        raise ZeroDivisionError
    assert home.runs()["census/model"].info.status == "FAILED"
    with home.tracked() as run:
        run.params({"epochs": 3})
        run.history({"loss": [0.5, 0.4]})
    kept = home.runs()["census/model"]
    assert [(step, value) for step, value, _ in home.points("loss")] == [(0, 0.5), (1, 0.4)]
    assert kept.info.status == "FINISHED"
    assert kept.data.params == {"epochs": "2"}
    assert kept.data.tags["mlplatform.changed.epochs"] == "3"


def test_a_hundred_trials_arrive_each_with_its_parameters_and_its_end(home):
    with home.tracked() as run:
        for number in range(100):
            with run.child(f"trial {number}") as trial:
                trial.params({"width": number})
                trial.history({"auc": [0.8, 0.9]}, first_step=1)
                if number % 2:
                    trial.tags({"state": "pruned"})
                    trial.end("KILLED")
    found = home.runs()
    assert len(found) == 102
    assert found["trial 7"].data.tags[runs.PARENT] == found["census/model"].info.run_id
    assert found["trial 7"].data.params == {"width": "7"}
    statuses = [found[f"trial {number}"].info.status for number in (6, 7)]
    assert statuses == ["FINISHED", "KILLED"]


def test_numbers_that_are_none_and_names_that_mlflow_refuses_are_kept(home):
    with home.tracked() as run:
        run.metrics({"loss": float("nan"), "recall (>50K)": 0.5})
        run.params({"../up": 1, "long": "x" * 9000})
    kept = home.runs()["census/model"].data
    assert kept.metrics["loss"] != kept.metrics["loss"]
    assert kept.metrics["recall __50K_"] == 0.5
    assert kept.params["up"] == "1"
    assert len(kept.params["long"]) == 6000


def test_what_mlflow_will_not_have_is_set_aside_and_the_rest_arrives(home):
    with home.tracked() as run:
        run.params({"epochs": 2})
    with home.tracked() as run:
        run._notes.say("", "params", {"epochs": "3", "width": "8"})  # As no log of ours says it.
    assert home.runs()["census/model"].data.params == {"epochs": "2", "width": "8"}
    refused = home.outbox.logs()[0] / "refused.jsonl"
    assert json.loads(refused.read_text())["value"] == {"key": "epochs", "value": "3"}
    assert home.said[0].startswith("MLflow refused 1 values")


def test_an_interrupted_run_is_killed_and_sent_later(home):
    with pytest.raises(KeyboardInterrupt), home.tracked():
        raise KeyboardInterrupt
    assert len(home.outbox.waiting()) == 1
    assert home.send() == ["census/model of run d4g5: sent"]
    assert home.runs()["census/model"].info.status == "KILLED"


def test_a_log_that_somebody_writes_is_left_to_him(home, monkeypatch):
    monkeypatch.setattr(spool, "LOCK_SECONDS", 0)
    with home.tracked():
        assert "another process writes it" in home.send()[0]
        with pytest.raises(RegistryError, match="another process writes it"):
            spool.locked(home.outbox.logs()[0], wait_seconds=0)


def test_logs_that_cannot_be_kept_are_one_line(home):
    home.outbox.folder.write_text("in the way")
    with (
        pytest.raises(RegistryError, match="the training log cannot be kept here"),
        home.tracked(),
    ):
        pass


def test_delivered_logs_are_forgotten_after_a_month(home, monkeypatch):
    from mlplatform.registry import outbox

    with home.tracked():
        pass
    home.send()
    assert len(home.outbox.logs()) == 1
    monkeypatch.setattr(outbox, "KEPT_DAYS", -1)
    home.send()
    assert home.outbox.logs() == []
