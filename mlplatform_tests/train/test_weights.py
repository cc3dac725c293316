import numpy as np
import pytest

from mlplatform.spec.families import Mlp
from mlplatform.spec.label import Label
from mlplatform.train.data import Data
from mlplatform.train.task import Rows, Shape, Task
from mlplatform.train.weights import weighted

BINARY = Label(column="y", positive="yes")
OF_THREE = Label(column="y", task="multiclass", classes=["a", "b", "c"])


def data(labels, weights=None, label=BINARY) -> Data:
    kind = np.int32 if label.task == "multiclass" else np.float32
    nothing = np.zeros((len(labels), 0), np.float32)
    own = np.ones(len(labels), np.float32) if weights is None else np.float32(weights)
    rows = Rows(nothing, nothing.astype(np.int32), np.array(labels, kind), own)
    return Data(Shape(0, (), Task.of(label)), rows, rows)


def test_weights_have_a_mean_of_one():
    found = weighted(data([0, 1, 1, 0], weights=[1, 2, 3, 2]), BINARY, Mlp())
    assert found.train.weights.tolist() == [0.5, 1, 1.5, 1]


def test_balanced_classes_count_the_same_in_all():
    labels = [0, 0, 0, 1, 2, 2]
    found = weighted(data(labels, label=OF_THREE), OF_THREE, Mlp(class_weights="balanced"))
    of_class = np.bincount(labels, found.train.weights)
    np.testing.assert_allclose(of_class, of_class[0], rtol=1e-6)


def test_a_class_is_weighed_by_its_name():
    named = Mlp(class_weights={"yes": 3.0})
    found = weighted(data([0, 1]), BINARY, named).train.weights
    assert found[1] / found[0] == pytest.approx(3)
    other = weighted(data([0, 1, 2], label=OF_THREE), OF_THREE, Mlp(class_weights={"b": 2.0}))
    assert (other.train.weights / other.train.weights[0]).tolist() == [1, 2, 1]


def test_validation_rows_keep_their_own_weights():
    """Losses of models with other class weights compare."""
    found = weighted(data([0, 0, 0, 1]), BINARY, Mlp(class_weights="balanced"))
    assert found.validation.weights.tolist() == [1, 1, 1, 1]


def test_the_other_class_of_two_is_weighed_too():
    found = weighted(data([0, 1]), BINARY, Mlp(class_weights={"other": 4.0})).train.weights
    assert found[0] / found[1] == pytest.approx(4)
