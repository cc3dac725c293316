import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.validate.scan import Plan, Scanner, scan
from mlplatform_tests.validate.scan.tables import ARROW, facts, few, scanned, tables


@few
@given(tables, st.integers(3, 50), st.randoms())
def test_rows_in_any_batches_and_any_order_count_the_same(table, batch_rows, random):
    whole = scanned(table)
    order = list(range(table.num_rows))
    random.shuffle(order)
    again = scanned(table.take(order), batch_rows, like=whole)
    assert facts(again.view()) == facts(whole.view())


@few
@given(tables, st.integers(3, 50))
def test_atoms_together_are_the_whole_and_alone_their_own_rows(table, batch_rows):
    whole = scanned(table)

    def atoms(batch):
        return np.asarray(batch["age"].fill_null(0)) % 3

    parts = scanned(table, batch_rows, like=whole, atoms=atoms)
    assert facts(parts.view()) == facts(whole.view())
    for atom in parts.atoms:
        mine = table.filter(pa.array(atoms(table.combine_chunks().to_batches()[0]) == atom))
        assert facts(parts.view([atom])) == facts(scanned(mine, like=whole).view())


@few
@given(tables)
def test_strings_read_as_dictionaries_count_as_plain_ones(table):
    encoded = table
    for name in ("job", "label"):
        at = table.column_names.index(name)
        encoded = encoded.set_column(at, name, table[name].dictionary_encode())
    assert facts(scanned(encoded).view()) == facts(scanned(table).view())


def test_counts_are_what_one_counts_by_hand():
    table = pa.table(
        {
            "age": [20, 40, None, 40],
            "wage": [0.25, None, float("nan"), float("inf")],
            "at": pa.array([1, 2, 3, 4], pa.timestamp("us", tz="UTC")),
            "job": ["tech", None, "poet", "tech"],
            "member": [True, None, False, True],
            "label": ["yes", "no", "yes", None],
        }
    )
    view = scanned(table).view()
    age, wage, job = (view.columns[name] for name in ("age", "wage", "job"))
    assert (age.rows, age.missing, age.present) == (4, 1, 3)
    assert (age.minimum, age.maximum, age.mean) == (20, 40, pytest.approx(100 / 3))
    assert (wage.missing, wage.missing_by_class, wage.infinite) == (2, (1, 1), (0, 1))
    assert wage.outside == 1
    assert (job.counts, job.positive, job.negative) == (
        {"tech": 2, "poet": 1},
        {"poet": 1, "tech": 1},
        {"poet": 0, "tech": 0},
    )
    assert (job.outside, job.missing, job.missing_by_class) == (1, 1, (1, 0))
    assert view.columns["member"].counts == {"true": 2, "false": 1}
    assert view.columns["at"].maximum == 4
    assert view.label_counts == {"yes": 2, "no": 1}
    assert (view.duplicates.repeated, view.duplicates.key_repeated) == (0, 1)


def test_a_label_of_numbers_has_classes_by_its_text():
    table = pa.table({"x": [1.0, 2.0, 3.0], "y": [1, 0, 1]})
    plan = Plan(columns={"x": "float64", "y": "int64"}, label="y", positive="1")
    view = scan(table.to_batches(), plan).view()
    assert view.label_counts == {"0": 1, "1": 2}
    assert view.columns["x"].histogram.positive.sum() == 2
    assert view.correlations()[0] == ("x", "y")


def test_a_positive_class_that_the_label_cannot_hold_is_named():
    plan = Plan(columns={"y": "int64"}, label="y", positive="yes")
    with pytest.raises(SourceError, match=r"label.positive is 'yes', which .* int64 cannot hold"):
        scan(pa.table({"y": [1]}).to_batches(), plan)


def test_a_missing_column_and_one_of_another_type_are_named():
    scanner = Scanner(Plan(columns={"x": "float64"}))
    with pytest.raises(SourceError, match="no column 'x'"):
        scanner.add(pa.record_batch({"y": [1.0]}))
    with pytest.raises(SourceError, match="column 'x' holds string, not float64"):
        scanner.add(pa.record_batch({"x": ["one"]}))


def test_no_rows_and_no_such_atoms_are_an_empty_view():
    view = scanned(ARROW.empty_table()).view()
    assert (view.rows, view.columns, view.label_counts) == (0, {}, {})
    assert view.duplicates.repeated == 0
    some = scanned(pa.Table.from_pylist([{"age": 1}], ARROW)).view([7])
    assert (some.rows, some.columns) == (0, {})


def test_a_column_that_begins_empty_takes_its_bins_from_its_first_values():
    batches = [pa.record_batch({"x": pa.array(v, pa.float64())}) for v in ([None], [40.0, 42.0])]
    column = scan(batches, Plan(columns={"x": "float64"})).view().columns["x"]
    assert (column.missing, column.mean, column.quantile(0.5)) == (1, 41.0, 40.0)


def test_correlations_are_numpys_over_rows_where_both_are_present():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(3, 5_000))
    x[1] += x[0]
    y = x[0] > 0.3
    gone = rng.random(5_000) < 0.2
    table = pa.table(
        {
            "a": x[0],
            "b": pa.array(np.where(gone, np.nan, x[1])),
            "c": pa.array(x[2] * 1e9 + 1e12),
            "y": pa.array(np.where(y, "yes", "no")),
        }
    )
    plan = Plan(
        columns={"a": "float64", "b": "float64", "c": "float64", "y": "string"},
        label="y",
        positive="yes",
    )
    view = scan(table.to_batches(max_chunksize=700), plan).view()
    names, r = view.correlations()
    assert names == ("a", "b", "c", "y")
    expected = np.corrcoef(np.stack([*x, y])[:, ~gone])
    assert r[1] == pytest.approx(expected[1])
    assert r[[0, 0, 2], [2, 3, 3]] == pytest.approx(
        np.corrcoef(np.stack([*x, y]))[[0, 0, 2], [2, 3, 3]]
    )
    assert view.pair_rows()[0, 1] == 5_000 - gone.sum()


def test_columns_that_do_not_vary_have_no_correlation():
    table = pa.table({"a": [1.0, 1.0, 1.0], "b": [1.0, 2.0, 3.0]})
    plan = Plan(columns={"a": "float64", "b": "float64"})
    r = scan(table.to_batches(), plan).view().correlations()[1]
    assert np.isnan(r[0, 1])
    assert r[1, 1] == pytest.approx(1)


def test_without_correlations_all_else_is_the_same():
    rng = np.random.default_rng(1)
    table = pa.table({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    types = {"a": "float64", "b": "float64"}
    short = scan(table.to_batches(), Plan(columns=types, correlations=False)).view()
    assert short.correlations()[0] == ()
    full = scan(table.to_batches(), Plan(columns=types)).view()
    assert facts(short) == facts(full)
    assert short.columns["b"].deviation == pytest.approx(np.std(table["b"].to_numpy()))


def test_wrong_atoms_are_an_error():
    for atoms in (np.array([0]), np.array([0, 63]), np.array([-1, 0])):
        scanner = Scanner(Plan(columns={"x": "int64"}, atoms=lambda _, a=atoms: a))
        with pytest.raises(ValueError, match="need an atom"):
            scanner.add(pa.record_batch({"x": [1, 2]}))
