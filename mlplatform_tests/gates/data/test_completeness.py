"""Gates on what is missing, and what is there twice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.gates.data import duplicates, missing_values
from mlplatform.gates.data.completeness import most_by_length
from mlplatform.measures import Copies, Duplicates
from mlplatform.spec.data_gates import DuplicatesGate, MissingGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data.made import measured, missing, repeated


def keyed(**what: object) -> Duplicates:
    """A table with a key that is never repeated, and content that is not either."""
    content = Copies(repeated=0, reference_share=0.0, reference_rows=10_000)
    said = {"repeated": None, "key": ("id",), "key_repeated": 0, "content": content}
    return Duplicates(**{"rows": 10_000, **said, **what})


class TestMissingValues(GateContract):
    """Missing values by column."""

    gate, policy, limit = staticmethod(missing_values), MissingGate(max_share=0.1), 0.1
    good = (measured(missing=[missing(missing=1000, reference_rows=0)]),)
    bad = (measured(missing=[missing(missing=1001, reference_rows=0)]),)
    missing = (
        (measured(),),
        (measured(missing=[]),),
        (measured(missing=[missing(rows=0, missing=0)]),),
    )


class TestDuplicates(GateContract):
    """Rows that repeat an earlier one."""

    gate, policy, limit = staticmethod(duplicates), DuplicatesGate(max_share=0.05), 0.05
    good = (measured(duplicates=repeated(repeated=500, reference_share=None)),)
    bad = (measured(duplicates=repeated(repeated=501, reference_share=None)),)
    missing = (
        (measured(),),
        (measured(duplicates=repeated(rows=0)),),
        (measured(duplicates=keyed(key_repeated=None)),),
        (measured(duplicates=keyed(content=None)),),
        (measured(duplicates=repeated(repeated=None)),),
    )


def test_a_column_is_held_to_its_own_limit_and_must_be_measured():
    policy = MissingGate(max_share=0.1, columns={"notes": 0.9, "age": 0.0})
    notes = missing(column="notes", missing=8_000, reference_missing=40_000)
    clean = missing(missing=0, reference_missing=0)
    assert missing_values(measured(missing=[notes, clean]), policy).passed
    verdict = missing_values(measured(missing=[notes, missing()]), policy)
    assert (verdict.outcome, verdict.observed, verdict.limit) == (Outcome.FAIL, 0.01, 0.0)
    assert verdict.because.startswith("age misses 1.00% of all rows, limit 0.00%")
    assert "not measured of notes" in missing_values(measured(missing=[clean]), policy).because


def test_more_missing_than_in_the_reference_fails_below_the_share_allowed():
    seen = missing(missing=900)
    verdict = missing_values(measured(missing=[seen]), MissingGate())
    assert verdict.outcome is Outcome.FAIL
    assert "age misses 9.00% of all rows, 1.00% of the reference" in verdict.because
    assert (verdict.baseline, verdict.limit) == (0.01, 0.02)


def test_a_rise_that_is_no_chance_but_small_is_no_alarm():
    """From 10 % to 11 % of 100,000 rows."""
    seen = missing(rows=100_000, missing=11_000, reference_missing=5_000)
    assert missing_values(measured(missing=[seen]), MissingGate()).passed


def test_new_rows_are_judged_alone_however_large_the_table():
    seen = missing(rows=1_000_000, missing=10_000, new_rows=1_000, new_missing=100)
    verdict = missing_values(measured(missing=[seen]), MissingGate())
    assert verdict.outcome is Outcome.FAIL
    assert "10.00% of the new rows" in verdict.because


def test_a_rise_that_chance_explains_is_no_alarm():
    """3 more of 100 rows are 3 points, and nothing unusual; 300 more of 10,000 are."""
    few = missing(rows=100, missing=8, reference_rows=100, reference_missing=5)
    many = missing(rows=10_000, missing=800, reference_rows=10_000, reference_missing=500)
    assert missing_values(measured(missing=[few]), MissingGate()).passed
    assert not missing_values(measured(missing=[many]), MissingGate()).passed


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_columns_decides_nothing(counts, dice):
    columns = [missing(column=f"c{n}", missing=count) for n, count in enumerate(counts)]
    shuffled = dice.sample(columns, len(columns))
    first, second = (
        missing_values(measured(missing=c), MissingGate()) for c in (columns, shuffled)
    )
    assert (first.outcome, first.observed, first.limit) == (
        second.outcome,
        second.observed,
        second.limit,
    )


@given(st.integers(0, 9_999), st.integers(1, 10_000))
def test_more_missing_is_never_better(count, more):
    fewer, worse = missing(missing=count), missing(missing=min(count + more, 10_000))
    if not missing_values(measured(missing=[fewer]), MissingGate()).passed:
        assert not missing_values(measured(missing=[worse]), MissingGate()).passed


def test_a_repeated_key_fails_and_names_the_key():
    seen = keyed(key=("hour", "flight"), key_repeated=1)
    verdict = duplicates(measured(duplicates=seen), DuplicatesGate())
    assert verdict.outcome is Outcome.FAIL
    assert "1 of 10,000 rows have a key (hour + flight) that an earlier row has" in verdict.because
    assert duplicates(
        measured(duplicates=keyed(key=("id",), key_repeated=0)), DuplicatesGate()
    ).passed


def test_a_batch_that_came_again_fails_in_a_large_table():
    seen = repeated(rows=1_000_000, repeated=1_000, new_rows=1_000, new_repeated=1_000)
    verdict = duplicates(measured(duplicates=seen), DuplicatesGate())
    assert verdict.outcome is Outcome.FAIL
    assert "1,000 of 1,000 new rows (100.00%) repeat an earlier one" in verdict.because


@pytest.mark.parametrize(("new_repeated", "passed"), [(480, True), (650, False)])
def test_rows_at_the_end_of_a_table_may_repeat_twice_as_often_as_its_rows_do(new_repeated, passed):
    """A table of few distinct rows: 2 % repeat over all, so 4 % at the end, and 2 points more."""
    seen = repeated(
        rows=1_010_000,
        repeated=20_000 + new_repeated,
        new_rows=10_000,
        new_repeated=new_repeated,
        reference_share=0.02,
        reference_rows=1_000_000,
    )
    assert duplicates(measured(duplicates=seen), DuplicatesGate()).passed is passed


def test_content_may_repeat_by_nature_but_not_more_than_it_did():
    """Nine in ten rows of a table with a key equal an earlier one but for it."""
    natural = Copies(repeated=9_000)
    assert duplicates(measured(duplicates=keyed(content=natural)), DuplicatesGate()).passed
    as_before = Copies(repeated=9_000, reference_share=0.9, reference_rows=10_000)
    assert duplicates(measured(duplicates=keyed(content=as_before)), DuplicatesGate()).passed
    came_again = Copies(repeated=1_000, new_repeated=1_000, reference_share=0.0)
    verdict = duplicates(
        measured(duplicates=keyed(new_rows=1_000, content=came_again)), DuplicatesGate()
    )
    assert verdict.outcome is Outcome.FAIL
    assert "1,000 of 1,000 new rows (100.00%) repeat an earlier one but for key and unused" in (
        verdict.because
    )


@given(st.integers(1, 3_000), st.integers(100, 5_000), st.integers(100, 5_000), st.integers(0, 99))
def test_rows_drawn_alike_repeat_no_more_than_the_bound(kinds, known, new, seed):
    """Expected counts of draws from `kinds` unequal values; the bound is on them, not on luck."""
    chance = np.random.default_rng(seed).exponential(size=kinds) ** 2
    chance /= chance.sum()

    def repeats(rows: int) -> float:
        return float((rows * chance - 1 + np.exp(-rows * chance)).sum())

    first, both = repeats(known), repeats(known + new)
    after = Copies(
        repeated=both,
        new_repeated=both - first,
        reference_share=first / known,
        reference_rows=known,
    )
    seen = keyed(rows=known + new, new_rows=new, content=after)
    assert (both - first) / new <= most_by_length(seen, after) + 1e-9
    whole = keyed(rows=known + new, content=after)
    assert both / (known + new) <= most_by_length(whole, after) + 1e-9
