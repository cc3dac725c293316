"""What a behavioural suite may say, and what it is told where it may not."""

import pytest
from pydantic import ValidationError

from mlplatform.spec import load_pipeline, validate
from mlplatform.spec.behaviour import Behaviour
from mlplatform.spec.behaviour_rules import misfit, value_misfit
from mlplatform_tests.conftest import ROOT

SPEC = {
    "name": "people",
    "source": {"kind": "parquet", "files": ["people.parquet"]},
    "columns": {
        "name": "string",
        "age": "int64",
        "height": "float64",
        "seen": "timestamp",
        "member": "bool",
        "face": "vector[2]",
        "id": "string",
        "weight": "float64",
        "good": "string",
    },
    "label": {"column": "good", "positive": "yes", "weight": "weight"},
    "unused": {"id": "names a person"},
}
SEVERAL = {**SPEC, "label": {"column": "good", "task": "multiclass", "classes": ["a", "b"]}}
NUMBER = {**SPEC, "label": {"column": "height", "task": "regression"}}


def said(suite, spec=SPEC):
    return misfit(Behaviour.model_validate(suite), validate(spec, ROOT / "defs.yaml"))


def swap(**values):
    return {"invariance": [{"name": "a swap", "set": [values]}]}


def move(**how):
    return {"direction": [{"name": "a move", "expect": "up", **how}]}


def easy(**answer):
    return {"minimum": [{"name": "easy", "examples": [{"row": {"age": 40}, **answer}]}]}


@pytest.mark.parametrize(
    "values",
    [
        {"name": "John Smith", "age": 40, "height": 1, "member": True, "face": [0, 1.5]},
        {"seen": "2013-10-01T00:00:00Z"},
        {"name": None, "age": None, "face": None},
    ],
)
def test_a_value_fits_the_type_of_its_column_and_missing_fits_all(values):
    assert said(swap(**values)) == ""


@pytest.mark.parametrize(
    ("suite", "why"),
    [
        (swap(nmae="John"), "names the column 'nmae'; columns: name, age"),
        (swap(good="yes"), "names 'good', which is the label"),
        (swap(weight=2.0), "names 'weight', which is the weight"),
        (swap(age="forty"), "'age' is 'forty', but the column is int64: give a whole number"),
        (swap(age=True), "'age' is True, but the column is int64"),
        (swap(name=False), "give text; YAML reads it so without quotes"),
        (swap(face=[1]), "the column is vector[2]"),
        (swap(seen="yesterday"), "give a time like 2013-10-01T00:00:00Z"),
        (move(column="name", add=1), "adds to 'name', which is string; give `set`"),
        (move(column="age", add=0.5), "add a whole number"),
        (move(column="id", set="x"), "names 'id', which no feature may use"),
        (move(column="age", add=1, of="yes"), "which is for labels of several classes"),
        (easy(answer=True), "answers True; write the class as text, in quotes"),
        (easy(at_least=1.5), "gives a probability outside of 0 to 1"),
        ({"functions": "../other.py"}, "name a .py file in the pipeline's folder"),
        (
            {"robustness": [{"name": "noise", "change": "noise", "columns": ["name"]}]},
            "adds noise to 'name', which is string",
        ),
    ],
)
def test_what_does_not_fit_the_columns_is_told_with_the_case(suite, why):
    assert why in said(suite)
    assert "\n" not in said(suite)
    assert said(suite).startswith("behaviour.")


def test_of_several_classes_the_class_has_to_be_one_of_them():
    assert "set `of` to the class meant: a, b" in said(move(column="age", add=1), SEVERAL)
    assert said(move(column="age", add=1, of="b"), SEVERAL) == ""
    assert "answers 'c'; classes: a, b" in said(easy(answer="c"), SEVERAL)
    assert "give `answer` alone" in said(easy(answer="a", at_least=0.5), SEVERAL)


def test_a_number_is_held_between_bounds_and_is_no_class():
    assert "give at_least and at_most" in said(easy(answer="tall"), NUMBER)
    assert said(easy(at_least=-3.0, at_most=250.0), NUMBER) == ""


def test_a_pipeline_with_events_may_name_an_aggregate_which_is_a_number():
    events = {"visits": {"event_time": "seen", "known_at": "seen"}}
    spec = {**SPEC, "event_time": "seen", "events": events}
    assert said(move(column="visits_7d", add=2.5), spec) == ""
    assert "'visits_7d' is 'many'" in said(swap(visits_7d="many"), spec)


@pytest.mark.parametrize(
    ("suite", "why"),
    [
        (move(column="age"), "give one of add and set"),
        (move(column="age", add=1, set=2), "give one of add and set"),
        (move(column="age", add=0), "changes nothing"),
        (easy(), "says nothing of the answer"),
        (easy(at_least=0.9, at_most=0.1), "at_least 0.9 is above at_most 0.1"),
        (swap(), "names no column"),
        ({"invariance": 2 * swap(age=1)["invariance"]}, "two cases are called 'a swap'"),
    ],
)
def test_a_case_that_says_nothing_or_two_things_is_refused(suite, why):
    with pytest.raises(ValidationError, match=why):
        Behaviour.model_validate(suite)


def test_a_vector_of_another_width_and_an_infinite_number_fit_nothing():
    assert value_misfit(float("inf"), "float64")
    assert value_misfit([1.0, float("nan")], "vector[2]")


@pytest.mark.parametrize("name", ["census_income", "flight_delays"])
def test_the_suites_that_are_shipped_fit_their_pipelines(name):
    spec = load_pipeline(ROOT / "pipelines" / name).spec
    assert len(spec.behaviour.cases) >= 5
    assert misfit(spec.behaviour, spec) == ""
