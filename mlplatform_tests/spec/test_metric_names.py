import pytest
from pydantic import ValidationError

from mlplatform.spec.label import Label
from mlplatform.spec.metric_names import DEFAULTS, NAMES, answer, baseline_misfit, misfit, rules
from mlplatform.spec.performance_gates import MetricRule, PerformanceGate, RegressionGate
from mlplatform.statistics.compare import COMPARABLE

BINARY = Label(column="y", positive="1")
NUMBERS = Label(column="y", task="regression")
QUANTILES = Label(column="y", task="regression", quantiles=[0.1, 0.9])
CLASSES = Label(column="y", task="multiclass", classes=["a", "b"])


def asking(**metrics):
    return PerformanceGate(metrics={name: MetricRule(**rule) for name, rule in metrics.items()})


def test_the_names_are_those_that_can_be_compared():
    assert dict(NAMES) == dict(COMPARABLE)


@pytest.mark.parametrize("label", [BINARY, NUMBERS, QUANTILES, CLASSES])
def test_what_is_asked_by_default_fits_every_label(label):
    of = answer(label.task, quantiles=bool(label.quantiles))
    default = rules(PerformanceGate(), of)
    assert tuple(default) == DEFAULTS[of]
    assert {rule.margin for rule in default.values()} == {0.01}
    assert misfit(PerformanceGate(metrics=default), label) == ""


def test_an_unknown_metric_is_told_with_those_that_are_known():
    assert misfit(asking(rmse={}), BINARY) == (
        "model_gates.performance.metrics names 'rmse'; known for this label: accuracy, precision, recall, f1,"
        " auc, average_precision, log_loss, brier"
    )
    assert "'pinball'; known for this label: rmse, mae" in misfit(asking(pinball={}), NUMBERS)
    assert "'rmse'; known for this label: pinball" in misfit(asking(rmse={}), QUANTILES)
    assert "'auc'; known for this label: accuracy, macro_f1" in misfit(asking(auc={}), CLASSES)


def test_a_floor_on_the_wrong_side_is_told():
    assert misfit(asking(accuracy={"maximum": 0.9}), BINARY) == (
        "model_gates.performance.metrics.accuracy.maximum: accuracy is better when larger; set minimum"
    )
    assert "log_loss is better when smaller; set maximum" in misfit(
        asking(log_loss={"minimum": 0.1}), BINARY
    )
    assert misfit(asking(accuracy={"minimum": 0.9}, brier={"maximum": 0.2}), BINARY) == ""


def test_a_last_value_needs_a_time_and_an_entity_that_there_is():
    last = PerformanceGate(baseline={"kind": "last_value", "entity": "store"})
    assert "name the timestamp column in event_time" in baseline_misfit(last, None, {})
    assert "names the column 'store'; columns: at" in baseline_misfit(last, "at", {"at": "x"})
    assert baseline_misfit(last, "at", {"at": "x", "store": "string"}) == ""
    assert baseline_misfit(PerformanceGate(), None, {}) == ""


@pytest.mark.parametrize(
    ("metrics", "label", "said"),
    [
        ({"accuracy": {"minimum": 90}}, BINARY, "accuracy.minimum: 90 is no share between 0 and 1; write 0.9 for 90 %"),
        ({"accuracy": {"margin": 5}}, BINARY, "accuracy.margin: 5 is no share between 0 and 1; write 0.05 for 5 %"),
        ({"auc": {"margin": 0.5}}, BINARY, "auc.margin: 0.5 is more than 0.2: nothing would be a regression"),
        ({"auc": {"minimum": -0.1}}, BINARY, "auc.minimum: -0.1 is no share between 0 and 1"),
        ({"brier": {"maximum": 10}}, BINARY, "brier.maximum: 10 is no share between 0 and 1; write 0.1 for 10 %"),
        ({"brier": {"maximum": 10}}, CLASSES, "brier.maximum: 10 is no number between 0 and 2"),
        ({"rmse": {"maximum": -1}}, NUMBERS, "rmse.maximum: -1 is below 0, which rmse never is"),
        ({"rmse": {"margin": 1}}, NUMBERS, "rmse.margin: 1 is more than 0.2"),
        ({"log_loss": {"margin": 5}}, BINARY, "log_loss.margin: 5 is more than 1 nat"),
    ],
)  # fmt: skip
def test_a_value_that_the_metric_cannot_have_is_told_with_what_to_write(metrics, label, said):
    found = misfit(asking(**metrics), label)
    assert found.startswith(f"model_gates.performance.metrics.{said}")
    assert "\n" not in found


def test_values_at_the_ends_of_the_range_are_taken():
    assert (
        misfit(asking(accuracy={"minimum": 1, "margin": 0.2}, brier={"maximum": 0}), BINARY) == ""
    )
    assert misfit(asking(brier={"maximum": 2}, log_loss={"margin": 1, "maximum": 9}), CLASSES) == ""
    assert misfit(asking(rmse={"maximum": 90, "margin": None}), NUMBERS) == ""


def test_a_margin_of_the_regression_gate_is_a_share_too():
    with pytest.raises(
        ValidationError, match=r"1 is more than 0\.2: nothing would be a regression"
    ):
        RegressionGate(margin=1.0)
    with pytest.raises(ValidationError, match=r"no share between 0 and 1; write 0\.02 for 2 %"):
        RegressionGate(margin=2)
    assert RegressionGate(margin=0.2).margin == 0.2
