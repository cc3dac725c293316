"""Which columns a feature is computed from, of every kind of feature."""

from mlplatform.features.column_lineage import column_lineage
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import ElapsedInput, HashInput, NumberInput
from mlplatform.features.state import BucketState, CrossState, FunctionState, IdState, NumericState
from mlplatform.spec.label import Label

DELAY = Aggregate(name="delays", events="departures", by={"plane": "tail"}, function="count")
LABEL = Label(column="late", positive="yes", weight="importance")


def number(column: str) -> NumberInput:
    """A number of the row, or an aggregate's value."""
    return NumberInput(column=column, type="float64")


def numeric(name: str, place: int, **more: object) -> NumericState:
    """A scaled number."""
    said = {"scale": "none", "log": False, "clip": (), "fill": 0.0, "indicator": False, "edges": ()}
    return NumericState(name=name, input=place, mean=0.0, deviation=1.0, **{**said, **more})


def test_every_column_names_the_columns_behind_it():
    encoder = Encoder(
        inputs=(
            number("age"),
            ElapsedInput(column="due", since="began", unit_seconds=60),
            HashInput(column="tail", type="string", buckets=8),
            number("delays"),
        ),
        states=(
            numeric("age", 0, indicator=True),
            numeric("left", 1),
            IdState(name="tail", input=2, size=10),
            BucketState(name="old", input=0, edges=(1.0, 2.0)),
            CrossState(name="both", of=("tail__id", "old__id"), sizes=(10, 5), buckets=50),
            FunctionState(name="ratio", inputs=(0, 3), width=2, source="a" * 64),
        ),
        aggregates=(DELAY,),
        event_time="at",
        entities=(("tail", "string"),),
    )
    assert column_lineage(encoder, LABEL) == {
        "row_id": [("dataset", "row_id")],
        "part": [("split", "part")],
        "label": [("dataset", "late")],
        "weight": [("dataset", "importance")],
        "age__scaled": [("dataset", "age")],
        "age__missing": [("dataset", "age")],
        "left__scaled": [("dataset", "due"), ("dataset", "began")],
        "ratio__000": RATIO,
        "ratio__001": RATIO,
        "tail__id": [("dataset", "tail")],
        "old__id": [("dataset", "age")],
        "both__id": [("dataset", "tail"), ("dataset", "age")],
    }


RATIO = [("dataset", "age"), ("aggregates", "value"), ("dataset", "tail"), ("dataset", "at")]
