"""Cases in Python: a team's own file is run as it is, and whatever goes wrong in it is told."""

from pathlib import Path

import numpy as np
import pytest

from mlplatform.errors import SpecError
from mlplatform.evaluate.behaviour import behaviour
from mlplatform.evaluate.behaviour_functions import functions_digest, functions_of
from mlplatform.evaluate.cases import Result, case
from mlplatform.spec.trust_gates import BehaviourGate
from mlplatform_tests.evaluate.test_behaviour import ROWS, fair, people, pipeline

HEAD = "from mlplatform.evaluate.cases import BehaviourModel, Result, case\n"
AGE = """
@case("age never lowers it", max_share=0.1)
def age(model):
    before, after = model.scores(), model.scores(model.adding(age=5))
    return Result.each(after >= before, "it falls with age")
"""
MEAN = """
@case("the old are likelier than the young")
def mean(model):
    old, young = (model.scores(model.setting(age=years)).mean() for years in (60, 20))
    return Result.of(old > young, f"{old:.2f} is not above {young:.2f}")
"""


def written(folder: Path, text: str):
    (folder / "behaviour.py").write_text(HEAD + text)
    return pipeline(folder, {"functions": "behaviour.py"})


def tried(folder: Path, text: str, predict=fair, rows=None):
    rows = people() if rows is None else rows
    labels = np.arange(rows.num_rows)
    policy = BehaviourGate(max_rows=400)
    return behaviour(written(folder, text), predict, rows, labels, policy).cases


def test_cases_are_tried_in_the_files_order_and_counted_exactly(tmp_path: Path):
    age, mean = tried(tmp_path, AGE + MEAN)
    assert (age.name, age.kind, age.tried, age.failed) == (
        "age never lowers it",
        "function",
        400,
        0,
    )
    assert (age.max_share, age.lower, age.upper) == (0.1, 0.0, 0.0)
    assert (mean.tried, mean.failed, mean.worst) == (1, 0, "")


def test_a_model_that_does_not_hold_them_is_told_with_the_worst(tmp_path: Path):
    age, mean = tried(tmp_path, AGE + MEAN, lambda rows: 1 - fair(rows))
    assert (age.tried, age.failed, age.worst) == (400, 400, "it falls with age")
    assert (mean.failed, mean.worst) == (1, "0.18 is not above 0.92")


def test_the_model_has_the_rows_tried_with_their_labels(tmp_path: Path):
    text = """
@case("labels")
def labels(model):
    return Result.each(model.labels == model.rows["row_id"].to_numpy())

@case("classes")
def classes(model):
    return Result.each(model.classes() == (model.answers()[:, 0] >= 0.5))
"""
    assert [(seen.tried, seen.failed) for seen in tried(tmp_path, text)] == [(400, 0), (400, 0)]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("return True", "it returned bool; return a Result"),
        ("return Result(0, 0)", "it says that 0 of 0 tries failed"),
        ("return Result(2, 3)", "it says that 3 of 2 tries failed"),
        ("return Result.each([])", "Result.each wants truth values"),
        ("return Result.each(model.scores(model.setting(shoes=44)) > 0)", "no column 'shoes'"),
        ("return Result.each(model.scores(model.rows.slice(0, 0)) > 0)", "0 test rows"),
    ],
)
def test_a_function_that_raises_or_says_nothing_fails_with_the_reason(tmp_path: Path, body, why):
    (seen,) = tried(tmp_path, f"@case('c')\ndef c(model):\n    {body}\n")
    assert why in seen.error
    assert (seen.kind, seen.tried) == ("function", 0)


def test_answers_that_are_nan_and_rows_that_are_none_fail_every_function(tmp_path: Path):
    text = "@case('c')\ndef c(model):\n    return Result.of(True)\n"
    assert "NaN" in tried(tmp_path, text, lambda rows: np.full(len(rows), np.nan))[0].error
    assert "0 test rows" in tried(tmp_path, text, rows=people(0))[0].error


def test_personal_data_in_what_a_function_says_is_masked(tmp_path: Path):
    text = "@case('c')\ndef c(model):\n    return Result.of(False, 'John Smith\\nis refused')\n"
    assert tried(tmp_path, text)[0].worst == "Xxxx Xxxxx is refused"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1", "no function has the decorator @case"),
        (AGE + AGE, "two cases are called 'age never lowers it'"),
        ("1 / 0", r"behaviour.py:2: ZeroDivisionError: division by zero"),
        ("def (", "behaviour.py:2: SyntaxError"),
        ("@case('')\ndef c(model): ...", "behaviour.py:2: case"),
    ],
)
def test_a_file_that_declares_nothing_sound_is_one_failed_case(tmp_path: Path, text, why):
    if text == AGE + AGE:
        text += AGE.replace("def age", "def again")
    with pytest.raises(SpecError, match=why):
        functions_of(written(tmp_path, text))
    (seen,) = tried(tmp_path, text)
    assert (seen.name, seen.kind) == ("behaviour.py", "function")
    assert seen.error


def test_a_file_that_is_missing_is_a_failed_case_and_no_file_is_none(tmp_path: Path):
    missing = pipeline(tmp_path, {"functions": "behaviour.py"})
    (seen,) = behaviour(missing, fair, people(), np.zeros(ROWS), BehaviourGate()).cases
    assert "not found; behaviour.functions names it" in seen.error
    assert functions_of(pipeline(tmp_path)) == []


def test_another_file_is_another_digest(tmp_path: Path):
    first = functions_digest(written(tmp_path, AGE))
    assert functions_digest(written(tmp_path, MEAN)) != first
    assert functions_digest(pipeline(tmp_path)) == functions_digest(pipeline(Path("elsewhere")))


def test_a_share_beyond_one_is_no_share():
    with pytest.raises(SpecError, match="max_share=2"):
        case("c", max_share=2)
    with pytest.raises(TypeError, match="float64"):
        Result.each([0.5, 1.0])
