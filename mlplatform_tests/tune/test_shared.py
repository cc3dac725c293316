"""A process that is wrongly taken for gone loses its trials, and not its way."""

import optuna
from optuna.storages.journal import JournalFileBackend

from mlplatform.spec.space import space_of
from mlplatform.train.budget import Spent
from mlplatform.tune import engine, shared
from mlplatform.tune.around import Surroundings
from mlplatform.tune.attempt import Attempt
from mlplatform.tune.shared import Shared
from mlplatform.tune.study import search
from mlplatform_tests.tune.conftest import made, rows

TUNING = {"storage": "journal:people.log", "batch": 4}
MODEL = {"hidden": [8], "epochs": 2, "batch_size": 64}


def ledger(folder, pipeline, notes) -> Shared:
    """A process at the study that is in the folder, or at a new one."""
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / "people.log")))
    (name,) = optuna.get_all_study_names(storage) or ("people",)
    study = optuna.create_study(study_name=name, storage=storage, load_if_exists=True)
    model, tuning = pipeline.spec.model, pipeline.spec.tuning
    space = engine.distributions(model, space_of(model, tuning))
    return Shared(study, space, tuning.trials, notes.append)


def take(other, monkeypatch) -> None:
    """Let another process take all others for gone."""
    with monkeypatch.context() as patched:
        patched.setattr(shared, "GONE_SECONDS", -60.0)
        assert other._give_up(other._living())


def attempt_of(pipeline, trial) -> Attempt:
    one = Attempt(trial=trial, model=pipeline.spec.model, metric="log_loss", loss="log_loss")
    one.history = {"validation_loss": [0.5]}
    return one


def test_trials_that_another_took_are_dropped_and_others_tried(tmp_path, monkeypatch):
    pipeline = made(tmp_path, 4, model=MODEL, tuning=TUNING)
    told = []

    def hear(progress):
        told.append(progress.record.number)
        if len(told) == 1:
            take(ledger(tmp_path, pipeline, []), monkeypatch)

    around = Surroundings(folder=tmp_path, identity="people", on_trial=hear)
    study = search(pipeline, rows(), around)
    assert told == study.trials["trial"].to_pylist() == [0, 4, 5, 6]
    assert set(study.trials["state"].to_pylist()) == {"complete"}
    dropped = [
        note for note in study.notes if "is dropped: no sign of life of this process" in note
    ]
    assert [note.split()[1] for note in dropped] == ["1", "2", "3"]


def test_what_another_took_is_known_at_the_next_report(tmp_path, monkeypatch):
    pipeline, notes = made(tmp_path, 2, model=MODEL, tuning=TUNING), []
    with ledger(tmp_path, pipeline, notes) as mine:
        ((trial, _),) = mine.ask(1)
        attempt = attempt_of(pipeline, trial)
        mine.report(attempt)
        assert not attempt.is_lost
        take(ledger(tmp_path, pipeline, []), monkeypatch)
        attempt.history["validation_loss"].append(0.4)
        mine.report(attempt)
        assert attempt.is_lost
        assert not attempt.is_cut
        mine.over(attempt, Spent(steps=5))
        assert len(notes) == 1
        (again,) = mine.ask(1)
        assert again[0].number == trial.number + 1


def test_a_process_that_ends_leaves_alone_what_another_took(tmp_path, monkeypatch):
    pipeline = made(tmp_path, 2, model=MODEL, tuning=TUNING)
    with ledger(tmp_path, pipeline, []) as mine:
        assert len(mine.ask(2)) == 2
        take(ledger(tmp_path, pipeline, []), monkeypatch)


def test_who_was_not_gone_keeps_a_trial_that_is_over(tmp_path, monkeypatch):
    """Another that looked a moment before takes nothing of it."""
    pipeline = made(tmp_path, 1, model=MODEL, tuning=TUNING)
    with ledger(tmp_path, pipeline, []) as mine:
        ((trial, _),) = mine.ask(1)
        other = ledger(tmp_path, pipeline, [])
        seen = other._living()
        attempt = attempt_of(pipeline, trial)
        attempt.complete({"log_loss": 0.5})
        mine.over(attempt, Spent(steps=5))
        monkeypatch.setattr(shared, "GONE_SECONDS", -60.0)
        other._give_up(seen)
        assert [record.state for record in other.records()] == ["complete"]
        assert other.others() == Spent(steps=5)


def test_a_storage_that_is_away_for_a_sign_of_life_is_noted_and_asked_again(tmp_path, monkeypatch):
    pipeline, notes = made(tmp_path, 1, model=MODEL, tuning=TUNING), []
    monkeypatch.setattr(shared, "SIGN_SECONDS", 0.01)
    mine = ledger(tmp_path, pipeline, notes)
    real, refused = mine._study.set_user_attr, []

    def away(name, value):
        if name == mine._worker and len(refused) < 3:
            refused.append(value)
            raise ConnectionError("postgresql://u:hunter2@host is away")
        real(name, value)

    with mine:
        ((trial, _),) = mine.ask(1)
        monkeypatch.setattr(mine._study, "set_user_attr", away)
        last = mine._study.user_attrs[mine._worker]
        while len(refused) < 3 or mine._study.user_attrs[mine._worker] == last:
            mine._done.wait(0.01)
        attempt = attempt_of(pipeline, trial)
        attempt.complete({"log_loss": 0.5})
        mine.over(attempt, Spent())
    assert notes == ["the study's storage did not take a sign of life: ConnectionError"]
