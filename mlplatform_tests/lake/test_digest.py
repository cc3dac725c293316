import datetime as dt
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlplatform.lake.arrow import SLICE_ROWS, resliced
from mlplatform.lake.digest import content_digest

CELLS = {
    "flag": (pa.bool_(), st.booleans()),
    "small": (pa.int8(), st.integers(-128, 127)),
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "real": (pa.float64(), st.floats()),
    "half": (pa.float32(), st.floats(width=32)),
    "text": (pa.string(), st.text(max_size=5)),
    "raw": (pa.binary(), st.binary(max_size=5)),
    "day": (pa.date32(), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))),
    "price": (pa.decimal128(9, 2), st.integers(0, 10**6).map(lambda n: Decimal(n) / 100)),
    "items": (
        pa.list_(pa.int64()),
        st.lists(st.none() | st.integers(0, 9), max_size=3),
    ),
    "pair": (
        pa.struct([("left", pa.int64()), ("right", pa.string())]),
        st.fixed_dictionaries(
            {"left": st.none() | st.integers(0, 9), "right": st.text(max_size=2)}
        ),
    ),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4, unique=True))
    count = draw(st.integers(0, 12))
    columns = {}
    for name in names:
        type_, cell = CELLS[name]
        values = draw(st.lists(st.none() | cell, min_size=count, max_size=count))
        columns[name] = pa.array(values, type_)
    return pa.table(columns)


@st.composite
def cuts(draw: st.DrawFn, count: int) -> list[int]:
    inner = draw(st.lists(st.integers(0, count), max_size=4))
    return [0, *sorted(inner), count]


@given(st.data())
def test_chunks_and_offsets_do_not_matter(data: st.DataObject) -> None:
    table = data.draw(tables())
    edges = data.draw(cuts(table.num_rows))
    pieces = [table.slice(a, b - a) for a, b in pairwise(edges)]
    inside = pa.concat_tables([table, table]).combine_chunks().slice(table.num_rows)
    assert content_digest(pa.concat_tables(pieces)) == content_digest(table)
    assert content_digest(inside) == content_digest(table)


@given(st.data())
def test_any_other_cell_is_another_digest(data: st.DataObject) -> None:
    table = data.draw(tables().filter(lambda t: t.num_rows > 0))
    name = data.draw(st.sampled_from(table.column_names))
    row = data.draw(st.integers(0, table.num_rows - 1))
    values = table[name].to_pylist()
    type_, cell = CELLS[name]
    other = pa.array([data.draw(st.none() | cell)], type_)[0].as_py()
    assume(repr(other) != repr(values[row]))
    values[row] = other
    at = table.column_names.index(name)
    changed = table.set_column(at, name, pa.array(values, type_))
    assert content_digest(changed) != content_digest(table)


@given(tables())
def test_other_names_types_order_or_rows_are_another_digest(table: pa.Table) -> None:
    digest = content_digest(table)
    renamed = table.rename_columns([f"{name}_" for name in table.column_names])
    more = pa.concat_tables([table, pa.Table.from_pylist([{}], schema=table.schema)])
    assert digest not in {content_digest(renamed), content_digest(more)}
    if table.num_columns > 1:
        assert content_digest(table.select(table.column_names[::-1])) != digest


def test_what_lies_under_a_null_does_not_matter() -> None:
    valid = pa.py_buffer(np.packbits([1, 0, 1], bitorder="little").tobytes())

    def numbers(hidden: int) -> pa.Table:
        values = pa.py_buffer(np.array([1, hidden, 3], np.int64).tobytes())
        return pa.table({"x": pa.Array.from_buffers(pa.int64(), 3, [valid, values])})

    def texts(hidden: bytes) -> pa.Table:
        ends = np.cumsum([0, 1, len(hidden), 1]).astype(np.int32)
        buffers = [valid, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"a" + hidden + b"c")]
        return pa.table({"x": pa.Array.from_buffers(pa.string(), 3, buffers)})

    assert content_digest(numbers(7)) == content_digest(numbers(-1))
    assert content_digest(texts(b"")) == content_digest(texts(b"junk"))


def test_encoding_and_width_of_texts_do_not_matter() -> None:
    plain = pa.array(["u", None, "v", "u"])
    alike = [plain.dictionary_encode(), plain.cast(pa.large_string()), plain.cast(pa.string_view())]
    digests = {content_digest(pa.table({"x": column})) for column in [plain, *alike]}
    assert len(digests) == 1


def test_long_tables_are_hashed_in_slices_wherever_their_chunks_end() -> None:
    rng = np.random.default_rng(0)
    count = 2 * SLICE_ROWS + 17
    table = pa.table({"x": rng.normal(size=count), "s": rng.integers(0, 9, count).astype(str)})
    edges = [0, 1, SLICE_ROWS - 1, SLICE_ROWS + 5, 2 * SLICE_ROWS, count]
    pieces = [table.slice(a, b - a) for a, b in pairwise(edges)]
    assert content_digest(pa.concat_tables(pieces)) == content_digest(table)
    swapped = pa.concat_tables([pieces[1], pieces[0], *pieces[2:]])
    assert content_digest(swapped) != content_digest(table)


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 5))
def test_reslicing_keeps_rows_and_fills_every_slice_but_the_last(
    sizes: list[int], rows: int
) -> None:
    table = pa.table({"x": list(range(sum(sizes)))})
    ends = np.cumsum([0, *sizes])
    batches = [batch for a, b in pairwise(ends) for batch in table.slice(a, b - a).to_batches()]
    made = list(resliced(batches, rows))
    assert [x for batch in made for x in batch["x"].to_pylist()] == table["x"].to_pylist()
    assert all(batch.num_rows == rows for batch in made[:-1])


@pytest.mark.parametrize(
    "unlike",
    [([0.0], [-0.0]), ([None], [0.0]), (["ab", "c"], ["a", "bc"]), ([[1], [2, 3]], [[1, 2], [3]])],
    ids=str,
)
def test_cells_with_the_same_bytes_still_differ(unlike: tuple[list[object], list[object]]) -> None:
    type_ = pa.array(unlike[1]).type
    one, other = (content_digest(pa.table({"x": pa.array(cells, type_)})) for cells in unlike)
    assert one != other
