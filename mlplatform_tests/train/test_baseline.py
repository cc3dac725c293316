"""The baseline of every training: what LightGBM reaches with no thought given to it."""

import lightgbm as lgb
import numpy as np
import pytest

from mlplatform.train.baseline import baseline
from mlplatform.train.data import Data
from mlplatform.train.task import Rows, Task
from mlplatform_tests.train.gbdt.rows import BINARY, QUANTILES, TASKS, data

NAMES = {
    "binary": {"log_loss", "auc", "accuracy"},
    "multiclass": {"log_loss", "accuracy"},
    "regression": {"rmse", "mae", "r2"},
}


@pytest.mark.parametrize("task", TASKS)
def test_it_has_the_metrics_of_every_task_and_the_same_each_time(task: Task) -> None:
    reached = baseline(data(task))
    assert reached is not None
    assert reached.keys() == ({"pinball", "coverage"} if task is QUANTILES else NAMES[task.kind])
    assert reached == baseline(data(task))


def test_it_is_what_lightgbm_reaches_alone() -> None:
    """A hundred trees of 31 leaves at 0.1, all of them."""
    rows = data(BINARY)
    train = lgb.Dataset(
        np.concatenate(rows.train[:2], axis=1),
        rows.train.labels,
        weight=rows.train.weights,
        categorical_feature=[3, 4],
    )
    alone = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, train, 100)
    right = (alone.predict(np.concatenate(rows.validation[:2], axis=1)) >= 0.5) == (
        rows.validation.labels > 0.5
    )
    reached = baseline(rows)
    assert reached is not None
    assert reached["accuracy"] == pytest.approx(
        np.average(right, weights=rows.validation.weights), abs=0.02
    )


def test_rows_too_few_to_split_have_no_baseline() -> None:
    rows = data(BINARY)
    few = Data(rows.shape, Rows(*(array[:20] for array in rows.train)), rows.validation)
    assert baseline(few) is None
