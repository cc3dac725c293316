"""Flights: a model that reads an aggregate, an instant and a vector, and tables of its aggregate."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from mlplatform.features.declare import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, TimeInput, VectorInput
from mlplatform.features.state import TimeState, WideState
from mlplatform.lake import Lake, Lineage, Version
from mlplatform_tests.serve.conftest import NAME, exported_of, plain

LATE = Aggregate("late", events="departures", by=["tailnum"], window="24h")
NEXT = Aggregate("late", events="departures", by=["tailnum"], window="48h")  # Another definition.
ELEVEN = datetime(2026, 1, 1, 11, tzinfo=UTC)


def encoder(aggregate: Aggregate = LATE) -> Encoder:
    """Return fitted features: late, distance, place, and the hour of departure."""
    return Encoder(
        inputs=(
            NumberInput(column="late", type="float64"),
            NumberInput(column="distance", type="float64"),
            VectorInput(column="place", size=2),
            TimeInput(column="departs", timezone="UTC"),
        ),
        states=(
            plain("late", 0),
            plain("distance", 1),
            WideState(name="place", input=2, width=2, log=False),
            TimeState(name="departs", input=3, parts=("hour",), cycles=()),
        ),
        aggregates=(aggregate,),
        event_time="departs",
        entities=(("tailnum", "string"),),
    )


def changes(key: str, value: float) -> pa.Table:
    """Return a table in which N1 has `value` from eleven o'clock on."""
    row = {"aggregate": key, "entity": '["N1"]', "at": ELEVEN, "value": value}
    kinds = [pa.string(), pa.string(), pa.timestamp("us", tz="UTC"), pa.float64()]
    return pa.Table.from_pylist([row], schema=pa.schema(list(zip(row, kinds, strict=True))))


def write(lake: Lake, *keys: str, value: float = 2.0) -> Version:
    """Commit a version of the aggregates with these keys, of which the first has a change."""
    table = lake.table(f"{NAME}/aggregates")
    facts = {"aggregates": json.dumps(keys)}
    who = Lineage(asset=table.name, run_id=f"{value}{keys}", code_version="", facts=facts)
    return table.overwrite(changes(keys[0], value), who)


class World:
    """A lake with a model that nobody deployed, and versions of its aggregates."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)
        self.digest = self.lake.artifacts.put(exported_of(encoder(), seed=1))
        self.versions = [
            write(self.lake, LATE.key),
            write(self.lake, LATE.key, value=3.0),
            write(self.lake, NEXT.key),
        ]
