"""Candidate and champion on the same rows."""

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import CorruptionError, FeatureError, LakeError, SourceError
from mlplatform.evaluate.assessment import assess, class_of, from_bytes, to_bytes
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import CENSUS

SPEC = load_pipeline(CENSUS).spec
ROWS = pa.table(
    {
        "row_id": [7, 8, 9, 10],
        "income": [">50K", "<=50K", ">50K", "<=50K"],
        "sex": ["Female", "Male", "Male", "Female"],
        "race": ["White"] * 4,
    }
)


class Answers:
    """A model with fixed answers."""

    def __init__(self, *probabilities: float) -> None:
        self.probabilities = probabilities

    def predict_table(self, table: pa.Table) -> np.ndarray:
        """Return the fixed answers."""
        assert table.num_rows == len(self.probabilities)
        return np.array(self.probabilities, dtype=np.float32)


def observed(metrics: pa.Table, model: str, metric: str, slice_name: str = "all") -> float:
    wanted = {"model": model, "metric": metric, "slice": slice_name}
    found = [r for r in metrics.to_pylist() if wanted.items() <= r.items()]
    assert len(found) == 1
    return float(found[0]["observed"])


def test_two_models_are_measured_on_the_same_rows():
    right, wrong = Answers(0.9, 0.1, 0.8, 0.2), Answers(0.1, 0.1, 0.8, 0.2)
    assessed = assess(SPEC, ROWS, {"new": right, "old": wrong})
    assert observed(assessed.metrics, "new", "accuracy") == 1
    assert observed(assessed.metrics, "old", "accuracy") == 0.75
    assert observed(assessed.metrics, "old", "true_positive_rate", "sex=Female") == 0
    assert assessed.scores["row_id"].to_pylist() == [7, 8, 9, 10]
    assert assessed.scores["old"].to_pylist() == pytest.approx([0.1, 0.1, 0.8, 0.2])


class Broken:
    """A model that cannot be asked."""

    def __init__(self, wrong: Exception) -> None:
        self.wrong = wrong

    def predict_table(self, table: pa.Table) -> np.ndarray:
        """Raise."""
        raise self.wrong


@pytest.mark.parametrize("kind", [CorruptionError, FeatureError])
def test_a_dispensable_model_that_cannot_be_scored_is_left_out_saying_why(kind):
    models = {"new": Answers(0.9, 0.1, 0.8, 0.2), "old": Broken(kind("of another format"))}
    assessed = assess(SPEC, ROWS, models, dispensable={"old"})
    assert assessed.unscored == {"old": "of another format"}
    assert np.isnan(observed(assessed.metrics, "old", "accuracy"))
    assert not assessed.metrics.equals(assess(SPEC, ROWS, {"new": models["new"]}).metrics)
    assert np.isnan(assessed.scores["old"].to_numpy()).all()
    assert observed(assessed.metrics, "new", "accuracy") == 1


def test_a_model_that_is_not_dispensable_has_to_be_scored():
    models = {"new": Broken(CorruptionError("damaged")), "old": Answers(0.9, 0.1, 0.8, 0.2)}
    with pytest.raises(CorruptionError, match="damaged"):
        assess(SPEC, ROWS, models, dispensable={"old"})


def test_a_lake_that_cannot_be_reached_leaves_no_model_out():
    models = {"new": Answers(0.9, 0.1, 0.8, 0.2), "old": Broken(LakeError("no route"))}
    with pytest.raises(LakeError, match="no route"):
        assess(SPEC, ROWS, models, dispensable={"old"})


def test_no_row_is_no_evaluation():
    with pytest.raises(SourceError, match="the test split has no rows"):
        assess(SPEC, ROWS.slice(0, 0), {"new": Answers()})


def test_the_positive_label_is_class_one():
    assert class_of(SPEC, ROWS).tolist() == [1, 0, 1, 0]


def test_scores_survive_being_stored_and_equal_scores_are_equal_bytes():
    scores = assess(SPEC, ROWS, {"new": Answers(0.9, 0.1, 0.8, 0.2)}).scores
    assert from_bytes(to_bytes(scores)).equals(scores)
    again = pa.concat_tables([scores.slice(0, 2), scores.slice(2)])
    assert to_bytes(again) == to_bytes(scores)
