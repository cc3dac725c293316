import optuna
import pytest

from mlplatform.errors import SpecError, TrainingError
from mlplatform.train import trainer
from mlplatform.train.fit import fit
from mlplatform.tune.study import SEARCHED, search
from mlplatform_tests.features import people


@pytest.fixture
def made(tmp_path):
    return people.pipeline(tmp_path, tuning={"trials": 12})


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return people.features(rows=300)


def test_a_study_replays_the_same_trials(made, table):
    encoder, features = table
    first = search(made, features, encoder)
    again = search(made, features, encoder)
    assert again.trials.equals(first.trials)
    assert again.best == first.best
    assert first.trials["trial"].to_pylist() == list(range(12))


def test_another_seed_tries_other_values(made, table, tmp_path):
    encoder, features = table
    other = people.pipeline(tmp_path, tuning={"trials": 2, "seed": 1})
    first = search(made, features, encoder).trials["learning_rate"].to_pylist()[:2]
    assert search(other, features, encoder).trials["learning_rate"].to_pylist() != first


@pytest.mark.parametrize(("metric", "best_of"), [("log_loss", min), ("auc", max)])
def test_the_best_model_is_the_one_of_the_best_trial(made, table, metric, best_of):
    encoder, features = table
    study = search(made, features, encoder, metric=metric)
    measured = study.trials[f"validation_{metric}"].to_pylist()
    row = study.trials.slice(measured.index(best_of(measured)), 1).to_pylist()[0]
    assert {name: getattr(study.best, name) for name in SEARCHED} == {n: row[n] for n in SEARCHED}
    assert study.best.model_copy(update=dict.fromkeys(SEARCHED, 0)) == made.spec.model.model_copy(
        update=dict.fromkeys(SEARCHED, 0)
    )
    assert fit(made, features, encoder, study.best).validation[metric] == best_of(measured)


def test_all_trials_share_one_compiled_program(made, table):
    encoder, features = table
    fit(made, features, encoder, made.spec.model)
    before = trainer.train._cache_size()
    search(made, features, encoder)
    assert trainer.train._cache_size() == before


def test_values_stay_in_their_ranges(tmp_path, table):
    encoder, features = table
    ranges = {"learning_rate": [1e-3, 2e-3], "weight_decay": [0, 1e-3], "dropout": [0.2, 0.2]}
    trials = search(
        people.pipeline(tmp_path, tuning={"trials": 5, **ranges}), features, encoder
    ).trials
    for name, (low, high) in ranges.items():
        assert all(low <= value <= high for value in trials[name].to_pylist())


def test_a_diverged_trial_is_a_row_and_not_the_end(tmp_path, table):
    """The sampler starts anywhere in the range, and most of this one diverges."""
    encoder, features = table
    made = people.pipeline(tmp_path, tuning={"trials": 8, "learning_rate": [1e-3, 1e30]})
    seen = []
    study = search(made, features, encoder, on_trial=lambda at, trained: seen.append(at))
    failures = study.trials["failure"].to_pylist()
    assert any(failure and "loss is" in failure for failure in failures)
    assert seen == [at for at, failure in enumerate(failures) if failure is None]
    assert study.best.learning_rate < 1e10


def test_a_study_in_which_every_trial_diverges_is_an_error(tmp_path, table):
    encoder, features = table
    made = people.pipeline(tmp_path, tuning={"trials": 2, "learning_rate": [1e25, 1e30]})
    with pytest.raises(TrainingError, match="people: every trial failed; the last: people: the tr"):
        search(made, features, encoder)


def test_trials_are_kept_in_the_storage_asked_for(made, table, tmp_path):
    encoder, features = table
    url = f"sqlite:///{tmp_path}/study.db"
    first = search(made, features, encoder, url)
    assert search(made, features, encoder, url).trials.equals(first.trials)
    stored = optuna.load_study(study_name="people", storage=url)
    assert [trial.params for trial in stored.trials] == first.trials.select(SEARCHED).to_pylist()


def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(made, table, tmp_path):
    encoder, features = table
    with pytest.raises(TrainingError, match="people: the study's storage cannot be used") as caught:
        search(made, features, encoder, f"sqlite:///{tmp_path}/no/such/folder/study.db")
    assert "\n" not in str(caught.value)
    with pytest.raises(TrainingError, match="storage cannot be used") as caught:
        search(made, features, encoder, "nonsense://user:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        ({"trials": 0}, r"defs.yaml: tuning.trials is 0"),
        ({"trials": 1, "learning_rate": [0.1, 0.01]}, r"tuning.learning_rate: \[0.1, 0.01\] holds"),
        ({"trials": 1, "learning_rate": [0, 0.01]}, "tuning.learning_rate: its lower end must be"),
        ({"trials": 1, "weight_decay": [-1, 0.01]}, r"tuning.weight_decay: \[-1, 0.01\] holds no"),
    ],
)
def test_a_space_with_nothing_in_it_is_refused(tmp_path, table, tuning, said):
    encoder, features = table
    with pytest.raises(SpecError, match=said):
        search(people.pipeline(tmp_path, tuning=tuning), features, encoder)
