import pytest

from mlplatform.spec.label import Label
from mlplatform.spec.metric_names import DEFAULTS, NAMES, answer, baseline_misfit, misfit, rules
from mlplatform.spec.performance_gates import MetricRule, PerformanceGate
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
