"""Small tables of people with a label that their columns tell, for tests of features and models."""

from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.features import Categorical, Cross, FeatureSet, Numeric, feature
from mlplatform.features.encoder import Encoder
from mlplatform.features.feature_program import FeatureProgram, export_features
from mlplatform.features.fitting import fit
from mlplatform.features.table import build
from mlplatform.spec import Pipeline, validate

COLUMNS = {
    "age": "int64",
    "income": "float64",
    "city": "string",
    "rooms": "int64",
    "email": "string",
    "member": "string",
    "kind": "string",
    "spending": "float64",
    "times": "int64",
}
# Sections of the spec by which the same people have a label of another task.
UNUSED = {"email": "identifies a person", "kind": "says who is a member", "spending": "known later"}
OTHER_TASKS: dict[str, dict[str, Any]] = {
    "multiclass": {
        "label": {"column": "kind", "task": "multiclass", "classes": ["young", "middle", "old"]},
    },
    "regression": {"label": {"column": "spending", "task": "regression", "weight": "times"}},
    "quantiles": {
        "label": {"column": "spending", "task": "regression", "quantiles": [0.1, 0.5, 0.9]},
    },
}


@feature(columns=["income", "rooms"])
def room_price(income, rooms):
    """Income by room; a product and a difference, which a compiler may contract."""
    return jnp.log1p(income / rooms) * 0.1 - 0.9


FEATURES = FeatureSet(
    [
        Numeric("age", bins=4),
        Numeric("income", log=True),
        Numeric("rooms", missing=0.0),
        Categorical("city", min_count=2),
        Categorical("rooms_kind", column="rooms"),
        Cross("city_rooms", of=("city", "rooms_kind")),
        room_price,
    ]
)


def pipeline(folder: Path, **changes: Any) -> Pipeline:
    """A pipeline of people; keywords replace sections of its spec."""
    attributes = {
        "name": "people",
        "source": {"kind": "csv", "files": ["people.csv"]},
        "columns": COLUMNS,
        "label": {"column": "member", "positive": "yes"},
        "unused": UNUSED,
        "model": {"hidden": [8], "epochs": 3, "batch_size": 16, "learning_rate": 0.02},
        **changes,
    }
    return Pipeline(spec=validate(attributes, folder / "defs.yaml"), folder=folder)


def dataset(rows: int = 600, seed: int = 0) -> pa.Table:
    """A typed dataset: the older and the Parisians are members; a tenth of incomes is missing.

    `kind` is mostly told by age; `spending` by income, rooms and age.
    """
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, rows)
    city = rng.choice(["Paris", "Oslo", "Rome", "Bonn"], rows, p=[0.4, 0.3, 0.2, 0.1])
    income = np.exp(rng.normal(10, 1, rows))
    chance = 1 / (1 + np.exp(-((age - 50) / 8 + 3 * (city == "Paris") - 1)))
    table = pa.table(
        {
            "row_id": np.arange(rows),
            "age": age,
            "income": pa.array(income, mask=rng.random(rows) < 0.1),
            "city": pa.array(city, mask=rng.random(rows) < 0.05),
            "rooms": pa.array(rng.integers(1, 5, rows), mask=rng.random(rows) < 0.2),
            "email": [f"{n}@example.org" for n in range(rows)],
            "member": np.where(rng.random(rows) < chance, "yes", "no"),
        }
    )
    kind = np.array(["young", "middle", "old"])[
        np.digitize(age + rng.normal(0, 20, rows), [40, 60])
    ]
    spending = 20 * np.log(income) + age + 15 * (city == "Paris") + rng.normal(0, 5, rows)
    more = {"kind": kind, "spending": spending, "times": rng.integers(0, 4, rows)}
    for name, values in more.items():
        table = table.append_column(name, pa.array(values))
    return table


def split(data: pa.Table) -> pa.Table:
    """Every fifth row validates, every fifth tests, the others train."""
    part = np.array(["train", "validation", "test", "train", "train"])
    return pa.table({"row_id": data["row_id"], "part": part[np.arange(data.num_rows) % 5]})


@cache
def encoder() -> Encoder:
    """The features fitted on the training rows of some people."""
    data = dataset()
    train = data.filter(pc.equal(split(data)["part"], "train"))
    return fit(FEATURES, train.to_batches(100), COLUMNS)


@cache
def program() -> FeatureProgram:
    """Their feature program: compiled once a process."""
    functions = {room_price.name: room_price.function}
    return FeatureProgram.load(export_features(encoder(), functions), encoder())


@cache
def table() -> pa.Table:
    """The features table of these people."""
    data = dataset()
    batches = data.to_batches(), split(data).to_batches()
    return build(pipeline(Path("people")), encoder(), program(), *batches).read_all()


def features(rows: int = 600) -> tuple[Encoder, pa.Table]:
    """The fitted encoder, and the features of the first of these people."""
    return encoder(), table().slice(0, rows)


def labelled(pipeline: Pipeline) -> pa.Table:
    """The features table of these people with the label that a pipeline asks for."""
    data = dataset()
    batches = data.to_batches(), split(data).to_batches()
    return build(pipeline, encoder(), program(), *batches).read_all()
