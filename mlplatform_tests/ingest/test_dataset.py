"""Landed rows become the dataset: each with an identity that no later landing changes."""

import itertools
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.dataset import row_ids, rows
from mlplatform.spec import Pipeline
from mlplatform_tests.ingest.conftest import COLUMNS, land_rows, make_spec, typed_rows

PEOPLE = [("ann", 41, 1.68, "yes"), ("bob", None, 1.8, "no"), (None, 7, None, "no")]
values = st.tuples(st.none() | st.text(max_size=3), st.none() | st.integers(0, 9))
people = st.lists(values.map(lambda v: (*v, 1.5, "yes")), min_size=1, max_size=9)


@pytest.fixture
def dataset_of(lake, table, tmp_path):
    """Land files of typed rows, and return the dataset they make."""

    def dataset(spec, *files):
        version = land_rows(table, *files)
        return rows(Pipeline(spec=spec, folder=tmp_path), lake, version).read_all()

    return dataset


def ids(spec, *tables):
    batches = pa.concat_tables(tables).combine_chunks().to_batches()
    return [i for batch in batches for i in row_ids(batch, spec).tolist()]


def test_a_row_has_identity_declared_columns_and_origin_in_written_order(dataset_of):
    spec = make_spec()
    one, two = typed_rows(spec, PEOPLE, "b.csv"), typed_rows(spec, PEOPLE, "a.csv")
    made = dataset_of(spec, one, two)
    assert made.schema.names == ["row_id", *COLUMNS, "source_file", "source_line"]
    assert made.schema.field("row_id").type == pa.int64()
    assert made.drop_columns("row_id").equals(pa.concat_tables([one, two]))
    assert len(set(made["row_id"].to_pylist())) == 6


def test_bools_and_times_pass_as_they_are(dataset_of):
    spec = make_spec(columns=COLUMNS | {"active": "bool", "born": "timestamp"})
    landed = typed_rows(spec, [(*PEOPLE[0], True, 1_000_000), (*PEOPLE[1], None, None)])
    made = dataset_of(spec, landed)
    assert made.drop_columns("row_id").equals(landed)


@given(people, people)
def test_without_a_key_a_rows_place_is_its_identity_and_its_content_is_not(first, second):
    spec = make_spec()
    same = min(len(first), len(second))
    one, two = (ids(spec, typed_rows(spec, rows)) for rows in (first, second))
    assert one[:same] == two[:same]
    assert len(set(one)) == len(first)
    assert not set(one) & set(ids(spec, typed_rows(spec, first, "other.csv")))


@given(people, st.randoms())
def test_with_a_key_its_identity_is_the_key_wherever_the_row_lands(listed, random):
    spec = make_spec(key=["name", "age"])
    whole = [row for row in listed if None not in row]
    moved = random.sample(whole, len(whole))
    one = dict(zip(whole, ids(spec, typed_rows(spec, whole)), strict=True))
    other = dict(zip(moved, ids(spec, typed_rows(spec, moved, "other.csv")), strict=True))
    assert one == other
    assert len(set(one.values())) == len(one)


def test_rows_that_lack_a_part_of_their_key_are_known_by_their_place():
    spec = make_spec(key=["name", "age"])
    lacking = [(None, 1, 1.5, "yes"), (None, 1, 1.5, "yes"), ("ann", None, 1.5, "yes")]
    made = ids(spec, typed_rows(spec, lacking))
    assert len(set(made)) == 3
    assert made == ids(make_spec(), typed_rows(spec, lacking))


def test_the_labels_ending_is_dropped_and_no_other_columns(dataset_of):
    spec = make_spec(label={"column": "member", "positive": "yes", "strip": "."})
    landed = [("ann.", 1, 1.5, "yes."), ("bob.", 2, 1.5, "no.."), ("cy.", 3, 1.5, None)]
    made = dataset_of(spec, typed_rows(spec, landed))
    assert made["member"].to_pylist() == ["yes", "no", None]
    assert made["name"].to_pylist() == ["ann.", "bob.", "cy."]


def test_a_table_landed_under_other_columns_asks_for_landing(dataset_of):
    landed = typed_rows(make_spec(), PEOPLE)
    more = make_spec(columns=COLUMNS | {"born": "timestamp"})
    with pytest.raises(SourceError, match="people/source: no column 'born'; land the source again"):
        dataset_of(more, landed)
    other = make_spec(columns=COLUMNS | {"age": "float64"})
    with pytest.raises(SourceError, match="'age' holds int64, not double; land the source again"):
        dataset_of(other, landed)


def test_a_version_without_rows_makes_a_dataset_without_rows(dataset_of):
    made = dataset_of(make_spec(), typed_rows(make_spec(), []))
    assert (made.num_rows, made.schema.names[0]) == (0, "row_id")


def test_rows_are_streamed_and_an_endless_source_begins_at_once(lake, table, tmp_path):
    spec = make_spec(key=["name"])
    version = land_rows(table, typed_rows(spec, PEOPLE))
    batch = typed_rows(spec, PEOPLE).to_batches()[0]
    endless_table = SimpleNamespace(batches=lambda _: itertools.repeat(batch))
    endless = SimpleNamespace(table=lambda _: endless_table)
    reader = rows(Pipeline(spec=spec, folder=tmp_path), endless, version)
    assert [reader.read_next_batch().num_rows for _ in range(3)] == [3, 3, 3]
