"""Fitting trees: as LightGBM alone would, the same every time, and with an end that says why."""

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import lightgbm as lgb
import numpy as np
import pytest

from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.train.data import Data
from mlplatform.train.fitted import Fitted
from mlplatform.train.gbdt import fit_gbdt
from mlplatform.train.gbdt.booster import Boosters
from mlplatform.train.measure import measure
from mlplatform_tests.train.gbdt.rows import BINARY, MULTICLASS, QUANTILES, REGRESSION, TASKS, data


def predicted(model: Fitted, data: Data) -> np.ndarray:
    return np.asarray(jax.jit(model.predict)(model.params, *data.validation[:2]))


@pytest.mark.parametrize("task", [BINARY, MULTICLASS, REGRESSION])
def test_predictions_are_those_of_lightgbm_trained_by_hand(task: Any) -> None:
    """Weights, early stopping and categories included."""
    rows = data(task)
    model = fit_gbdt(rows, Gbdt(trees=60, early_stopping=5))
    names = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
    params = {
        "objective": names[task.kind], "num_leaves": 31, "learning_rate": 0.05, "verbosity": -1,
        "deterministic": True, "force_col_wise": True, "seed": 0, "num_threads": 1,
    } | ({"num_class": 3} if task is MULTICLASS else {})  # fmt: skip
    train, held = (
        lgb.Dataset(np.concatenate(part[:2], axis=1), part.labels, weight=part.weights,
                    categorical_feature=[3, 4], params={"verbosity": -1})
        for part in (rows.train, rows.validation)
    )  # fmt: skip
    held.reference = train
    stop = lgb.early_stopping(5, verbose=False)
    alone = lgb.train(params, train, 60, valid_sets=[held], callbacks=[stop])
    assert model.best == alone.best_iteration
    theirs = alone.predict(np.concatenate(rows.validation[:2], axis=1))
    np.testing.assert_allclose(predicted(model, rows), theirs, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("task", TASKS)
def test_the_history_has_both_losses_of_each_round_and_the_best_is_what_it_predicts_with(
    task: Any,
) -> None:
    """The loss that LightGBM reports is the one that `measure` finds in the predictions."""
    rows = data(task)
    told: list[int] = []
    model = fit_gbdt(rows, Gbdt(trees=50, early_stopping=4), lambda at, _: told.append(at))
    losses = model.history["validation_loss"]
    assert len(losses) == len(model.history["train_loss"]) == len(told) == model.spent["steps"]
    assert model.best == losses.index(min(losses)) + 1
    loss = float(measure(task, predicted(model, rows), rows.validation)["loss"])
    # Quantiles that cross are put in order, which can only lower their loss.
    crossed = 1e-2 if task.quantiles else 1e-5
    assert losses[model.best - 1] * (1 - crossed) < loss < losses[model.best - 1] * (1 + 1e-5)


def test_quantiles_rise_and_hold_about_the_share_they_say() -> None:
    rows = data(QUANTILES, rows=3000)
    found = predicted(fit_gbdt(rows, Gbdt(trees=80)), rows)
    assert found.shape == (1000, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    below = (rows.validation.labels[:, None] <= found).mean(axis=0)
    np.testing.assert_allclose(below, [0.1, 0.5, 0.9], atol=0.08)


def test_without_early_stopping_all_trees_predict() -> None:
    model = fit_gbdt(data(BINARY), Gbdt(trees=60, learning_rate=0.5, early_stopping=None))
    assert model.best == len(model.history["train_loss"]) == 60


def test_row_weights_decide_what_is_learnt() -> None:
    """Rows of two opposite rules: those that count are followed."""
    rows = data(BINARY, vectors=1, ids=0)
    up = np.arange(400) % 2 == 0
    above = rows.train.vectors[:, 0] > 0
    for heavy in (True, False):
        weights = np.where(up == heavy, 1, 1e-3).astype(np.float32)
        labels = np.where(up, above, ~above).astype(np.float32)
        train = rows.train._replace(labels=labels, weights=weights)
        model = fit_gbdt(Data(rows.shape, train, rows.validation), Gbdt(trees=9, learning_rate=0.3))
        high = predicted(model, rows)[rows.validation.vectors[:, 0] > 1]
        assert ((high > 0.5) == heavy).all()


@pytest.mark.parametrize("how", [{}, {"row_share": 0.6, "feature_share": 0.6, "seed": 7}])
def test_trees_do_not_depend_on_the_number_of_threads(how: dict[str, Any]) -> None:
    """Three threads and two gave other trees by rows than by columns."""
    rows = data(BINARY, vectors=6, rows=6000)
    texts = set()
    for threads in (1, 3):
        boosters = Boosters(rows, Gbdt(**how), threads)
        for _ in range(15):
            boosters.grow()
        texts.add(boosters._boosters[0].model_to_string().split("parameters:")[0])
    assert len(texts) == 1


DIGEST = """
import hashlib
from mlplatform.spec.families import Gbdt
from mlplatform.train.gbdt import fit_gbdt
from mlplatform_tests.train.gbdt.rows import MULTICLASS, data
params = fit_gbdt(data(MULTICLASS), Gbdt(trees=20, row_share=0.7, feature_share=0.8)).params
print(hashlib.sha256(b"".join(params[name].tobytes() for name in sorted(params))).hexdigest())
"""


@pytest.mark.slow
def test_another_process_fits_the_same_bytes(fresh_python: Callable[[str], str]) -> None:
    params = fit_gbdt(data(MULTICLASS), Gbdt(trees=20, row_share=0.7, feature_share=0.8)).params
    here = hashlib.sha256(b"".join(params[name].tobytes() for name in sorted(params)))
    assert fresh_python(DIGEST).strip() == here.hexdigest()


def test_another_seed_draws_other_rows() -> None:
    rows = data(BINARY)
    one, two = (
        predicted(fit_gbdt(rows, Gbdt(trees=5, row_share=0.5, seed=s)), rows) for s in (1, 2)
    )
    assert (one != two).any()


def test_who_is_told_of_a_round_can_end_the_training() -> None:
    def enough(round_: int, losses: dict[str, float]) -> str | None:
        assert set(losses) == {"train_loss", "validation_loss"}
        return "budget.steps of 7 reached" if round_ == 7 else None

    model = fit_gbdt(data(BINARY), Gbdt(trees=50), enough)
    assert model.stopped_by == "budget.steps of 7 reached"
    assert len(model.history["train_loss"]) == 7


def _with(part: str, **arrays: np.ndarray) -> Data:
    rows = data(BINARY)
    parts = {"train": rows.train, "validation": rows.validation}
    parts[part] = parts[part]._replace(**arrays)
    return Data(rows.shape, **parts)


@pytest.mark.parametrize(
    "train",
    [
        {"labels": np.ones(400, np.float32)},
        {"vectors": np.ones((400, 3), np.float32), "ids": np.ones((400, 2), np.int32)},
    ],
    ids=["one class", "constant features"],
)
def test_where_no_split_can_be_found_nothing_is_pretended(train: dict[str, np.ndarray]) -> None:
    with pytest.raises(TrainingError, match="no feature splits the 400 training rows"):
        fit_gbdt(_with("train", **train), Gbdt())


def test_leaves_wider_than_the_rows_are_an_error_that_names_the_setting() -> None:
    with pytest.raises(TrainingError, match=r"lower model\.min_rows_a_leaf"):
        fit_gbdt(data(BINARY), Gbdt(min_rows_a_leaf=300))


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_tree() -> None:
    broken = _with("validation", weights=np.full(200, np.nan, np.float32))
    with pytest.raises(TrainingError, match="after tree 1 of 300"):
        fit_gbdt(broken, Gbdt())


def test_trees_that_run_out_of_splits_end_with_a_note() -> None:
    """Steps this wide make every row certain, rightly or not."""
    model = fit_gbdt(data(BINARY), Gbdt(learning_rate=5.0, early_stopping=None))
    assert "no split of the rows was left" in model.notes[0]
    assert model.best == len(model.history["train_loss"]) < 300


ABSENT = """
import sys
sys.modules["lightgbm"] = None
from mlplatform.errors import TrainingError
from mlplatform.spec.families import Gbdt
from mlplatform.train.baseline import baseline
from mlplatform.train.gbdt import fit_gbdt
from mlplatform_tests.train.gbdt.rows import BINARY, data
try:
    fit_gbdt(data(BINARY), Gbdt())
except TrainingError as wrong:
    print(wrong)
print(baseline(data(BINARY)))
"""


@pytest.mark.slow
def test_without_lightgbm_the_error_says_what_to_install_and_there_is_no_baseline(
    fresh_python: Callable[[str], str],
) -> None:
    said, reached = fresh_python(ABSENT).splitlines()
    assert "pip install 'mlplatform[gbdt]'" in said
    assert reached == "None"
