"""`features.json`: what an encoder wrote comes back, and nothing else is taken for it."""

import json

import pytest
from hypothesis import given, settings

from mlplatform.errors import FeatureError
from mlplatform.features import Aggregate
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import (
    HashInput,
    NumberInput,
    TextInput,
    TimeInput,
    VectorInput,
    VocabularyInput,
)
from mlplatform.features.state import (
    BucketState,
    CrossState,
    FunctionState,
    IdState,
    NumericState,
    TimeState,
    WideState,
)
from mlplatform_tests.features.encoding import schemas

LATE = Aggregate(
    "late", "departures", {"tail": "tail_number", "carrier": "carrier"}, "sum", "minutes",
    where=[("minutes", ">", 15), ("cancelled", "==", False), ("carrier", "!=", "AA")], window="24h",
)  # fmt: skip
COUNT = Aggregate("flights", "departures", ())
EVERYTHING = Encoder(
    (
        NumberInput(column="age", type="int64"),
        NumberInput(column="late", type="float64"),
        NumberInput(column="flights", type="float64"),
        VocabularyInput(column="carrier", type="string", vocabulary=("AA", "ÄÖ\n")),
        TimeInput(column="at", timezone="America/New_York"),
        TextInput(column="note", buckets=3, ngrams=2),
        VectorInput(column="face", size=2),
        HashInput(column="tail_number", type="string", buckets=7),
    ),
    (
        NumericState(
            name="age", input=0, scale="quantile", log=True, clip=(0, 99.5), fill=30, indicator=True,
            edges=(1e-300, 3), mean=0.1, deviation=2, shares=(0, 1),
        ),
        BucketState(name="lateness", input=1, edges=(0.0, 5.0)),
        IdState(name="carrier", input=3, size=4),
        TimeState(name="at", input=4, parts=("hour", "month"), cycles=("day",)),
        CrossState(
            name="both", of=("carrier__id", "at__hour", "hashed__id"), sizes=(4, 26, 9), buckets=5
        ),
        IdState(name="hashed", input=7, size=9),
        WideState(name="note", input=5, width=3, log=True),
        WideState(name="face", input=6, width=2, log=False),
        FunctionState(name="ratio", inputs=(0, 2), width=1, source="ab12"),
    ),
    (LATE, COUNT),
    "scheduled",
)  # fmt: skip


def test_every_kind_of_input_state_and_aggregate_survives():
    stored = EVERYTHING.to_json()
    read = Encoder.from_json(stored)
    assert read == EVERYTHING
    assert read.to_json() == stored
    assert [one.key for one in read.aggregates] == [LATE.key, COUNT.key]
    assert json.loads(stored)["format"] == 2


@settings(max_examples=30)
@given(schemas())
def test_any_encoder_survives(made):
    encoder, rows, _ = made
    read = Encoder.from_json(encoder.to_json())
    assert read == encoder
    assert read.encode_rows(rows).numeric.tobytes() == encoder.encode_rows(rows).numeric.tobytes()


def test_names_and_sizes_come_in_the_order_of_the_features():
    assert EVERYTHING.vector_names == (
        "age__scaled", "age__missing", "at__day_sin", "at__day_cos", "note__000", "note__001",
        "note__002", "face__000", "face__001", "ratio__value",
    )  # fmt: skip
    assert dict(zip(EVERYTHING.id_names, EVERYTHING.id_sizes, strict=True)) == {
        "lateness__id": 5,
        "carrier__id": 4,
        "at__hour": 26,
        "at__month": 14,
        "both__id": 7,
        "hashed__id": 9,
    }


def test_a_client_is_asked_for_what_aggregates_need_and_not_for_their_values():
    own = {"age": "int64", "carrier": "string", "at": "timestamp", "note": "string"}
    own |= {"face": "vector[2]", "tail_number": "string"}
    assert EVERYTHING.columns == own | {"late": "float64", "flights": "float64"}
    assert EVERYTHING.asked == own | {"scheduled": "timestamp"}
    alone = Encoder(
        (NumberInput(column="late", type="float64"),), (), (LATE,), "scheduled",
        (("tail_number", "int64"), ("carrier", "string")),
    )  # fmt: skip
    entity = {"tail_number": "int64", "carrier": "string"}
    assert alone.asked == entity | {"scheduled": "timestamp"}
    assert Encoder.from_json(alone.to_json()) == alone


def changed(*path, to):
    stored = json.loads(EVERYTHING.to_json())
    place = stored
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(stored).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "is no object"),
        (b"{}", "its format is None, not 2"),
        (b'{"format": 2}', "field 'inputs' is missing"),
        (b'{"format": 1, "numeric": [{}], "categorical": []}', "its format is 1, not 2"),
        (b"\xff", "no JSON"),
        (changed("more", to=1), "field 'more' is unknown"),
        (changed("inputs", to={}), "inputs is of another type"),
        (changed("event_time", to=3), "event_time is of another type"),
        (changed("inputs", 0, to=5), r"inputs\[0\]: no kind of elapsed, hash, number"),
        (changed("inputs", 0, "kind", to="magic"), r"inputs\[0\]: no kind of elapsed, hash"),
        (changed("inputs", 0, "column", to=None), r"inputs\[0\]: field 'column' is missing"),
        (changed("inputs", 0, "column", to=1), r"inputs\[0\].column: str is expected, got 1"),
        (changed("inputs", 0, "type", to="string"), "column 'age': type 'string'; possible"),
        (changed("inputs", 3, "vocabulary", to=["a", "a"]), "'carrier' repeats a value"),
        (changed("inputs", 3, "vocabulary", to="ab"), r"inputs\[3\].vocabulary is no list"),
        (changed("inputs", 3, "vocabulary", to=[1]), r"vocabulary: str is expected, got 1"),
        (changed("inputs", 5, "buckets", to=True), r"inputs\[5\].buckets: int is expected"),
        (changed("inputs", 6, "size", to=0), "column 'face': size=0 is impossible"),
        (changed("features", 0, "input", to=3), "feature 'age': input 3 is none of kind number"),
        (changed("features", 0, "input", to=-1), "feature 'age': input -1 is none of kind"),
        (changed("features", 5, "input", to=-1), "feature 'hashed': input -1 is none of kind"),
        (changed("features", 0, "log", to=1), r"features\[0\].log: bool is expected, got 1"),
        (changed("features", 0, "fill", to=1e999), r"fill: float is expected, got Infinity"),
        (changed("features", 2, "size", to=9), "feature 'carrier' has 9 ids, its input 4"),
        (changed("features", 4, "of", 0, to="x"), "feature 'both' crosses ids that no feature"),
        (changed("features", 6, "width", to=4), "feature 'note' is 4 wide, its input 3"),
        (changed("features", 8, "inputs", to=[0, 99]), "feature 'ratio': input 99 is none of"),
        (changed("aggregates", 0, "window", to="1y"), r"aggregates\[0\]: aggregate 'late': window"),
        (changed("aggregates", 0, "by", to=[["a"]]), r"aggregates\[0\].by holds no pairs"),
        (changed("aggregates", 0, "where", to=[["a", "=="]]), "where holds no conditions"),
        (changed("aggregates", 0, "events", to=[]), r"aggregates\[0\].events is \[\]"),
        (changed("aggregates", 0, "name", to="other"), "aggregate 'other': no input reads it"),
        (changed("event_time", to=""), "aggregate 'late' needs event_time"),
        (changed("aggregates", 0, "by", to=[["a", "b"]]), "give the type of its entity 'b'"),
        (changed("entities", to=[["a"]]), "entities holds no pairs"),
    ],
)
def test_what_no_encoder_wrote_is_refused(content, said):
    with pytest.raises(FeatureError, match=said) as caught:
        Encoder.from_json(content)
    assert "features.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1.0", "01", " 1", "x", "1_0"])
def test_a_vocabulary_of_whole_numbers_holds_whole_numbers(text):
    with pytest.raises(FeatureError, match="in its vocabulary is no int64"):
        Encoder((VocabularyInput(column="x", type="int64", vocabulary=("3", text)),))


def test_a_column_has_one_type():
    with pytest.raises(FeatureError, match="column 'x' is read as int64 and as float64"):
        Encoder(tuple(NumberInput(column="x", type=kind) for kind in ("int64", "float64")))
