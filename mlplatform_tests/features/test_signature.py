"""What a model of each task says of itself, and that it is held to."""

import json

import numpy as np
import pytest

from mlplatform.errors import CorruptionError
from mlplatform.features.predicts import Predicts
from mlplatform.features.program import Predictor
from mlplatform.features.signature import Signature
from mlplatform_tests.features import people
from mlplatform_tests.models import LABELS, exported_model


class Folder:
    """Files in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def read(self, name: str) -> bytes:
        """Return one file."""
        return self.files[name]


@pytest.fixture(scope="module", params=LABELS)
def task(request) -> str:
    """Each task."""
    return request.param


@pytest.fixture(scope="module")
def files(task):
    return exported_model(people.encoder(), people.program().content, LABELS[task])


NAMES = {
    "binary": ("probability", ()),
    "multiclass": ("probabilities", (3,)),
    "regression": ("prediction", ()),
    "quantiles": ("quantiles", (3,)),
}


def test_a_model_gives_what_its_signature_says(task, files):
    predictor = Predictor.load(Folder(files))
    name, width = NAMES[task]
    said = json.loads(files["signature.json"])
    assert said["outputs"][0] == {"name": name, "dtype": "float32", "shape": ["rows", *width]}
    assert predictor.predicts == Predicts.of(LABELS[task])
    for rows in (1, 70, 300):
        found = predictor.predict_table(people.dataset(rows))
        assert found.shape == (rows, *width)
        assert predictor.predicts.usable(found).all()


def test_a_signature_is_read_as_it_was_written(files):
    signed = Signature.from_json(files["signature.json"])
    assert signed.to_json() == files["signature.json"]
    assert signed.predicts.columns


def test_another_task_than_the_programs_is_refused(task, files):
    other = json.loads(files["signature.json"])
    changed = {"task": "regression", "classes": [], "quantiles": [0.2, 0.8]}
    with pytest.raises(CorruptionError, match="does not describe"):
        Predictor.load(
            Folder({**files, "signature.json": json.dumps({**other, "predicts": changed}).encode()})
        )
    for wrong in ({"task": "ranking"}, {"task": "binary", "classes": 3, "quantiles": []}):
        content = json.dumps({**other, "predicts": wrong}).encode()
        with pytest.raises(CorruptionError, match=r"signature\.json is not what"):
            Signature.from_json(content)


def test_a_signature_of_another_format_is_refused(files):
    older = json.dumps({**json.loads(files["signature.json"]), "format": 2}).encode()
    with pytest.raises(CorruptionError, match="format 2, not 3"):
        Signature.from_json(older)


@pytest.mark.parametrize(
    ("label", "answers", "usable"),
    [
        ("binary", [0.0, 1.0, 1.1, -0.1, np.nan], [True, True, False, False, False]),
        ("multiclass", [[0.2, 0.3, 0.5], [0.5, 0.5, 0.5], [np.nan, 0, 1]], [True, False, False]),
        ("multiclass", [[1.5, -0.5, 0.0]], [False]),
        ("regression", [1e30, -5.0, np.inf, np.nan], [True, True, False, False]),
        ("quantiles", [[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]], [True, False]),
    ],
)
def test_only_what_can_be_an_answer_is_usable(label, answers, usable):
    assert Predicts.of(LABELS[label]).usable(np.array(answers, np.float32)).tolist() == usable


def test_columns_are_named_by_class_and_by_quantile():
    names = {task: Predicts.of(label).columns for task, label in LABELS.items()}
    assert names == {
        "binary": ("probability",),
        "multiclass": ("probability_low", "probability_mid", "probability_high"),
        "regression": ("prediction",),
        "quantiles": ("quantile_0.1", "quantile_0.5", "quantile_0.9"),
    }
