import optuna
import pytest

from benchmarks.quality import report
from benchmarks.quality.contenders import BLENDED, CONTENDERS
from benchmarks.quality.platform import EPOCHS, SPACES, asked, epochs_for
from mlplatform.spec.families import MODEL


@pytest.mark.parametrize("family", sorted(SPACES))
def test_every_proposal_is_a_model_that_a_spec_may_ask_for(family: str):
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    made = MODEL.validate_python(asked(family, SPACES[family](trial, 10_000), rows=10_000, seed=3))
    assert (made.family, made.seed) == (family, 3)


def test_a_blend_is_of_what_its_members_studies_found():
    found = {name: {"settings": {}} for name in BLENDED}
    blend = CONTENDERS["blend"](found)
    made = MODEL.validate_python(asked("blend", blend.defaults, rows=10_000, seed=1))
    assert set(made.members) == set(BLENDED)


def test_a_blend_without_studies_says_which_are_missing():
    with pytest.raises(SystemExit, match="gbdt, tabm, mlp; run them first"):
        CONTENDERS["blend"]({})


def test_networks_see_few_rows_more_often():
    assert [epochs_for(rows) for rows in (100, 30_000, 10**6)] == [EPOCHS[1], 15, EPOCHS[0]]


def test_losses_are_told_as_openly_as_wins():
    found = {
        "magic": {
            "lightgbm": {"test": {"test": {"auc": 0.9}}},
            "mlp": {"test": {"test": {"auc": 0.8}}},
        },
        "bikes": {
            "lightgbm": {"test": {"test": {"rmse": 31.0}}},
            "mlp": {"test": {"test": {"rmse": 30.0}}},
        },
    }
    said = report.summary(found)
    assert said["against_lightgbm"]["mlp"]["better"] == ["bikes test"]
    assert said["against_lightgbm"]["mlp"]["worse"] == ["magic test"]
    assert said["mean_rank"] == {"lightgbm": 1.5, "mlp": 1.5}
    assert "* lightgbm" in report.text(found)


def of_adult(
    *losses: float, seeds: tuple[float, ...] = (), auc: float = 0.93, accuracy: float = 0.88
) -> dict:
    """Return what is kept of a contender on Adult, by its trials' and its seeds' validation losses."""
    kept = {"validation_loss_of_seeds": list(seeds)} if seeds else {}
    test = {"test": {"auc": auc, "accuracy": accuracy}}
    return {"test": test, "validation_loss_of_trials": list(losses), **kept}


def test_a_goal_is_met_by_one_model_in_all_its_metrics():
    found = {
        "adult": {
            "lightgbm": of_adult(0.1),
            "mlp": of_adult(0.3, accuracy=0.86),
            "tabm": of_adult(0.2, auc=0.925, accuracy=0.871),
        }
    }
    goals = report.summary(found)["goals"]
    assert goals["adult_one_network"]["model"] == "tabm"
    assert goals["adult_one_network"]["met"]
    assert not goals["adult_best"]["met"]


def test_a_model_is_held_to_a_goal_for_its_validation_loss_and_not_for_its_test_rows():
    models = {"mlp": of_adult(0.5, 0.3, auc=0.99), "tabm": of_adult(0.4, 0.2, auc=0.8)}
    assert report.chosen(models) == ("tabm", "least validation loss")
    assert not report.summary({"adult": models})["goals"]["adult_one_network"]["met"]


def test_a_blend_is_chosen_by_its_loss_or_in_advance_where_none_was_kept():
    tabm = of_adult(0.2, seeds=(0.2, 0.1))
    assert report.chosen({"tabm": tabm, "blend": of_adult(seeds=(0.19, 0.3))})[0] == "blend"
    assert report.chosen({"tabm": tabm, "blend": of_adult(seeds=(0.21, 0.1))})[0] == "tabm"
    name, why = report.chosen({"tabm": tabm, "blend": of_adult()})
    assert name == "blend"
    assert "fixed in advance" in why
