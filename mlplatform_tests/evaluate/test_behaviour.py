"""Models that behave badly are found out, models that do not are let be, and what cannot be tried says why."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.evaluate.behaviour import behaviour, has_cases
from mlplatform.spec import Pipeline, validate
from mlplatform.spec.trust_gates import BehaviourGate

ROWS = 1000
COLUMNS = {"name": "string", "sex": "string", "age": "int64", "wage": "float64", "good": "string"}
BINARY = {"column": "good", "positive": "yes"}
JOHN, JUAN = {"name": "John Smith"}, {"name": "Juan Garcia"}
NAMES = {"invariance": [{"name": "a name decides nothing", "set": [JOHN, JUAN]}]}
AGEING = {"direction": [{"name": "age raises it", "column": "age", "add": 10, "expect": "up"}]}


def pipeline(folder=Path(), suite=None, **changes):
    spec = {
        "name": "people",
        "source": {"kind": "parquet", "files": ["people.parquet"]},
        "columns": COLUMNS,
        "label": BINARY,
        "behaviour": suite or {},
        **changes,
    }
    return Pipeline(spec=validate(spec, folder / "defs.yaml"), folder=folder)


def people(rows=ROWS):
    dice = np.random.default_rng(5)
    return pa.table(
        {
            "row_id": np.arange(rows),
            "name": dice.choice(["Ann Lee", "Bo Chan", "Cy Ode"], rows),
            "sex": dice.choice(["f", "m"], rows),
            "age": dice.integers(20, 70, rows),
            "wage": pa.array(dice.normal(30, 5, rows), mask=dice.random(rows) < 0.1),
            "good": dice.choice(["yes", "no"], rows),
        }
    )


def ages(rows):
    return rows["age"].fill_null(45).to_numpy().astype(np.float64)


def fair(rows):
    """The probability rises with age and knows nothing else."""
    return 1 / (1 + np.exp(-(ages(rows) - 45) / 10))


def looks_at_the_name(rows):
    garcia = pc.equal(rows["name"], "Juan Garcia").fill_null(False).to_numpy(zero_copy_only=False)
    return np.where(garcia, fair(rows) * 0.3, fair(rows))


def tried(predict, suite=None, rows=None, policy=None, **changes):
    rows = people() if rows is None else rows
    labels = np.zeros(rows.num_rows)
    if changes.get("label", BINARY) != BINARY:
        labels = ages(rows)
    seen = behaviour(
        pipeline(suite=suite, **changes), predict, rows, labels, policy or BehaviourGate()
    )
    return seen.cases


def test_a_model_that_looks_at_the_name_is_caught_and_the_name_is_masked():
    (case,) = tried(looks_at_the_name, NAMES)
    assert case.kind == "invariance"
    assert case.failed > 300
    assert case.tried == ROWS
    assert case.lower > 0.3
    assert "which has to stay the same" in case.worst
    assert "Garcia" not in str(case)  # The rows' names are personal data.
    assert "Xxxx" in case.worst
    assert len(case.examples) == 5
    assert case.examples[0]["row"]["age"] >= 45


def test_a_model_that_does_not_look_at_the_name_is_not():
    (case,) = tried(fair, NAMES)
    assert (case.failed, case.tried, case.worst, case.examples) == (0, ROWS, "", [])
    assert case.upper == pytest.approx(1 - 0.05 ** (1 / ROWS))


def test_two_names_are_held_against_each_other_too():
    """One name gains 0.04 and the other loses it: neither is further than 0.05 from the row's own."""

    def predict(rows):
        names = np.array(rows["name"].to_pylist())
        return 0.5 + 0.04 * (names == "John Smith") - 0.04 * (names == "Juan Garcia")

    suite = {"invariance": [{**NAMES["invariance"][0], "tolerance": 0.05}]}
    assert tried(predict, suite)[0].failed == ROWS
    suite["invariance"][0]["tolerance"] = 0.08
    assert tried(predict, suite)[0].failed == 0


def test_at_most_so_many_rows_are_tried_and_the_same_ones_each_time():
    def predict(rows):
        return rows["age"].to_numpy() % 7 / 7 * np.where(pc.equal(rows["sex"], "m"), 1.0, 0.5)

    policy = BehaviourGate(max_rows=200)
    first, again = (tried(predict, groups=["sex"], policy=policy) for _ in range(2))
    assert first[0].tried == 200
    assert 0 < first[0].failed < 200
    assert first == again


def test_an_answer_that_moves_the_wrong_way_is_a_violation():
    ((up),) = tried(fair, AGEING)
    assert (up.failed, up.tried) == (0, ROWS)
    ((down),) = tried(lambda rows: 1 - fair(rows), AGEING)
    assert down.failed == ROWS
    assert "which may not fall" in down.worst


def test_rows_whose_value_is_missing_are_not_tried_by_adding_to_it():
    suite = {"direction": [{"name": "w", "column": "wage", "add": 1, "expect": "down"}]}
    rows = people()
    (case,) = tried(fair, suite, rows)
    assert case.tried == ROWS - rows["wage"].null_count
    assert case.failed == 0


def test_of_several_classes_the_likeliest_has_to_stay_and_one_of_them_moves():
    label = {"column": "good", "task": "multiclass", "classes": ["no", "yes", "maybe"]}

    def predict(rows):
        yes = fair(rows) * 0.9
        male = pc.equal(rows["sex"], "m").to_numpy()
        return np.stack(
            [np.where(male, 0.95 - yes, 0.05), yes, np.where(male, 0.05, 0.95 - yes)], 1
        )

    suite = {"direction": [{**AGEING["direction"][0], "of": "yes"}]}
    flips, up = tried(predict, suite, groups=["sex"], label=label)
    assert flips.failed > 100
    assert up.failed == 0
    suite["direction"][0]["of"] = "no"
    assert "the probability of 'no' may not fall" in tried(predict, suite, label=label)[0].worst


def test_easy_rows_have_to_be_answered_exactly_as_they_say():
    right = {"row": {"age": 69}, "answer": "yes", "at_least": 0.9}
    wrong = {"row": {"age": 69}, "answer": "no"}
    suite = {"minimum": [{"name": "plain", "examples": [right, wrong]}]}
    (case,) = tried(fair, suite)
    assert (case.tried, case.failed, case.lower, case.upper) == (2, 1, 0.5, 0.5)
    assert case.worst == "age 69: probability of 'yes' 0.917, 'no' was wanted"


def test_a_class_that_no_row_has_is_no_answer():
    suite = {"minimum": [{"name": "p", "examples": [{"row": {"age": 69}, "answer": "Yes"}]}]}
    assert tried(fair, suite)[0].error == "there is no class 'Yes'; classes: no, yes"


def test_the_worst_of_the_columns_that_go_missing_is_told():
    def predict(rows):
        return np.where(pc.is_valid(rows["wage"]).to_numpy(), fair(rows), 1 - fair(rows))

    suite = {"robustness": [{"name": "missing", "change": "missing"}]}
    rows = people()
    (case,) = tried(predict, suite, rows)
    assert case.tried == ROWS - rows["wage"].null_count
    assert case.failed > 0.9 * case.tried  # Who is 45 has the same probability both ways.
    assert "wage" in case.worst
    assert "→ missing" in case.worst


def test_little_noise_changes_few_answers_and_much_noise_many():
    def share(noise):
        suite = {"robustness": [{"name": "noise", "change": "noise", "noise": noise}]}
        (case,) = tried(fair, suite)
        return case.failed / case.tried

    assert share(0.05) < 0.1 < share(2.0)


@pytest.mark.parametrize("answer", [np.nan, np.inf, -0.1, 1.1])
def test_an_answer_that_is_no_probability_is_not_a_held_case(answer):
    def predict(rows):
        found = fair(rows)
        found[0] = answer
        return found

    suite = {**NAMES, **AGEING}
    errors = {case.error for case in tried(predict, suite, groups=["sex"])}
    assert errors == {f"1 of {ROWS:,} answers are NaN or no probabilities"}


def test_a_model_that_answers_only_the_rows_as_they_are_is_found_out():
    """NaN where the name is new: the untouched rows are fine."""

    def predict(rows):
        known = pc.is_in(rows["name"], pa.array(["Ann Lee", "Bo Chan", "Cy Ode"])).to_numpy()
        return np.where(known, fair(rows), np.nan)

    assert "answers are NaN" in tried(predict, NAMES)[0].error


def test_a_case_that_names_an_unknown_column_fails_with_its_name():
    rows = people().drop_columns("name")
    assert tried(fair, NAMES, rows)[0].error == "the test rows have no column 'name'"
    unknown = tried(fair, groups=["name"], rows=rows)[0]
    assert unknown.error == "the test rows have no column 'name'"


def test_a_declared_case_that_changes_nothing_tries_nothing_and_fails():
    suite = {"invariance": [{"name": "same", "set": [{"sex": "m"}]}]}
    rows = people().set_column(2, "sex", pa.array(["m"] * ROWS))
    (same,) = tried(fair, suite, rows)
    assert "changes none of 1,000 rows" in same.error
    assert not same.inapplicable


def test_without_test_rows_no_case_holds():
    cases = tried(fair, {**NAMES, **AGEING}, people(0), groups=["sex"])
    assert [case.error != "" for case in cases] == [True, True, True]
    assert "0 test rows" in cases[1].error


def test_a_model_that_raises_is_told_in_one_line():
    def predict(rows):
        raise ValueError("row 3:\nno such thing")

    assert tried(predict, NAMES)[0].error == "ValueError: row 3: no such thing"


def test_answers_of_another_shape_are_no_answers():
    assert "shape (3,) to 1000 rows" in tried(lambda rows: np.ones(3), NAMES)[0].error


def test_there_is_nothing_to_try_without_groups_and_suite():
    assert not has_cases(pipeline().spec)
    assert has_cases(pipeline(suite=NAMES).spec)
    assert has_cases(pipeline(groups=["sex"]).spec)
    assert tried(fair) == []


VALUES = {
    "name": st.one_of(st.none(), st.text(max_size=8)),
    "sex": st.one_of(st.none(), st.sampled_from(["f", "m", "x"])),
    "age": st.one_of(st.none(), st.integers(-(2**40), 2**40)),
    "wage": st.one_of(st.none(), st.floats(-1e9, 1e9)),
}


@settings(max_examples=40)
@given(data=st.data(), ignored=st.sampled_from(sorted(VALUES)), rows=st.integers(1, 60))
def test_a_model_that_ignores_a_column_passes_every_case_about_it(data, ignored, rows):
    """Whatever the rows hold, whatever is set, and whatever the model makes of all other columns."""
    table = people(rows)
    read = [name for name in VALUES if name != ignored]
    salt = data.draw(st.integers(0, 2**31))

    def predict(asked):
        keys = zip(*(asked[name].to_pylist() for name in read), strict=True)
        return np.array([hash((salt, *key)) % 1000 / 999 for key in keys])

    sets = data.draw(st.lists(VALUES[ignored], min_size=1, max_size=3))
    suite = {
        "invariance": [{"name": "i", "set": [{ignored: value} for value in sets], "tolerance": 0}],
        "robustness": [{"name": "r", "change": "missing", "columns": [ignored]}],
    }
    for case in tried(predict, suite, table, groups=[ignored]):
        assert case.failed == 0
