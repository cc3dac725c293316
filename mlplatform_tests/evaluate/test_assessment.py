"""Candidate and champion on the same rows."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from jax.errors import JaxRuntimeError

from mlplatform.errors import (
    CorruptionError,
    FeatureError,
    LakeError,
    MissingArtifactError,
    SourceError,
)
from mlplatform.evaluate.assessment import SCHEMA, answers, assess, from_bytes, to_bytes
from mlplatform.evaluate.looked_up import Stored
from mlplatform.features.predicts import Predicts
from mlplatform.lake import Lake
from mlplatform.spec import load_pipeline
from mlplatform_tests.features import people
from mlplatform_tests.models import LABELS, exported_model
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

    def __init__(self, *probabilities: object) -> None:
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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (CorruptionError("of another format"), "of another format"),
        (FeatureError("of another format"), "of another format"),
        (MissingArtifactError("there is no artifact"), "there is no artifact"),
        (JaxRuntimeError("INTERNAL:\nno kernel"), "JaxRuntimeError: INTERNAL: no kernel"),
        (KeyError("age"), "KeyError: 'age'"),
    ],
)
def test_a_dispensable_model_that_cannot_be_scored_is_left_out_saying_why(wrong, told):
    models = {"new": Answers(0.9, 0.1, 0.8, 0.2), "old": Broken(wrong)}
    assessed = assess(SPEC, ROWS, models, dispensable={"old"})
    assert assessed.unscored == {"old": told}
    assert np.isnan(observed(assessed.metrics, "old", "accuracy"))
    assert not assessed.metrics.equals(assess(SPEC, ROWS, {"new": models["new"]}).metrics)
    assert np.isnan(assessed.scores["old"].to_numpy()).all()
    assert observed(assessed.metrics, "new", "accuracy") == 1


def test_a_model_that_is_not_dispensable_has_to_be_scored():
    models = {"new": Broken(CorruptionError("damaged")), "old": Answers(0.9, 0.1, 0.8, 0.2)}
    with pytest.raises(CorruptionError, match="damaged"):
        assess(SPEC, ROWS, models, dispensable={"old"})


def test_a_stored_model_that_is_gone_is_left_out(tmp_path):
    models = {"new": Answers(0.9, 0.1, 0.8, 0.2), "old": Stored("0" * 64, Lake(tmp_path / "lake"))}
    assessed = assess(SPEC, ROWS, models, dispensable={"old"})
    assert assessed.unscored["old"].startswith(f"there is no artifact {'0' * 64} under")


@pytest.mark.parametrize("wrong", [LakeError("no route"), OSError("no route")])
def test_a_lake_that_cannot_be_reached_leaves_no_model_out(wrong):
    models = {"new": Answers(0.9, 0.1, 0.8, 0.2), "old": Broken(wrong)}
    with pytest.raises(type(wrong), match="no route"):
        assess(SPEC, ROWS, models, dispensable={"old"})


def test_no_row_is_no_evaluation():
    with pytest.raises(SourceError, match="the test split has no rows"):
        assess(SPEC, ROWS.slice(0, 0), {"new": Answers()})


def test_a_label_that_is_missing_is_no_label_to_judge_by():
    unknown = ROWS.set_column(1, "income", pa.array([">50K", None, ">50K", "<=50K"]))
    with pytest.raises(FeatureError, match="row 1: the label 'income' is missing"):
        assess(SPEC, unknown, {"new": Answers(0.9, 0.1, 0.8, 0.2)})


def of_task(task: str):
    spec = people.pipeline(Path("people"), **people.OTHER_TASKS[task], groups=["city"]).spec
    return spec, people.dataset(4)


def test_several_classes_are_measured_and_stored_row_by_row():
    spec, rows = of_task("multiclass")
    places = [spec.label.classes.index(kind) for kind in rows["kind"].to_pylist()]
    right = Answers(*np.eye(3)[places])
    wrong = Answers(*np.eye(3)[[2 - at for at in places]])
    assessed = assess(spec, rows, {"new": right, "old": wrong})
    assert observed(assessed.metrics, "new", "accuracy") == 1
    assert observed(assessed.metrics, "old", "log_loss") > 1
    assert assessed.scores["label"].to_pylist() == places
    scores = from_bytes(to_bytes(assessed.scores))
    assert scores.equals(assessed.scores)
    assert answers(scores, "new").tolist() == np.eye(3)[places].tolist()


def test_numbers_are_measured_in_the_labels_unit_and_by_group():
    spec, rows = of_task("regression")
    said = rows["spending"].to_numpy() + 2
    assessed = assess(spec, rows, {"new": Answers(*said)})
    assert observed(assessed.metrics, "new", "bias") == pytest.approx(2, abs=1e-4)
    values = [v or "(missing)" for v in rows["city"].to_pylist()]
    for value in set(values):
        assert observed(assessed.metrics, "new", "mae", f"city={value}") == pytest.approx(
            2, abs=1e-4
        )
    assert answers(assessed.scores, "new").shape == (4,)


def test_a_model_that_answers_otherwise_than_the_label_asks_is_left_out_or_refused():
    spec, rows = of_task("quantiles")
    right = Answers(*[[1.0, 2.0, 3.0]] * 4)
    assessed = assess(spec, rows, {"new": right, "old": Answers(1, 2, 3, 4)}, dispensable={"old"})
    assert "answers with [] numbers a row, where the label asks for [3]" in assessed.unscored["old"]
    assert np.isnan(answers(assessed.scores, "old")).all()
    assert np.isnan(observed(assessed.metrics, "old", "pinball"))
    with pytest.raises(FeatureError, match="it predicts something else"):
        assess(spec, rows, {"old": Answers(1, 2, 3, 4)})


@pytest.mark.parametrize(
    ("task", "told"), [("binary", "probability"), ("quantiles", "quantiles (0.1")]
)
def test_a_stored_model_of_another_label_says_what_it_predicts(tmp_path, task, told):
    lake = Lake(tmp_path / "lake")
    files = exported_model(people.encoder(), people.program().content, LABELS[task])
    digest = lake.artifacts.put(files)
    wanted = Predicts("regression")
    with pytest.raises(FeatureError, match=re.escape(f"predicts {told}") + ".*, not prediction"):
        Stored(digest, lake, predicts=wanted).predict_table(people.dataset(3))
    same = Stored(digest, lake, predicts=Predicts.of(LABELS[task]))
    assert len(same.predict_table(people.dataset(3))) == 3


def test_scores_survive_being_stored_and_equal_scores_are_equal_bytes():
    scores = assess(SPEC, ROWS, {"new": Answers(0.9, 0.1, 0.8, 0.2)}).scores
    assert from_bytes(to_bytes(scores)).equals(scores)
    again = pa.concat_tables([scores.slice(0, 2), scores.slice(2)])
    assert to_bytes(again) == to_bytes(scores)


def of_people(rows: int) -> tuple[pa.Table, np.ndarray]:
    """Rows with nulls in a group, a group of one value, and a part where scores say little."""
    rng = np.random.default_rng(0)
    young = rng.random(rows) < 0.3
    label = rng.random(rows) < 0.5
    score = np.where(young, 0.5, np.where(label, 0.9, 0.1)).astype(np.float32)
    columns = {
        "row_id": rng.integers(-(2**62), 2**62, rows),
        "income": np.where(label, ">50K", "<=50K"),
        "sex": pa.array(rng.choice(["Female", "Male", None], rows).tolist()),
        "race": ["White"] * rows,
        "age": np.where(young, rng.integers(17, 25, rows), rng.integers(25, 90, rows)),
    }
    return pa.table(columns), score


def test_a_row_of_metrics_has_its_slice_its_value_and_its_bounds_for_either_model():
    rows, score = of_people(2000)
    models = {"new": Answers(*score), "old": Answers(*(1 - score))}
    metrics = assess(SPEC, rows, models).metrics
    assert metrics.schema == SCHEMA
    of = {m: [r for r in metrics.to_pylist() if r["model"] == m] for m in models}
    places = [[(r["slice"], r["kind"], r["rows"], r["metric"]) for r in of[m]] for m in models]
    assert {p[:2] for p in places[0]} == {p[:2] for p in places[1]}
    assert {r["kind"] for r in of["new"]} == {"all", "group", "intersection", "weak"}
    assert {r["slice"] for r in of["new"] if r["kind"] == "intersection"} >= {
        "sex=(missing) & race=White"
    }
    assert any(r["slice"].startswith("age in [17, ") for r in of["new"] if r["kind"] == "weak")
    for row in of["new"]:
        assert row["lower"] <= row["observed"] <= row["upper"], row


def test_an_answer_that_is_none_of_the_candidate_leaves_rows_of_metrics_without_values():
    rows, score = of_people(400)
    score[7] = np.nan
    metrics = assess(SPEC, rows, {"new": Answers(*score), "old": Answers(*np.ones(400))}).metrics
    mine = [r for r in metrics.to_pylist() if r["model"] == "new"]
    assert {r["kind"] for r in mine} == {"all", "group", "intersection"}
    assert np.isnan(observed(metrics, "new", "auc"))
    assert {r["method"] for r in mine if r["slice"] == "race=White"} == {"none"}
    assert observed(metrics, "old", "selection_rate") == 1


def test_a_test_split_of_one_class_is_measured_where_it_can_be():
    rows, score = of_people(400)
    alone = rows.set_column(1, "income", pa.array(["<=50K"] * 400))
    metrics = assess(SPEC, alone, {"new": Answers(*score)}).metrics
    assert np.isnan(observed(metrics, "new", "auc"))
    assert observed(metrics, "new", "false_positive_rate") > 0
    assert metrics["model"].unique().to_pylist() == ["new"]
