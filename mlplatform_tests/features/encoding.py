"""Generated inputs of every kind, with rows that fit them as JSON and as Arrow, for tests of encoding."""

from datetime import UTC, datetime, timedelta, timezone

import hypothesis.strategies as st
import pyarrow as pa

from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import (
    ElapsedInput,
    HashInput,
    NumberInput,
    TextInput,
    TimeInput,
    VectorInput,
    VocabularyInput,
)

TEXT = pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())
TIMES = (
    *(pa.timestamp(unit, tz=zone) for unit in ("s", "us") for zone in ("UTC", "Asia/Tokyo", None)),
    pa.timestamp("ms", tz="UTC"),
    pa.dictionary(pa.int8(), pa.timestamp("us", tz="UTC")),
)
STORED = {
    "int64": (pa.int64(), pa.dictionary(pa.int8(), pa.int64())),
    "float64": (pa.float64(), pa.dictionary(pa.int32(), pa.float64())),
    "bool": (pa.bool_(),),
    "string": TEXT,
    "timestamp": TIMES,
}
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
SECONDS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)).map(  # noqa: DTZ001 - said below.
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
OFFSETS = st.sampled_from(
    [UTC, timezone(timedelta(hours=5, minutes=45)), timezone(-timedelta(hours=9))]
)
VALUES = {
    "int64": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "float64": FLOATS | st.integers(-9, 9).map(float),
    "bool": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["a", "b", "Ångström über alles", "to be or not TO BE"]),
    "timestamp": SECONDS,
}


def inputs_of(draw, name, kind):
    """One to three inputs of a column."""
    zones, buckets = st.sampled_from(ZONES), st.integers(2, 9)
    time = st.builds(TimeInput, column=st.just(name), timezone=zones)
    units = st.sampled_from([1, 3600])
    elapsed = st.builds(ElapsedInput, column=st.just(name), since=st.just("t0"), unit_seconds=units)
    number = st.builds(NumberInput, column=st.just(name), type=st.just(kind))
    texts = {"int64": st.integers(-3, 3).map(str), "bool": st.sampled_from(["false", "true"])}
    known = st.lists(texts.get(kind, VALUES["string"]), unique=True, max_size=5).map(tuple)
    vocabulary = st.builds(
        VocabularyInput, column=st.just(name), type=st.just(kind), vocabulary=known
    )
    hashed = st.builds(HashInput, column=st.just(name), type=st.just(kind), buckets=buckets)
    text = st.builds(TextInput, column=st.just(name), buckets=buckets, ngrams=st.integers(1, 3))
    possible = {
        "int64": number | vocabulary | hashed,
        "float64": number,
        "bool": number | vocabulary,
        "string": vocabulary | hashed | text,
        "timestamp": time | elapsed,
    }
    return draw(st.lists(possible[kind], min_size=1, max_size=3))


@st.composite
def schemas(draw):
    """An encoder of random inputs, JSON rows that fit it, and the same rows as an Arrow table."""
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), max_size=4))
    columns = {"t0": "timestamp"} | {f"c{at}": kind for at, kind in enumerate(kinds)}
    inputs = [one for name, kind in columns.items() for one in inputs_of(draw, name, kind)]
    values = {name: VALUES[kind] for name, kind in columns.items()}
    stored = {name: draw(st.sampled_from(STORED[kind])) for name, kind in columns.items()}
    if draw(st.booleans()):
        size = draw(st.integers(1, 3))
        inputs.append(VectorInput(column="v", size=size))
        values["v"] = st.lists(FLOATS, min_size=size, max_size=size)
        stored["v"] = draw(st.sampled_from(lists(size)))
    row = st.fixed_dictionaries({name: st.none() | each for name, each in values.items()})
    rows = draw(st.lists(row, min_size=1, max_size=6))
    table = pa.table({n: array([r[n] for r in rows], kind) for n, kind in stored.items()})
    offset = draw(OFFSETS)
    return Encoder(tuple(inputs)), [as_json(row, offset) for row in rows], table


def lists(size):
    return pa.list_(pa.float32()), pa.list_(pa.float64(), size), pa.large_list(pa.float64())


def array(values, stored):
    if isinstance(stored, pa.DictionaryType):
        return pa.array(values, stored.value_type).dictionary_encode()
    return pa.array(values, stored)


def as_json(row, offset):
    """The row as a client may write it: times with any offset, UTC also without one."""

    def written(value):
        if not isinstance(value, datetime):
            return value
        return value.astimezone(offset).isoformat() if offset != UTC else value.isoformat()[:-6]

    return {name: written(value) for name, value in row.items()}


def same(one: Encoded, other: Encoded) -> bool:
    """Bit for bit, so that NaN equals itself."""
    return all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for a, b in ((one.numeric, other.numeric), (one.integers, other.integers))
    )
