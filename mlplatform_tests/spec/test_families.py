import pytest

from mlplatform.errors import SpecError
from mlplatform.spec.families import MODEL, Blend, Gbdt, Mlp, TabM
from mlplatform_tests.features import people

NUMBER = {"column": "spending", "task": "regression"}


def test_a_section_without_a_family_is_a_perceptron():
    assert isinstance(MODEL.validate_python({"hidden": [4]}), Mlp)


def test_a_model_comes_back_from_its_json():
    model = MODEL.validate_python(
        {"family": "blend", "members": {"net": {"family": "tabm"}, "trees": {"family": "gbdt"}}}
    )
    assert isinstance(model, Blend)
    assert isinstance(model.members["net"], TabM)
    assert isinstance(model.members["trees"], Gbdt)
    assert MODEL.validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"family": "forest"}, r"attributes.model.family: got 'forest'; .*'linear', 'mlp', 'tabm'"),
        ({"family": "mlp", "members": 3}, r"attributes.model.members: no such field"),
        (
            {"dropout": 1.0},
            r"attributes.model.dropout: got 1.0; Input should be less than or equal to 0.99",
        ),
        (
            {"seed": -1},
            r"attributes.model.seed: got -1; Input should be greater than or equal to 0",
        ),
        ({"family": "gbdt", "hidden": [8]}, r"attributes.model.hidden: no such field"),
        (
            {"family": "blend", "members": {"a": {"hidden": [0]}, "b": {"family": "gbdt"}}},
            r"attributes.model.members.a.hidden.0: got 0; Input should be greater",
        ),
        ({"family": "blend", "members": {"a": {}}}, r"attributes.model.members: got .*at least 2"),
        ({"family": "custom", "file": "../model.py"}, r"attributes.model.file: got '../model.py'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(tmp_path, model, said):
    with pytest.raises(SpecError, match=said):
        people.pipeline(tmp_path, model=model)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"calibration": "isotonic"}, r"model.calibration is for classes; label.task is 'regr"),
        ({"label_smoothing": 0.1}, r"model.label_smoothing is for classes"),
        (
            {"family": "blend", "members": {"a": {"class_weights": "balanced"}, "b": {}}},
            r"model.members.a.class_weights is for classes",
        ),
    ],
)
def test_what_means_nothing_for_a_number_is_refused(tmp_path, model, said):
    with pytest.raises(SpecError, match=said):
        people.pipeline(tmp_path, label=NUMBER, model=model)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (
            {"column": "kind", "task": "multiclass"},
            r"label.task is 'multiclass'; set label.classes",
        ),
        ({"column": "kind"}, r"label.task is 'binary'; set label.positive"),
        ({**NUMBER, "classes": ["a", "b"]}, r"label.classes is for the task 'multiclass'"),
        ({**NUMBER, "quantiles": [0.9, 0.1]}, r"label.quantiles must rise"),
        ({**NUMBER, "weight": "nobody"}, r"label.weight names the column 'nobody'"),
    ],
)
def test_a_label_says_what_its_task_needs(tmp_path, label, said):
    with pytest.raises(SpecError, match=said):
        people.pipeline(tmp_path, label=label)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"cost": 5}, r"budget.cost needs budget.price_per_hour"),
        ({"steps": 0}, r"attributes.budget.steps: got 0"),
    ],
)
def test_a_budget_that_cannot_be_is_refused(tmp_path, budget, said):
    with pytest.raises(SpecError, match=said):
        people.pipeline(tmp_path, budget=budget)
