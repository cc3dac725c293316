import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.gap_increase import gap_increase
from mlplatform.statistics.group_gaps import (
    Rate,
    critical_value,
    largest_difference,
    replicates,
    smallest_ratio,
)

EVERY = np.ones(2, dtype=bool)
HIT = np.array([False, True])
ONE_PAIR = 1.959964


def share(groups):
    return Rate(HIT, EVERY, np.ones(groups, dtype=bool))


def cells(*pairs):
    """int[groups, 2]: misses and hits, of pairs of hits and rows."""
    return np.array([(rows - hits, hits) for hits, rows in pairs])


def bounded(*pairs):
    found, rate = cells(*pairs), share(len(pairs))
    critical = critical_value(found, replicates(found), {"share": rate})
    return largest_difference(found, rate, critical), smallest_ratio(found, rate, critical)


counts = st.tuples(st.integers(0, 60), st.integers(60, 90))


@given(st.lists(counts, min_size=2, max_size=5))
def test_the_gap_lies_between_its_bounds_and_is_that_of_highest_and_lowest(groups):
    found, rate = cells(*groups), share(len(groups))
    shares = [hits / rows for hits, rows in groups]
    gap = largest_difference(found, rate, 2.5)
    assert 0 <= gap.lower <= gap.observed <= gap.upper <= 1
    assert gap.observed == pytest.approx(max(shares) - min(shares))
    assert shares[gap.high] - shares[gap.low] == gap.observed
    ratio = smallest_ratio(found, rate, 2.5)
    assert 0 <= ratio.lower <= ratio.upper <= 1
    if max(shares):
        assert ratio.observed == pytest.approx(min(shares) / max(shares))
        assert ratio.lower <= ratio.observed + 1e-12
        assert ratio.observed <= ratio.upper + 1e-12


def test_the_bounds_of_one_difference_are_newcombes():
    """Newcombe (1998), Statistics in Medicine 17:873, table II, 56/70 - 48/80, 95 % two-sided: 0.0524, 0.3339."""
    found, rate = cells((56, 70), (48, 80)), share(2)
    gap = largest_difference(found, rate, ONE_PAIR, 0.975)
    assert (gap.lower, gap.upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_the_bounds_of_a_ratio_are_where_no_difference_is_left():
    """At a bound r, the bound of numerator - r * denominator by the same method is 0."""
    found, rate = cells((30, 100), (60, 100)), share(2)
    ratio = smallest_ratio(found, rate, ONE_PAIR, 0.975)

    def wilson(hits, rows):
        z2 = ONE_PAIR**2
        middle = (hits + z2 / 2) / (rows + z2)
        reach = ONE_PAIR / (rows + z2) * (hits * (rows - hits) / rows + z2 / 4) ** 0.5
        return middle - reach, middle + reach

    (l1, u1), (l2, u2) = wilson(30, 100), wilson(60, 100)
    r = ratio.lower
    assert 0.3 - r * 0.6 == pytest.approx(np.hypot(0.3 - l1, r * (u2 - 0.6)))
    r = ratio.upper
    assert r * 0.6 - 0.3 == pytest.approx(np.hypot(u1 - 0.3, r * (0.6 - l2)))


def test_the_critical_value_grows_with_the_pairs_and_is_tukeys():
    """Of five groups with as many rows it is the studentized range's 95 % point, 3.858, over the root of 2."""
    two, five = (cells(*[(700, 1000)] * n) for n in (2, 5))
    of_two, of_five = (
        critical_value(found, replicates(found), {"share": share(len(found))})
        for found in (two, five)
    )
    assert of_two == pytest.approx(1.96, abs=0.12)
    assert of_five == pytest.approx(3.858 / 2**0.5, abs=0.15)


def test_nobody_selected_is_no_ratio_and_bounds_nothing():
    _, ratio = bounded((0, 60), (0, 60))
    assert np.isnan(ratio.observed)
    assert (ratio.lower, ratio.upper) == (0, 1)


def test_no_miss_at_all_is_still_only_so_many_rows():
    gap, _ = bounded((60, 60), (60, 60))
    assert (gap.observed, gap.lower) == (0, 0)
    assert 0.04 < gap.upper < 0.08


def test_five_equal_groups_of_100_seldom_show_a_gap_and_a_planted_one_is_shown():
    """Their plain gap is over 5 points in 78 of 100 samples."""
    rng, rate, trials = np.random.default_rng(7), share(5), 200
    plain = shown = planted = 0
    for _ in range(trials):
        equal = cells(*((hits, 100) for hits in rng.binomial(100, 0.9, 5)))
        critical = critical_value(equal, replicates(equal)[:500], {"share": rate})
        gap = largest_difference(equal, rate, critical)
        plain, shown = plain + (gap.observed > 0.05), shown + (gap.lower > 0.05)
        apart = cells((rng.binomial(1000, 0.9), 1000), (rng.binomial(1000, 0.75), 1000))
        planted += largest_difference(apart, share(2), 2.0).lower > 0.05
    assert plain > 0.65 * trials
    assert shown <= 0.05 * trials
    assert planted > 0.95 * trials


def paired(*groups):
    """int[groups, 4]: rows by what the candidate, then the champion has right."""
    return np.array(groups)


def increase(found):
    every, judged = np.ones(4, dtype=bool), np.ones(len(found), dtype=bool)
    mine = Rate(np.array([0, 0, 1, 1], bool), every, judged)
    theirs = Rate(np.array([0, 1, 0, 1], bool), every, judged)
    drawn = replicates(found)
    critical = critical_value(found, drawn, {"mine": mine, "theirs": theirs})
    return gap_increase(found, drawn, [mine], [theirs], critical)


def test_models_that_answer_alike_have_no_increase_and_no_doubt_of_it():
    observed, lower, upper = increase(paired((20, 0, 0, 80), (40, 0, 0, 60)))
    assert observed == 0
    assert lower <= 0 <= upper
    assert upper - lower < 0.01


def test_an_increase_is_shown_where_it_is_large_and_not_where_it_is_small():
    large = increase(paired((100, 0, 0, 900), (100, 150, 0, 750)))
    small = increase(paired((100, 10, 12, 878), (100, 14, 11, 875)))
    assert large[1] > 0.1
    assert small[1] < 0.01 < small[2]


def test_an_increase_at_the_limit_is_seldom_shown_to_exceed_it_where_groups_tie():
    """Two and three tied groups, where the plain bootstrap of the gap errs in 11 of 100."""
    rng, trials, wrong = np.random.default_rng(3), 60, 0
    mine, theirs = (0.9, 0.9, 0.8, 0.8, 0.8), (0.9, 0.9, 0.85, 0.9, 0.9)
    for _ in range(trials):
        shares = [
            ((1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b)
            for a, b in zip(mine, theirs, strict=True)
        ]
        wrong += increase(np.stack([rng.multinomial(300, of) for of in shares]))[1] > 0.05
    assert wrong <= 0.05 * trials
