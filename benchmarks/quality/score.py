"""Metrics of predictions on held-out rows, by scikit-learn: neither contender's own."""

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error

from benchmarks.tables.table import Task

HIGHER = ("auc", "accuracy")  # The better, of these.


def loss(task: Task, predicted: np.ndarray, labels: np.ndarray) -> float:
    """Return what tuning lowers on validation rows: log loss in nats, or RMSE."""
    scored = score(task, predicted, labels)
    return scored["rmse" if task == "regression" else "log_loss"]


def score(task: Task, predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the metrics of a task.

    Args:
        task: The kind of label.
        predicted: f[rows] of probabilities of class 1 or of numbers, or f[rows, classes].
        labels: Of 0 and 1, of classes by number, or numbers.
    """
    if task == "regression":
        return {"rmse": float(root_mean_squared_error(labels, predicted))}
    if task == "binary":
        return {
            "auc": float(roc_auc_score(labels, predicted)),
            "accuracy": float(accuracy_score(labels, predicted >= 0.5)),
            "log_loss": float(log_loss(labels, predicted)),
        }
    shares = predicted / predicted.sum(1, keepdims=True)
    return {
        "accuracy": float(accuracy_score(labels, predicted.argmax(1))),
        "log_loss": float(log_loss(labels, shares, labels=range(predicted.shape[1]))),
    }


def ranks(values: dict[str, float], metric: str) -> dict[str, float]:
    """Return the place of each contender, 1 the best; equal values share the mean of their places."""
    signed = {name: -value if metric in HIGHER else value for name, value in values.items()}
    return {
        name: 1
        + sum(other < value for other in signed.values())
        + (sum(other == value for other in signed.values()) - 1) / 2
        for name, value in signed.items()
    }
