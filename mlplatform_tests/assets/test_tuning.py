"""The study is off by default; one setting turns it on, and the model is trained as it found best."""

import json
from collections.abc import Callable

from mlplatform.lake import Lake
from mlplatform_tests.assets.conftest import Walk, materialised


def hyperparameters(lake: Lake) -> dict[str, float]:
    row = lake.table("census_income/model").read().to_pylist()[0]
    found: dict[str, float] = json.loads(row["hyperparameters"])
    return found


def test_without_trials_there_is_no_study(walked: Walk):
    assert not walked.lake.table("census_income/study").exists()


def test_with_trials_the_model_is_trained_as_the_study_found_best(new_walk: Callable[..., Walk]):
    walk = new_walk(tuning__trials=2)
    result = walk.run()
    assert result.success
    assert "study" in materialised(result)
    study = walk.lake.table("census_income/study").latest()
    assert study is not None
    assert study.rows == 2
    best = json.loads(study.lineage.facts["best"])
    used = hyperparameters(walk.lake)
    assert {name: used[name] for name in best} == best
    assert used["learning_rate"] != walk.pipeline.spec.model.learning_rate
