"""How good served answers were, in words."""

from pathlib import Path

import numpy as np
import pytest

from mlplatform.cli.held_out import held_out_rows, how_right
from mlplatform.lake import Lake, Lineage
from mlplatform_tests.features import people

WHO = Lineage(asset="people/dataset", run_id="test", code_version="test")
ANSWERS = {
    "binary": ([0.9, 0.2, 0.6, 0.4], np.array([1, 0, 0, 1]), "2 of 4 held-out rows right"),
    "multiclass": (
        np.eye(3)[[0, 1, 2, 2]].tolist(),
        np.array([0, 1, 2, 0]),
        "3 of 4 held-out rows",
    ),
    "regression": ([1.0, 2.0, 3.0, 8.0], np.array([1.0, 2, 3, 4]), "mean absolute error 1 over 4"),
    "quantiles": ([[0.0, 0.0, 0.0]] * 4, np.zeros(4), "mean pinball loss 0 over 4 held-out rows"),
}


@pytest.mark.parametrize("task", ANSWERS)
def test_answers_are_told_as_rows_right_or_as_a_mean_error(task):
    answers, labels, said = ANSWERS[task]
    made = people.pipeline(Path("people"), **people.OTHER_TASKS.get(task, {}))
    assert how_right(made, answers, labels).startswith(said)


def test_held_out_rows_come_with_their_labels(tmp_path):
    lake, data = Lake(tmp_path / "lake"), people.dataset(50)
    lake.table("people/dataset").overwrite(data, WHO)
    lake.table("people/split").overwrite(people.split(data), WHO)
    made = people.pipeline(tmp_path, **people.OTHER_TASKS["regression"])
    rows, labels = held_out_rows(lake, made, 5)
    assert [row["spending"] for row in rows] == pytest.approx(labels.tolist(), rel=1e-6)
    assert list(rows[0]) == list(people.COLUMNS)
    assert len(rows) == 5
