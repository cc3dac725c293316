"""Real answers of three models about real people, and populations of them whose true difference is known."""

import csv
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[1] / "pipelines" / "census_income" / "data"
NUMBERS = (0, 4, 10, 11, 12)  # Age, education, capital gain and loss, hours.
TEXTS = (1, 5, 6, 7, 8, 9, 13)
INCOME = 14
DOUBLINGS = 60  # Halvings of the tilt: to the last bit of a float64.


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What models that saw none of these rows say of them.

    Attributes:
        labels: int8[rows].
        champion: f32[rows], boosted trees.
        candidates: By name, f32[rows]: "trained again", the same trees on other rows, and "another
            family", a logistic regression.
    """

    labels: NDArray[np.int8]
    champion: NDArray[np.float32]
    candidates: dict[str, NDArray[np.float32]]


def real_answers() -> Answers:
    """Train on the 16,281 people of the smaller file, half by half, and answer for the other 32,561."""
    train, people = _read("adult.test.gz"), _read("adult.data.gz")
    half = len(train) // 2
    labels = np.array([row[INCOME].startswith(">50K") for row in people], np.int8)
    return Answers(
        labels=labels,
        champion=_trees(train[:half], people),
        candidates={
            "trained again": _trees(train[half:], people),
            "another family": _logistic(train, people),
        },
    )


def tilted(target: float, apart: Floats, difference: Callable[[Floats], float]) -> Floats:
    """Return float64[rows]: probabilities of the rows with which the true difference is `target`.

    Each row is drawn the more often the more it speaks for one model (`apart`, per row), by the least
    change of the population in the sense of Kullback & Leibler. `difference` is of a weighted
    population, and rises with the tilt.
    """
    low, high = -20.0, 20.0
    unit = apart / np.abs(apart).max()
    for _ in range(DOUBLINGS):
        middle = (low + high) / 2
        if difference(_weights(middle, unit)) < target:
            low = middle
        else:
            high = middle
    return _weights(high, unit)


def _weights(tilt: float, unit: Floats) -> Floats:
    weights = np.exp(tilt * unit)
    return np.asarray(weights / weights.sum())


def _read(name: str) -> list[list[str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        rows = csv.reader(file, skipinitialspace=True)
        return [row for row in rows if len(row) > INCOME]


def _trees(train: list[list[str]], people: list[list[str]]) -> NDArray[np.float32]:
    import lightgbm

    how = {
        "objective": "binary",
        "num_leaves": 15,
        "learning_rate": 0.1,
        "verbosity": -1,
        "seed": 0,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
    }
    known = [sorted({row[at] for row in train}) for at in TEXTS]
    x, y = _encoded(train, known), [float(row[INCOME].startswith(">50K")) for row in train]
    columns = list(range(len(NUMBERS), len(NUMBERS) + len(TEXTS)))
    rows = lightgbm.Dataset(x, y, categorical_feature=columns)
    booster = lightgbm.train(how, rows, num_boost_round=100)
    return np.asarray(booster.predict(_encoded(people, known)), np.float32)


def _logistic(train: list[list[str]], people: list[list[str]]) -> NDArray[np.float32]:
    from sklearn.linear_model import LogisticRegression

    known = [sorted({row[at] for row in train}) for at in TEXTS]
    y = [row[INCOME].startswith(">50K") for row in train]
    model = LogisticRegression(C=1.0, max_iter=500).fit(_hot(train, known), y)
    return np.asarray(model.predict_proba(_hot(people, known))[:, 1], np.float32)


def _encoded(rows: list[list[str]], known: list[list[str]]) -> Floats:
    """Return numbers, then the place of each text among the known ones, NaN of others."""
    numbers = np.array([[float(row[at]) for at in NUMBERS] for row in rows])
    places = [{text: float(at) for at, text in enumerate(texts)} for texts in known]
    pairs = list(zip(TEXTS, places, strict=True))
    codes = np.array([[place.get(row[at], np.nan) for at, place in pairs] for row in rows])
    return np.hstack([numbers, codes])


def _hot(rows: list[list[str]], known: list[list[str]]) -> Floats:
    """Return numbers in units of their spread, money as logarithms, and a column a known text."""
    encoded = _encoded(rows, known)
    numbers, codes = encoded[:, : len(NUMBERS)].copy(), encoded[:, len(NUMBERS) :]
    numbers[:, 2:4] = np.log1p(numbers[:, 2:4])
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    hot = [codes[:, [at]] == np.arange(len(texts)) for at, texts in enumerate(known)]
    return np.hstack([numbers, *hot]).astype(np.float64)
