"""Bounds of metrics on another class of hardware."""

import math

from mlplatform.provenance.compare_metrics import Held, held


def test_shares_may_differ_by_half_a_percent_point_and_losses_by_one_percent():
    found = {
        one.metric: one.within
        for one in held(
            {"auc": 0.92, "accuracy": 0.87, "log_loss": 0.30, "rmse": 20.0},
            {"auc": 0.9249, "accuracy": 0.8751, "log_loss": 0.3029, "rmse": 20.3},
        )
    }
    assert found == {"auc": True, "accuracy": False, "log_loss": True, "rmse": False}


def test_a_metric_that_only_one_of_them_has_is_beyond_any_bound():
    assert [one.within for one in held({"auc": 0.9}, {})] == [False]
    assert not Held(metric="auc", recorded=math.nan, made=0.9, bound=1).within
    both = Held(metric="auc", recorded=math.nan, made=math.nan, bound=1)
    assert both.within
    assert both.to_dict() == {
        "metric": "auc", "recorded": None, "made": None, "bound": 1, "within": True,
    }  # fmt: skip
