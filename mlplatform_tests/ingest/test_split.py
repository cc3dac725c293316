"""The split: decided by an entity, a key, the content or a time, and by nothing that grows."""

import itertools
import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.balance import Balance
from mlplatform.ingest.split import TEST, assign, held_out, parts, parts_of, reads, rows_of
from mlplatform_tests.ingest.conftest import COLUMNS, make_spec, typed_rows

DAY = timedelta(days=1)
OCTOBER = datetime(2013, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2013, 11, 1, tzinfo=UTC)
HALVES = {"test": 0.5, "validation": 0.5}
TIMED = COLUMNS | {"at": "timestamp"}
BY_TIME = {"by": "time", "validation_from": OCTOBER, "test_from": NOVEMBER}

BY_CONTENT = make_spec(split=HALVES)
BY_KEY = make_spec(split=HALVES, key=["age"])
BY_GROUP = make_spec(split=HALVES | {"by": "group", "group": "name"})
BY_INSTANT = make_spec(split=BY_TIME, columns=TIMED, event_time="at")
BY_HASH = [BY_CONTENT, BY_KEY, BY_GROUP]

people = st.tuples(
    st.none() | st.sampled_from(["ann", "bob", ""]) | st.text(max_size=4),
    st.none() | st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.sampled_from([0.0, -0.0, 1.5]) | st.floats(allow_nan=False),
    st.sampled_from(["yes", "no"]),
)
tables = st.lists(people, min_size=1, max_size=30)
instants = st.integers(-60, 60).map(lambda days: OCTOBER + DAY * days)


def sides(spec, rows, file="people.csv"):
    """Return the part of each row, of a file of them."""
    batches = typed_rows(spec, rows, file).to_batches()
    return [part for batch in batches for part in parts_of(batch, spec).to_pylist()]


def overlaps(spec, rows, identity):
    """Tell whether rows of one identity are on two sides."""
    found = {}
    for row, part in zip(rows, sides(spec, rows), strict=True):
        if identity(row) is not None:
            found.setdefault(identity(row), set()).add(part)
    return any(len(parts) > 1 for parts in found.values())


@given(st.sampled_from([*BY_HASH, make_spec(split={"test_files": ["people.csv"]})]), tables)
def test_who_asks_for_test_rows_alone_gets_those_of_the_split(spec, rows):
    for batch in typed_rows(spec, rows, "people.csv").to_batches():
        assert held_out(batch, spec).tolist() == [
            p == TEST for p in parts_of(batch, spec).to_pylist()
        ]


@given(st.sampled_from(BY_HASH), tables, tables, st.randoms())
def test_a_row_never_changes_side_as_data_grows_or_lands_in_another_order(
    spec, rows, others, random
):
    before = sides(spec, rows)
    grown = list(enumerate(rows + others))
    random.shuffle(grown)
    after = dict(
        zip((n for n, _ in grown), sides(spec, [row for _, row in grown], "b.csv"), strict=True)
    )
    assert [after[n] for n in range(len(rows))] == before


@given(st.lists(st.tuples(people, instants), min_size=1, max_size=20))
def test_by_time_every_training_row_is_before_every_test_row(listed):
    rows = [(*person, at) for person, at in listed]
    for (_, at), part in zip(listed, sides(BY_INSTANT, rows), strict=True):
        since = {"train": -math.inf, "validation": OCTOBER, "test": NOVEMBER}[part]
        until = {"train": OCTOBER, "validation": NOVEMBER, "test": math.inf}[part]
        assert since == -math.inf or at >= since
        assert until == math.inf or at < until


def test_instants_are_compared_to_the_microsecond_and_in_any_zone():
    one = timedelta(microseconds=1)
    rows = [("ann", 1, 1.5, "yes", at) for at in (OCTOBER - one, OCTOBER, NOVEMBER - one, NOVEMBER)]
    assert sides(BY_INSTANT, rows) == ["train", "validation", "validation", "test"]
    zoned = {**BY_TIME, "test_from": "2013-11-01T02:00:00+02:00"}
    assert sides(make_spec(split=zoned, columns=TIMED, event_time="at"), rows)[3] == "test"


@given(tables)
def test_equal_rows_equal_keys_and_equal_entities_share_a_side(rows):
    twice = rows + rows
    assert not overlaps(BY_CONTENT, twice, lambda row: (*row[:2], row[2] and row[2] + 0.0, row[3]))
    assert not overlaps(
        BY_KEY, [*twice, *((*row[:3], "other") for row in rows)], lambda row: row[1]
    )
    assert not overlaps(
        BY_GROUP, [*twice, *((row[0], 5, *row[2:]) for row in rows)], lambda r: r[0]
    )


def test_rows_without_a_key_or_an_entity_are_each_their_own():
    lacking = [(None, None, float(n), "yes") for n in range(200)]
    for spec in (BY_KEY, BY_GROUP):
        assert set(sides(spec, lacking)) == {"train", "validation", "test"}
        assert sides(spec, lacking) == sides(BY_CONTENT, lacking)
    keyed = make_spec(split=HALVES | {"by": "group", "group": "name"}, key=["age"])
    unnamed = [(None, n // 2, float(n), "yes") for n in range(200)]
    assert not overlaps(keyed, unnamed, lambda row: row[1])


def test_where_a_key_is_declared_the_other_columns_decide_nothing():
    one = [("ann", n, 1.5, "yes") for n in range(300)]
    corrected = [("bob", n, None, "no") for n in range(300)]
    assert sides(BY_KEY, one) == sides(BY_KEY, corrected)
    assert sides(BY_CONTENT, one) != sides(BY_CONTENT, corrected)


@pytest.mark.parametrize(("test", "validation"), [(0.2, 0.1), (0.0, 0.5), (0.01, 0.0), (1.0, 0.5)])
@pytest.mark.parametrize("by", ["content", "key", "group"])
def test_shares_are_right_within_binomial_error(by, test, validation):
    """20,000 rows that differ in one small number only: the hardest input for a hash."""
    count = 20_000
    split = {"test": test, "validation": validation}
    spec = {
        "content": make_spec(split=split),
        "key": make_spec(split=split, key=["age"]),
        "group": make_spec(split=split | {"by": "group", "group": "name"}),
    }[by]
    named = (lambda n: f"person {n}") if by == "group" else (lambda _: "ann")
    ages = pa.array(range(count), pa.int64())
    rows = pa.record_batch(
        {
            "name": [named(n) for n in range(count)],
            "age": ages,
            "height": pa.nulls(count, pa.float64()),
            "member": pa.repeat("yes", count),
            "source_file": pa.repeat("people.csv", count),
        }
    )
    got = Counter(parts_of(rows, spec).to_pylist())
    for part, share in {"test": test, "validation": (1 - test) * validation}.items():
        error = math.sqrt(share * (1 - share) / count)
        assert abs(got[part] / count - share) <= 4 * error


def test_another_seed_is_another_split_with_nothing_in_common():
    rows = [("ann", age, 1.5, "yes") for age in range(4000)]
    one, two = (sides(make_spec(split={"seed": seed, "validation": 0.5}), rows) for seed in (1, 2))
    same = sum(a == b for a, b in zip(one, two, strict=True)) / len(rows)
    assert abs(same - 0.5) < 4 * math.sqrt(0.25 / len(rows))


@given(st.sampled_from([{"validation": 0.5}, {"by": "group", "group": "name"}, BY_TIME]), tables)
def test_rows_of_a_test_file_are_test_and_their_name_decides_nothing_else(split, rows):
    official = make_spec(
        ["people.csv", "official.csv"],
        split={**split, "test_files": ["official.csv"]},
        columns=TIMED,
        event_time="at",
    )
    timed = [(*row, OCTOBER) for row in rows]
    assert set(sides(official, timed, "official.csv")) == {"test"}
    assert "test" not in sides(official, timed)
    # What is test by its file needs no time of its own.
    assert set(sides(official, [(*row, None) for row in rows], "official.csv")) == {"test"}


@given(st.lists(st.none() | instants, min_size=1, max_size=9))
def test_a_row_without_the_time_it_is_split_by_is_an_error_that_names_it(times):
    assume(None in times)
    rows = [("ann", 1, 1.5, "yes", at) for at in times]
    with pytest.raises(
        SourceError, match=r"^people\.csv:\d+: at: no value, and split\.by is"
    ) as no:
        sides(BY_INSTANT, rows)
    assert str(no.value).startswith(f"people.csv:{times.index(None) + 1}:")


def numbered(spec, rows, file="people.csv"):
    table = typed_rows(spec, rows, file)
    return table.add_column(0, "row_id", pa.array(range(len(rows)), pa.int64()))


@given(tables, st.integers(1, 7))
def test_the_split_of_a_table_is_that_of_its_batches_with_every_row_id(rows, size):
    data = numbered(BY_CONTENT, rows)
    split = assign(BY_CONTENT, data.to_batches(max_chunksize=size)).read_all()
    assert split.schema.names == ["row_id", "part"]
    assert parts(data, split).to_pylist() == sides(BY_CONTENT, rows)
    each = [rows_of(part, data, split) for part in ("train", "validation", "test")]
    assert sorted(pa.concat_tables(each)["row_id"].to_pylist()) == list(range(len(rows)))


def test_a_split_of_other_rows_is_refused():
    data = numbered(BY_CONTENT, [("ann", 1, 1.5, "yes"), ("bob", 2, 1.5, "yes")])
    split = assign(BY_CONTENT, data.slice(1).to_batches()).read_all()
    with pytest.raises(SourceError, match="not about the rows of this dataset"):
        parts(data, split)


def test_an_endless_dataset_is_split_as_it_comes_by_the_columns_it_needs_alone():
    spec = make_spec(split=BY_TIME, columns=TIMED, event_time="at")
    assert reads(spec) == ["row_id", "at", "member", "source_file", "source_line"]
    assert reads(BY_KEY) == ["row_id", "age", "name", "height", "member", *ORIGIN]
    batch = numbered(spec, [("ann", 1, 1.5, "yes", OCTOBER)]).select(reads(spec)).to_batches()[0]
    reader = assign(spec, itertools.repeat(batch))
    assert [reader.read_next_batch()["part"].to_pylist() for _ in range(3)] == [["validation"]] * 3


ORIGIN = ["source_file", "source_line"]


@given(tables, st.integers(1, 7))
def test_what_is_reported_of_the_parts_is_what_a_count_of_the_rows_says(rows, size):
    data = numbered(BY_CONTENT, rows)
    balance = Balance(BY_CONTENT.label)
    assign(BY_CONTENT, data.to_batches(max_chunksize=size), balance).read_all()
    labels = [row[3] for row in rows]
    counted = Counter(zip(sides(BY_CONTENT, rows), labels, strict=True))
    found = {(p, c): n for p, classes in balance.counts.items() for c, n in classes.items() if n}
    assert found == dict(counted)
    assert sum(balance.rows.values()) == len(rows)
    for part, share in balance.positive_shares.items():
        rows_there = balance.rows[part]
        assert (share is None) == (rows_there == 0)
        assert share is None or share == counted[part, "yes"] / rows_there


def test_the_report_is_a_table_that_a_person_can_read():
    balance = Balance(make_spec().label)
    part = pa.array(["train"] * 3 + ["test"])
    balance.add(part, pa.array(["yes", "no", None, "a|b\n<i>"]))
    lines = balance.markdown().splitlines()
    assert lines[0] == "| part | rows | of all | yes | no | \\(missing\\) | a\\|b \\<i\\> |"
    assert lines[2] == "| train | 3 | 75.0% | 33.3% | 33.3% | 33.3% | 0.0% |"
    assert lines[3] == "| validation | 0 | 0.0% | - | - | - | - |"
    balance.add(pa.repeat("train", 20), pa.array([f"{n:x}" * 1000 for n in range(20)]))
    assert max(map(len, balance.markdown().splitlines())) < 500
    assert balance.markdown().endswith("\n\n16 more classes")


def test_a_label_of_countless_values_or_of_another_type_is_counted_in_bounded_memory():
    balance = Balance(make_spec().label)
    balance.add(pa.repeat("train", 5000), pa.array(range(5000)))
    assert len(balance.counts["train"]) <= 101
    assert balance.counts["train"]["(other)"] == 4900
    flags = Balance(make_spec(label={"column": "member", "positive": "true"}).label)
    flags.add(pa.repeat("test", 4), pa.array([True, True, False, None]))
    assert flags.positive_shares["test"] == 0.5


NUMBERS = {"column": "age", "task": "regression"}


@given(st.lists(st.integers(-50, 50) | st.none(), max_size=40), st.integers(1, 9))
def test_numbers_are_reported_by_their_spread_in_each_part(ages, size):
    balance = Balance(make_spec(label=NUMBERS).label)
    part = np.array(["train", "test", "train"])[np.arange(len(ages)) % 3]
    for at in range(0, len(ages), size):
        balance.add(pa.array(part[at : at + size]), pa.array(ages[at : at + size], pa.int64()))
    for name in ("train", "test"):
        mine = [age for age, of in zip(ages, part, strict=True) if of == name]
        known = [age for age in mine if age is not None]
        spread = balance.spreads[name]
        assert (balance.rows[name], spread.rows) == (len(mine), len(known))
        if known:
            assert spread.mean == pytest.approx(np.mean(known), abs=1e-9)
            assert spread.deviation == pytest.approx(np.std(known), abs=1e-6)
            assert (spread.least, spread.most) == (min(known), max(known))
    assert balance.positive_shares == {}


def test_the_report_of_numbers_is_a_table_that_a_person_can_read():
    balance = Balance(make_spec(label=NUMBERS).label)
    balance.add(pa.array(["train", "train", "test"]), pa.array([1, 3, 10]))
    lines = balance.markdown().splitlines()
    assert lines[0] == "| part | rows | of all | mean | deviation | least | most |"
    assert lines[2] == "| train | 2 | 66.7% | 2 | 1 | 1 | 3 |"
    assert lines[3] == "| validation | 0 | 0.0% | - | - | - | - |"


def test_the_parts_of_known_rows_are_the_ones_recorded_here():
    """A change here would move rows between train and test in every pipeline that exists."""
    rows = [(f"person {n}", n, n / 7, "yes") for n in range(24)]
    found = {
        name: "".join(LETTER[part] for part in sides(spec, rows)) for name, spec in NAMED.items()
    }
    assert found == RECORDED


LETTER = {"train": ".", "validation": "v", "test": "T"}
NAMED = {"content": BY_CONTENT, "key": BY_KEY, "group": BY_GROUP}
RECORDED = {
    "content": "v.Tv.TTvv.vT.TTvTTTvT.TT",
    "key": ".TvvTvTT.TvTTT..T.vT.vTv",
    "group": ".vvvTvv.TTT.vTTTTTTT.TT.",
}
