import math

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from mlplatform.errors import FeatureError
from mlplatform.features import Categorical, FeatureSet, Numeric
from mlplatform.features.columns import FEW
from mlplatform.features.encoder import Encoded, Encoder
from mlplatform_tests.features import people

ARROW = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string(), "bool": pa.bool_()}
VALUES = {
    "int64": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "float64": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from("ab"),
    "bool": st.booleans(),
}


@st.composite
def tables(draw):
    """A generated schema, a feature for each column, and rows that fit it, missing values too."""
    kinds = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=4))
    columns = {f"c{at}": kind for at, kind in enumerate(kinds)}
    row = st.fixed_dictionaries({n: st.none() | VALUES[k] for n, k in columns.items()})
    rows = draw(st.lists(row, min_size=1, max_size=8))
    schema = pa.schema([(name, ARROW[kind]) for name, kind in columns.items()])
    made = {n: [as_type(row[n], k) for row in rows] for n, k in columns.items()}
    return pa.table(made, schema=schema), rows, draw(feature_sets(columns))


@st.composite
def feature_sets(draw, columns):
    number = st.builds(dict, bins=st.none() | st.integers(1, 5), log=st.booleans())
    made = []
    for name, kind in columns.items():
        if kind not in ("string", "bool") and (kind == "float64" or draw(st.booleans())):
            made.append(Numeric(name, missing=0.0, **draw(number)))
        else:
            made.append(Categorical(name, min_count=draw(st.integers(1, 2))))
    return FeatureSet(made)


def as_type(value, kind):
    return float(value) if kind == "float64" and value is not None else value


def same(one: Encoded, other: Encoded) -> bool:
    """Bit for bit, so that NaN equals itself."""
    return (
        one.numeric.tobytes() == other.numeric.tobytes()
        and one.categorical.tobytes() == other.categorical.tobytes()
    )


@given(tables())
def test_a_row_encodes_to_the_bits_it_has_in_its_table(made):
    """There is one `encode`, so a served row cannot differ from the row trained on."""
    table, rows, features = made
    encoder = features.fit(table)
    long = pa.concat_tables([table] * (1 + FEW // len(rows)))
    whole = encoder.encode(long)
    assert long.num_rows > FEW
    assert same(encoder.encode_rows(rows), whole[: len(rows)])
    for at, row in enumerate(rows):
        assert same(encoder.encode_rows([row]), whole[at : at + 1])


@given(tables())
def test_a_fitted_encoder_survives_its_json(made):
    table, _, features = made
    encoder = features.fit(table)
    stored = encoder.to_json()
    assert Encoder.from_json(stored) == encoder
    assert Encoder.from_json(stored).to_json() == stored


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return people.FEATURES.fit(people.dataset())


ROW = {"age": 30, "income": 5.5, "rooms": 2, "city": "Oslo"}


def test_missing_and_unseen_values_have_ids_of_their_own(encoder):
    rows = [ROW, ROW | {"city": None, "age": None}, ROW | {"city": "Atlantis", "rooms": 99}]
    encoded = encoder.encode_rows(rows)
    ids = encoded.categorical
    assert ids[1, 0] == 0
    assert ids[2].tolist() == [1, 1]
    assert (ids[0] >= 2).all()
    assert math.isnan(encoded.numeric[1, 0])


def test_values_rarer_than_the_minimum_count_share_the_unseen_id():
    table = pa.table({"city": ["a", "a", "b"]})
    encoder = FeatureSet([Categorical("city", min_count=2)]).fit(table)
    assert encoder.encode(table).categorical[:, 0].tolist() == [2, 2, 1]


def test_bools_are_categories_and_nothing_else_passes_for_one():
    table = pa.table({"active": [True, None, False, True]})
    encoder = FeatureSet([Categorical("active")]).fit(table)
    assert encoder.columns == {"active": "bool"}
    assert encoder.encode(table).categorical[:, 0].tolist() == [3, 0, 2, 3]
    restored = Encoder.from_json(encoder.to_json())
    assert restored.encode_rows(table.to_pylist()).categorical[:, 0].tolist() == [3, 0, 2, 3]
    for wrong in (1, 1.0, "true"):
        with pytest.raises(FeatureError, match="row 0: column 'active': true or false is expected"):
            encoder.encode_rows([{"active": wrong}])
    with pytest.raises(FeatureError, match="'active' holds int64; true or false is expected"):
        encoder.encode(pa.table({"active": [1, 0]}))


@pytest.mark.parametrize(
    "stored",
    [
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
)
def test_however_arrow_stores_text_its_ids_are_the_same(encoder, stored):
    table = people.dataset(50)
    at = table.schema.get_field_index("city")
    other = table.set_column(at, "city", table["city"].cast(stored))
    pieces = pa.concat_tables([other.slice(0, 7), other.slice(7)])
    assert same(encoder.encode(pieces), encoder.encode(table))


def test_no_rows_encode_to_no_rows(encoder):
    assert encoder.encode_rows([]).numeric.shape == (0, 3)
    assert encoder.encode(people.dataset(5).slice(0, 0)).categorical.shape == (0, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age": "30"}, "row 1: column 'age': a whole number is expected, got the text '30'"),
        ({"age": 30.5}, "row 1: column 'age': a whole number is expected, got 30.5"),
        ({"age": True}, "row 1: column 'age': a whole number is expected, got True"),
        ({"age": float("nan")}, "row 1: column 'age': a whole number is expected, got nan"),
        (
            {"age": 2**63},
            "row 1: column 'age': a whole number is expected, got 9223372036854775808",
        ),
        ({"income": "x" * 9999}, "row 1: column 'income': a number is expected, got the text 'xxx"),
        ({"income": float("nan")}, "row 1: column 'income' is nan; a finite 32-bit number"),
        ({"income": float("-inf")}, "row 1: column 'income' is -inf; a finite 32-bit number"),
        ({"income": 1e39}, "row 1: column 'income' is 1e.39; a finite 32-bit number is expected"),
        ({"income": 10**400}, "row 1: column 'income' is inf; a finite 32-bit number is expected"),
        ({"income": [1]}, r"row 1: column 'income': a number is expected, got \[1\]"),
        ({"city": 5}, "row 1: column 'city': text is expected, got 5"),
        ({"city": b"Oslo"}, "row 1: column 'city': text is expected"),
        ({"city": "\ud800"}, "row 1: column 'city': text is expected, got the text"),
        ({"colour": 1}, "row 1: unknown column 'colour'; columns: age, income, rooms, city"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_row_and_column(encoder, change, said):
    with pytest.raises(FeatureError, match=said) as caught:
        encoder.encode_rows([ROW, ROW | change])
    assert len(str(caught.value)) < 200


def test_a_row_that_lacks_a_column_or_is_no_row_is_named(encoder):
    lacking = {name: value for name, value in ROW.items() if name != "city"}
    with pytest.raises(FeatureError, match="row 0: column 'city' is missing; send null"):
        encoder.encode_rows([lacking])
    with pytest.raises(
        FeatureError, match="row 1: an object of named columns is expected, got int"
    ):
        encoder.encode_rows([ROW, 5])


def test_a_whole_number_may_be_written_with_a_point_and_a_number_without(encoder):
    written = {"age": 30.0, "income": 5, "rooms": np.int64(2), "city": "Oslo"}
    assert same(encoder.encode_rows([written]), encoder.encode_rows([ROW | {"income": 5.0}]))


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("age", ["a"] * 5, "column 'age' holds string; a number is expected"),
        ("city", [1] * 5, "column 'city' holds int64; text is expected"),
        ("income", [1, 2, None, math.inf, 3.0], "row 3: column 'income' is inf"),
        ("income", [1, math.nan, 2, 3, 4.0], "row 1: column 'income' is nan"),
    ],
)
def test_a_table_that_does_not_fit_is_named_by_column(encoder, column, values, said):
    table = people.dataset(5)
    wrong = table.set_column(table.schema.get_field_index(column), column, pa.array(values))
    with pytest.raises(FeatureError, match=said):
        encoder.encode(wrong)


def test_a_missing_column_of_a_table_is_named(encoder):
    with pytest.raises(FeatureError, match="column 'city' is missing; columns: row_id, age"):
        encoder.encode(people.dataset(5).drop_columns("city"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": 2, "numeric": [], "categorical": []}',
        b'{"format": 1, "numeric": [{}], "categorical": []}',
        (
            b'{"format": 1, "numeric": [], "categorical": [{"name": "c", "column": "c",'
            b' "type": "float64", "vocabulary": []}]}'
        ),
        (
            b'{"format": 1, "numeric": [], "categorical": [{"name": "c", "column": "c",'
            b' "type": "string", "vocabulary": ["a", "a"]}]}'
        ),
    ],
)
def test_stored_features_that_no_encoder_wrote_are_refused(content):
    with pytest.raises(FeatureError):
        Encoder.from_json(content)
