"""What training is measured against, each a process of its own: PyTorch in two ways, and scikit-learn.

`.venv-peers-training/bin/python benchmarks/training_peers.py NAME FILE` reads rows (.npz with x, y, test_x, test_y),
says `ready`, and for each line it is given, the settings of one training as JSON, answers with seconds and test AUC.
Nothing of this repository is imported: the peers' environment has no JAX.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

Answer = tuple[float, np.ndarray]  # Seconds of fitting, and probabilities of the test rows.
Train = Callable[[dict[str, np.ndarray], dict[str, Any]], Answer]


def _network(width: int, hidden: list[int]) -> Any:
    from torch import nn

    layers: list[Any] = []
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    return nn.Sequential(*layers, nn.Linear(width, 1))


def torch_loop(rows: dict[str, np.ndarray], how: dict[str, Any]) -> Answer:
    """PyTorch, as tight as it goes in Python: batches are picked from one tensor by an index tensor."""
    import torch

    x, y = torch.from_numpy(rows["x"]), torch.from_numpy(rows["y"])

    def batches() -> Any:
        order = torch.randperm(len(x))
        for first in range(0, len(x) - how["batch_size"] + 1, how["batch_size"]):
            picked = order[first : first + how["batch_size"]]
            yield x[picked], y[picked]

    return _torch(rows, how, batches)


def torch_loader(rows: dict[str, np.ndarray], how: dict[str, Any]) -> Answer:
    """PyTorch with its DataLoader, as its tutorials have it."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    data = TensorDataset(torch.from_numpy(rows["x"]), torch.from_numpy(rows["y"]))
    loader = DataLoader(data, batch_size=how["batch_size"], shuffle=True, drop_last=True)
    return _torch(rows, how, lambda: loader)


def _torch(rows: dict[str, np.ndarray], how: dict[str, Any], batches: Callable[[], Any]) -> Answer:
    import torch

    torch.manual_seed(how["seed"])
    started = time.perf_counter()
    model = _network(rows["x"].shape[1], how["hidden"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=how["learning_rate"], weight_decay=how["weight_decay"]
    )
    loss_of = torch.nn.BCEWithLogitsLoss()
    for _ in range(how["epochs"]):
        for x, y in batches():
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x)[:, 0], y)
            loss.backward()
            optimizer.step()
    seconds = time.perf_counter() - started
    with torch.inference_mode():
        return seconds, torch.sigmoid(model(torch.from_numpy(rows["test_x"]))[:, 0]).numpy()


def scikit_learn(rows: dict[str, np.ndarray], how: dict[str, Any]) -> Answer:
    """scikit-learn's MLPClassifier; it has Adam without decoupled decay."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        how["hidden"],
        batch_size=how["batch_size"],
        learning_rate_init=how["learning_rate"],
        max_iter=how["epochs"],
        n_iter_no_change=how["epochs"],
        random_state=how["seed"],
    )
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That it has not converged after so many epochs.
        model.fit(rows["x"], rows["y"])
    return time.perf_counter() - started, model.predict_proba(rows["test_x"])[:, 1]


PEERS: dict[str, Train] = {
    "torch loop": torch_loop,
    "torch DataLoader": torch_loader,
    "scikit-learn": scikit_learn,
}


def versions() -> dict[str, str]:
    """Return what the peers are."""
    import sklearn
    import torch

    return {"torch": str(torch.__version__), "scikit-learn": sklearn.__version__}


def serve(train: Train, file: str) -> None:
    """Answer each line of standard input."""
    with np.load(file) as stored:
        rows = {name: stored[name] for name in stored.files}
    print(json.dumps({"ready": versions()}), flush=True)
    for line in sys.stdin:
        seconds, found = train(rows, json.loads(line))
        auc = float(roc_auc_score(rows["test_y"], found))
        print(json.dumps({"seconds": seconds, "auc": auc}), flush=True)


if __name__ == "__main__":
    serve(PEERS[sys.argv[1]], sys.argv[2])
