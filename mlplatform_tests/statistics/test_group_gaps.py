import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.group_gaps import (
    MANY,
    Rate,
    bounds,
    critical_value,
    largest_difference,
    replicates,
    smallest_ratio,
)
from mlplatform.statistics.proportion import exact
from mlplatform.statistics.rate_increase import difference_increase, ratio_drop

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


def increase(found, of=difference_increase, error=0.05):
    every, judged = np.ones(4, dtype=bool), np.ones(len(found), dtype=bool)
    mine = Rate(np.array([0, 0, 1, 1], bool), every, judged)
    theirs = Rate(np.array([0, 1, 0, 1], bool), every, judged)
    drawn = replicates(found)
    critical = critical_value(found, drawn, {"mine": mine, "theirs": theirs})
    return of(found, drawn, [mine], [theirs], critical, error)


def test_models_that_answer_alike_have_no_increase_and_little_doubt_of_it():
    observed, lower, upper = increase(paired((200, 0, 0, 800), (400, 0, 0, 600)))
    assert observed == 0
    assert lower <= 0 <= upper
    assert upper - lower < 0.02


def test_no_disagreement_on_few_rows_is_no_proof_that_there_is_none():
    *_, upper = increase(paired((20, 0, 0, 80), (10, 0, 0, 10)))
    assert 0.1 < upper < 0.2


def test_an_increase_is_shown_where_it_is_large_and_not_where_it_is_small():
    large = increase(paired((100, 0, 0, 900), (100, 150, 0, 750)))
    small = increase(paired((100, 10, 12, 878), (100, 14, 11, 875)))
    assert large[1] > 0.09
    assert small[1] < 0.01 < small[2]


def test_a_gap_that_moved_to_another_pair_and_shrank_is_not_taken_for_one_that_grew():
    """The champion was bad for the third group, the candidate is a little so for the first."""
    found = paired((50, 100, 0, 850), (50, 0, 0, 950), (50, 0, 350, 600))
    observed, _, upper = increase(found)
    assert observed == pytest.approx(-0.25)
    assert upper < 0


@pytest.mark.parametrize("of", [difference_increase, ratio_drop])
def test_the_lower_bound_widens_with_what_is_asked_at_once_and_the_upper_one_does_not(of):
    found = paired((100, 20, 10, 870), (90, 60, 12, 838))
    once, often = increase(found, of), increase(found, of, 0.05 / 8)
    assert often[1] < once[1]
    assert often[2] == once[2]


def test_models_that_select_alike_keep_their_ratio():
    drop, lower, upper = increase(paired((7000, 0, 0, 3000), (7500, 0, 0, 2500)), ratio_drop)
    assert drop == 0
    assert -0.05 < lower <= 0 <= upper < 0.05
    drop, lower, upper = increase(paired((700, 0, 0, 300), (700, 150, 0, 150)), ratio_drop)
    assert drop == pytest.approx(0.5)
    assert 0.25 < lower < 0.5 < upper < 0.7
    assert increase(paired((700, 0, 0, 0), (700, 0, 0, 0)), ratio_drop) is None


def test_an_increase_beyond_the_limit_is_seldom_held_to_be_within_it():
    """Of 6 points where 5 are the most, of rates over 100 rows on which the models seldom disagree."""
    rng, trials, within, equal = np.random.default_rng(5), 60, 0, 0
    for _ in range(trials):
        alike = rng.multinomial(4000, (0.09, 0.01, 0.01, 0.89))
        within += (
            increase(np.stack([alike, rng.multinomial(100, (0.1, 0.07, 0.01, 0.82))]))[2] <= 0.05
        )
        equal += (
            increase(np.stack([alike, rng.multinomial(2000, (0.2, 0.01, 0.01, 0.78))]))[2] <= 0.05
        )
    assert within <= 0.08 * trials
    assert equal > 0.98 * trials


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


def test_bounds_of_few_rows_are_exact():
    found = cells((0, 49), (3, 20), (1, 1), (40, 50))
    share, lower, upper = bounds(found, Rate(HIT, EVERY, np.ones(4, bool)), 1.644854)
    for at, (hits, rows) in enumerate([(0, 49), (3, 20), (1, 1)]):
        assert (lower[at], upper[at]) == pytest.approx(exact(hits, rows, 0.9), abs=1e-6)
        assert share[at] == hits / rows
    assert (lower[3], upper[3]) != pytest.approx(exact(40, 50, 0.9), abs=1e-4)


def test_two_groups_that_are_alike_are_named_as_two():
    gap, _ = bounded((60, 60), (60, 60), (60, 60))
    assert gap.low != gap.high


def test_thousands_of_groups_are_bounded_without_replicates_of_their_pairs():
    rate, many = share(MANY + 1), cells(*[(90, 100)] * (MANY + 1))
    critical = critical_value(many, replicates(many[:2]), {"share": rate})
    assert critical == pytest.approx(5.6, abs=0.2)
    assert largest_difference(many, rate, critical).upper < 0.08
