"""There is one `encode`: a served row cannot differ from the row trained on."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.features.categories import FEW
from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder import Encoder
from mlplatform.features.inputs import NumberInput, VocabularyInput
from mlplatform_tests.features.encoding import TEXT, same, schemas


@given(schemas())
def test_a_row_encodes_to_the_bits_it_has_in_its_table(made):
    encoder, rows, table = made
    whole = encoder.encode(pa.concat_tables([table] * (1 + FEW // len(rows))))
    assert len(whole) > FEW
    assert same(encoder.encode_rows(rows), whole[: len(rows)])
    for at, row in enumerate(rows):
        assert same(encoder.encode_rows([row]), whole[at : at + 1])


@given(schemas(), st.data())
def test_a_part_of_a_table_encodes_to_that_part_of_it(made, data):
    encoder, rows, table = made
    table = pa.concat_tables([table] * (1 + 2 * FEW // len(rows)))
    start = data.draw(st.integers(0, table.num_rows))
    length = data.draw(st.integers(0, table.num_rows - start))
    whole = encoder.encode(table)
    assert same(encoder.encode(table.slice(start, length)), whole[start : start + length])
    batches = [encoder.encode(batch) for batch in table.to_batches()]
    assert same(whole, Encoded(*map(np.concatenate, zip(*map(arrays, batches), strict=True))))


def arrays(encoded):
    return encoded.numeric, encoded.integers


@given(schemas())
def test_what_is_missing_everywhere_is_nan_zero_or_an_id_of_its_own(made):
    encoder, _, table = made
    empty = encoder.encode_rows([dict.fromkeys(encoder.columns)])
    assert not empty.numeric[np.isfinite(empty.numeric)].any()
    nothing = encoder.encode(table.slice(0, 0))
    assert nothing.numeric.shape == (0, empty.numeric.shape[1])
    assert nothing.integers.shape == (0, empty.integers.shape[1])
    assert same(encoder.encode_rows([]), nothing)


@settings(max_examples=20)
@given(schemas())
def test_columns_no_input_reads_make_no_difference_to_a_table(made):
    encoder, _, table = made
    wider = table.append_column("further", pa.nulls(table.num_rows))
    assert same(encoder.encode(wider), encoder.encode(table))


ENCODER = Encoder(
    (
        NumberInput(column="age", type="int64"),
        VocabularyInput(column="city", type="string", vocabulary=("Oslo", "Rome")),
        VocabularyInput(column="rooms", type="int64", vocabulary=("2", "10")),
        VocabularyInput(column="active", type="bool", vocabulary=("true",)),
    )
)


def test_missing_and_unseen_values_have_ids_of_their_own():
    table = pa.table(
        {
            "age": [30, None, 2**53 + 1],
            "city": ["Rome", None, "rome"],
            "rooms": [10, None, 3],
            "active": [True, None, False],
        }
    )
    encoded = ENCODER.encode(table)
    assert encoded.integers.tolist() == [[3, 3, 2], [0, 0, 0], [1, 1, 1]]
    np.testing.assert_array_equal(encoded.numeric[:, 0], np.float32([30, np.nan, 2**53]))
    assert same(encoded[1:2], ENCODER.encode_rows([dict.fromkeys(ENCODER.columns)]))


@pytest.mark.parametrize("stored", [*TEXT, pa.dictionary(pa.int32(), pa.large_string())])
@pytest.mark.parametrize("times", [1, FEW])
def test_however_arrow_stores_text_its_ids_are_the_same(stored, times):
    cities = pa.array(["Oslo", None, "Bonn", "Rome"] * times)
    rest = {name: pa.nulls(len(cities), kind) for name, kind in REST.items()}
    table = pa.table({**rest, "city": cities.cast(stored)})
    pieces = pa.concat_tables([table.slice(0, 3), table.slice(3)])
    assert ENCODER.encode(pieces).integers[:, 0].tolist() == [2, 0, 1, 3] * times


REST = {"age": pa.int64(), "rooms": pa.int64(), "active": pa.bool_()}


def test_a_dictionary_may_hold_null_and_repeat_itself():
    held = pa.array(["Rome", None, "Rome", "Oslo"])
    cities = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3, None] * FEW, pa.int8()), held)
    rest = {name: pa.nulls(len(cities), kind) for name, kind in REST.items()}
    encoded = ENCODER.encode(pa.table({**rest, "city": cities}))
    assert encoded.integers[:5, 0].tolist() == [3, 0, 3, 2, 0]


def test_importing_the_features_room_wakes_neither_arrow_nor_jax():
    code = (
        "import sys, mlplatform.features as f; assert not {'jax', 'pyarrow'} & set(sys.modules);"
        "assert f.Encoder.__name__ == 'Encoder' and 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
