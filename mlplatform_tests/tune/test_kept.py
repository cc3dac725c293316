"""A study that ended early goes on where it was, and ends as if it had not."""

import os
import signal

import optuna
import pytest

from mlplatform.errors import PreemptedError, TrainingError
from mlplatform.tune.around import Surroundings
from mlplatform.tune.storage import alone
from mlplatform.tune.study import search
from mlplatform_tests.tune import worker
from mlplatform_tests.tune.conftest import made, rows


class PowerError(Exception):
    """The power fails."""


def numbers(told):
    return [one.record.number for one in told]


def surroundings(folder, told, identity="people", until=None):
    def tell(progress):
        told.append(progress)
        if progress.record.number == until:
            raise PowerError

    return Surroundings(folder=folder / "studies", identity=identity, on_trial=tell)


@pytest.mark.parametrize("pruner", ["none", "successive_halving"])
def test_what_is_over_is_not_trained_again_and_the_rest_is_as_undisturbed(tmp_path, pruner):
    pipeline = made(tmp_path, 14, tuning={"pruner": pruner, "batch": 4})
    undisturbed = search(pipeline, rows())
    before, after = [], []
    with pytest.raises(PowerError):
        search(pipeline, rows(), surroundings(tmp_path, before, until=9))
    study = search(pipeline, rows(), surroundings(tmp_path, after))
    assert study.trials.equals(undisturbed.trials)
    assert study.best == undisturbed.best
    again = set(numbers(before)) & set(numbers(after))
    assert again <= ({8, 9, 10, 11} if pruner != "none" else set())  # Of the batch cut in two.
    assert study.notes == (f"going on with a study of which {min(numbers(after))} trials are over",)


def test_a_study_that_is_over_is_read(tmp_path):
    told = []
    first = search(made(tmp_path, 4), rows(), surroundings(tmp_path, told))
    again = search(made(tmp_path, 4), rows(), surroundings(tmp_path, told))
    assert again.trials.equals(first.trials)
    assert numbers(told) == [0, 1, 2, 3]


def test_more_trials_go_on_with_the_same_study(tmp_path):
    told = []
    search(made(tmp_path, 3, tuning={"batch": 2}), rows(), surroundings(tmp_path, []))
    more = search(made(tmp_path, 7, tuning={"batch": 2}), rows(), surroundings(tmp_path, told))
    assert numbers(told) == [3, 4, 5, 6]
    assert more.trials.equals(search(made(tmp_path, 7, tuning={"batch": 2}), rows()).trials)


@pytest.mark.parametrize(
    "changes", [{"tuning": {"seed": 1}}, {"model": {"hidden": [4], "epochs": 3}}, {}]
)
def test_another_recipe_is_another_study(tmp_path, changes):
    told = []
    search(made(tmp_path, 2), rows(), surroundings(tmp_path, []))
    identity = "people" if changes else "other rows"
    search(made(tmp_path, 2, **changes), rows(), surroundings(tmp_path, told, identity))
    assert numbers(told) == [0, 1]


def test_trials_are_kept_where_optuna_finds_them(tmp_path):
    study = search(made(tmp_path, 3), rows(), surroundings(tmp_path, []))
    url = f"sqlite:///{tmp_path}/studies/people.db"
    (name,) = optuna.get_all_study_names(url)
    stored = optuna.load_study(study_name=name, storage=url)
    searched = ["learning_rate", "weight_decay", "dropout"]
    assert [trial.params for trial in stored.trials] == study.trials.select(searched).to_pylist()
    assert stored.best_trial.number == study.best_trial


def test_two_processes_do_not_run_one_study(tmp_path):
    search(made(tmp_path, 1), rows(), surroundings(tmp_path, []))
    (name,) = optuna.get_all_study_names(f"sqlite:///{tmp_path}/studies/people.db")
    with (
        alone(tmp_path / "studies", name),
        pytest.raises(TrainingError, match="another process is at this study; wait for it, or le"),
    ):
        search(made(tmp_path, 1), rows(), surroundings(tmp_path, []))


def test_a_kept_study_of_other_trials_is_refused(tmp_path):
    """As another version of a sampler would ask for; the name holds only what can be known."""
    search(made(tmp_path, 1), rows(), surroundings(tmp_path, []))
    url = f"sqlite:///{tmp_path}/studies/people.db"
    (name,) = optuna.get_all_study_names(url)
    (trial,) = optuna.load_study(study_name=name, storage=url).trials
    optuna.delete_study(study_name=name, storage=url)
    trial.params["dropout"] /= 2
    optuna.create_study(study_name=name, storage=url).add_trial(trial)
    with pytest.raises(
        TrainingError, match=r"trial 0 was kept with .*; remove the kept study to b"
    ):
        search(made(tmp_path, 1), rows(), surroundings(tmp_path, []))


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/x.db", "nonsense://u:hunter2@host/x"])
def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(tmp_path, url):
    around = Surroundings(identity="people", secret=lambda name: url)
    pipeline = made(tmp_path, 1, tuning={"storage": "env:STUDIES"})
    with pytest.raises(TrainingError, match="the study's storage cannot be used: ") as caught:
        search(pipeline, rows(), around)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_variable_that_is_not_set_is_named(tmp_path):
    pipeline = made(tmp_path, 1, tuning={"storage": "env:STUDIES"})
    with pytest.raises(TrainingError, match="the environment variable STUDIES, which is not set"):
        search(pipeline, rows())


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_table(tmp_path, processes):
    undisturbed = processes.start(tmp_path / "whole", "sqlite", 10)
    killed = processes.start(tmp_path / "killed", "sqlite", 10)
    for _ in range(6):
        killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    resumed = processes.start(tmp_path / "killed", "sqlite", 10)
    said, complaint = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, complaint
    *trials, over = said.splitlines()
    assert 0 < len(trials) <= 5
    assert over == undisturbed.communicate(timeout=300)[0].splitlines()[-1]


@pytest.mark.slow
def test_two_processes_share_a_study_and_each_trial_is_claimed_once(tmp_path, processes):
    both = [processes.start(tmp_path, "journal:people.log", 13) for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    trained = [line.split()[1] for said, _ in outputs for line in said.splitlines()[:-1]]
    assert sorted(map(int, trained)) == list(range(13))
    assert all(len(said.splitlines()) > 1 for said, _ in outputs)
    first, second = (said.splitlines()[-1] for said, _ in outputs)
    assert first == second
    assert len(first.split()) == 3 + 13


@pytest.mark.slow
def test_the_trials_of_a_killed_process_are_tried_by_another(tmp_path, processes, monkeypatch):
    monkeypatch.setattr("mlplatform.tune.shared.GONE_SECONDS", 8.0)
    killed = processes.start(tmp_path, "journal:people.log", 6)
    killed.stdout.readline()
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    pipeline = made(
        tmp_path, 6, model=worker.MODEL, tuning={"storage": "journal:people.log", "batch": 4}
    )
    study = search(pipeline, rows(), surroundings(tmp_path, []))
    assert study.trials.num_rows == 6
    assert set(study.trials["state"].to_pylist()) == {"complete"}
    assert "which sees whose trials is chance" in study.notes[0]


def test_a_process_that_ends_leaves_its_trials_to_others(tmp_path):
    pipeline = made(tmp_path, 6, tuning={"storage": "journal:people.log", "batch": 4})
    with pytest.raises(PowerError):
        search(pipeline, rows(), surroundings(tmp_path, [], until=1))
    told = []
    study = search(pipeline, rows(), surroundings(tmp_path, told))
    assert study.trials.num_rows == 6
    assert len(told) == 4


def test_a_process_that_is_asked_to_end_does_so_between_epochs_and_goes_on(tmp_path):
    def ask_to_end(progress):
        if progress.record.number == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    pipeline = made(tmp_path, 5, tuning={"batch": 2})
    around = Surroundings(folder=tmp_path / "studies", identity="people", on_trial=ask_to_end)
    with pytest.raises(PreemptedError, match="asked to end after 3 of 5 trials; run the same comm"):
        search(pipeline, rows(), around)
    told = []
    study = search(pipeline, rows(), surroundings(tmp_path, told))
    assert numbers(told) == [3, 4]
    assert study.trials.equals(search(pipeline, rows()).trials)
    with pytest.raises(PreemptedError, match="asked to end after 3 of 5 trials; nothing is kept"):
        search(pipeline, rows(), Surroundings(on_trial=ask_to_end))
