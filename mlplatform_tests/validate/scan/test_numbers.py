import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlplatform.errors import PlatformError
from mlplatform.validate.distance import ks
from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.scan.histogram import same_bins
from mlplatform_tests.validate.scan.tables import numbers

floats = st.floats(allow_nan=False, allow_infinity=False)
# No number may be a googol times smaller than another: bins are as wide as the largest asks for.
sized = st.floats(-1e9, 1e9).map(lambda x: x if abs(x) > 1e-30 else 0.0)
some = st.lists(sized | st.integers(-50, 50).map(float), min_size=1, max_size=80)


@given(some, st.floats(0.01, 1))
def test_a_quantile_is_numpys_within_the_stated_part_of_its_distance_from_the_anchor(values, q):
    column = numbers(values).columns["x"]
    exact = np.quantile(values, q, method="inverted_cdf")
    anchor = column.histogram.frame.anchor
    assert column.quantile(q) == pytest.approx(exact, abs=2**-7 * abs(exact - anchor) + 1e-6)


def test_a_quantile_lies_within_a_256th_of_its_distance_from_the_anchor():
    values = np.random.default_rng(0).lognormal(3, 2, 50_000)
    column = numbers(values, batch_rows=5_000).columns["x"]
    for q in np.linspace(0.001, 1, 97):
        exact = np.quantile(values, q, method="inverted_cdf")
        distance = abs(exact - column.histogram.frame.anchor)
        assert abs(column.quantile(q) - exact) <= 2**-8 * distance * (1 + 1e-6)


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=80), st.floats(0.01, 1))
def test_a_quantile_of_small_whole_numbers_is_exact(values, q):
    exact = np.quantile(values, q, method="inverted_cdf")
    assert numbers(values, "int64").columns["x"].quantile(q) == exact
    assert numbers(values).columns["x"].quantile(q) == exact
    far = numbers([*values, 10**9], "int64", like=scan_of(values)).columns["x"]
    assert far.histogram.values[:-1].tolist() == sorted(set(values))


def scan_of(values):
    table = pa.table({"x": pa.array(values, pa.int64())})
    return scan(table.to_batches(), Plan(columns={"x": "int64"}))


@given(st.lists(floats, min_size=1, max_size=60))
def test_no_finite_number_is_lost_and_extremes_are_exact(values):
    column = numbers(values).columns["x"]
    assert column.histogram.rows == len(values)
    assert (column.minimum, column.maximum) == (min(values), max(values))
    assert column.histogram.bars(7)[1].sum() == pytest.approx(len(values))
    assert column.minimum <= column.quantile(0.5) <= column.maximum


@given(st.lists(floats, min_size=1, max_size=60), st.integers(2, 12))
def test_coarse_bins_lie_on_fine_ones_and_say_up_to_which_number_they_count(values, bins):
    histogram = numbers(values).columns["x"].histogram
    cuts = histogram.deciles(bins)
    counted = histogram.coarse(cuts)
    assert counted.sum() == len(values)
    by_value = np.bincount(
        np.searchsorted(histogram.edges(cuts), values, side="left"), minlength=len(cuts) + 1
    )
    assert by_value.tolist() == counted.tolist()


@pytest.mark.parametrize(
    ("center", "spread"), [(0, 1), (1e9, 1), (-1e-20, 1e-22), (1e300, 1e299), (40, 0)]
)
def test_moments_are_numpys(center, spread):
    values = np.random.default_rng(2).normal(center, spread, 20_000)
    column = numbers(values, batch_rows=3_000).columns["x"]
    assert column.mean == pytest.approx(values.mean(), rel=1e-12)
    unit = spread or 1  # Squares of the largest overflow in numpy, not here.
    assert column.deviation / unit == pytest.approx((values / unit).std(), rel=1e-9, abs=1e-9)


def test_moments_stay_exact_when_the_data_moves_far_from_the_first_batch():
    first, later = np.array([0.0, 1.0, 2.0]), np.random.default_rng(3).normal(1e9, 1, 10_000)
    batches = [pa.record_batch({"x": part}) for part in (first, later)]
    plan = Plan(columns={"x": "float64"}, atoms=lambda b: np.full(len(b), int(len(b) > 3)))
    column = scan(batches, plan).view([1]).columns["x"]
    assert column.deviation == pytest.approx(later.std(), rel=1e-9)
    assert column.mean == pytest.approx(later.mean(), rel=1e-15)


def test_the_spread_about_the_median_is_the_mad():
    values = np.random.default_rng(4).standard_cauchy(30_000)
    histogram = numbers(values).columns["x"].histogram
    mad = np.median(np.abs(values - np.median(values)))
    assert histogram.deviation_from(histogram.quantile(0.5)) == pytest.approx(mad, rel=2**-7)


def test_rows_outside_limits_are_exact_and_by_bins_nearly():
    values = np.random.default_rng(5).normal(0, 1, 10_000)
    column = numbers(values, limits={"x": (-2, 1)}, batch_rows=999).columns["x"]
    expected = int(((values < -2) | (values > 1)).sum())
    assert column.outside == expected
    assert column.histogram.outside(-2, 1) == pytest.approx(expected, rel=0.03)


def test_infinite_values_are_outside_limits_of_their_side():
    values = [1.0, np.inf, np.inf, -np.inf]
    assert numbers(values, limits={"x": (None, 5)}).columns["x"].outside == 2
    assert numbers(values, limits={"x": (0, None)}).columns["x"].outside == 1


def test_infinite_and_missing_values_are_no_part_of_mean_and_deviation():
    column = numbers([1.0, np.inf, 3.0, None, np.nan, -np.inf]).columns["x"]
    assert (column.mean, column.deviation) == (2.0, 1.0)
    assert (column.minimum, column.maximum, column.missing) == (1.0, 3.0, 2)


def test_kolmogorov_smirnov_on_shared_bins_is_scipys_within_the_rows_of_a_bin():
    rng = np.random.default_rng(6)
    a, b = rng.gamma(2, 10, 20_000), rng.gamma(2.2, 10, 15_000)
    plan = Plan(columns={"x": "float64"})
    first = scan(pa.table({"x": a}).to_batches(), plan)
    second = scan(pa.table({"x": b}).to_batches(), Plan(columns={"x": "float64"}, like=first))
    one, other = (s.view().columns["x"].histogram for s in (first, second))
    cuts = np.union1d(one.ranks, other.ranks)
    d, p = ks(one.coarse(cuts), other.coarse(cuts))
    theirs = stats.ks_2samp(a, b, method="asymp")
    widest = max(h.counts.max() / h.rows for h in (one, other))
    assert theirs.statistic - widest <= d <= theirs.statistic + 1e-12
    assert d == pytest.approx(theirs.statistic, abs=2e-3)
    assert p < 1e-6


def test_bins_of_two_frames_are_not_compared():
    one, other = (numbers(v).columns["x"].histogram for v in ([1.0, 2.0], [5.0, 9.0]))
    with pytest.raises(PlatformError, match="scan one like the other"):
        same_bins(one, other)
    same_bins(one, one)


@pytest.mark.parametrize("kind", ["float64", "int64"])
@pytest.mark.parametrize("distinct", [73, 1_500, 50_000])
def test_distinct_numbers_are_counted_exactly_while_few_and_nearly_when_many(kind, distinct):
    rng = np.random.default_rng(8)
    values = rng.integers(0, distinct, 200_000) * 7919 + 13
    values = values if kind == "int64" else values / 7.0
    true = len(np.unique(values))
    column = numbers(values, kind, batch_rows=60_000).columns["x"]
    assert column.distinct_exact == (distinct < 2_000)
    assert column.distinct == pytest.approx(true, rel=0.0 if distinct < 2_000 else 0.1)
    assert set(column.sample) <= set(values.tolist())
    assert len(column.sample) == min(true, 2_000)


def test_distinct_numbers_that_left_the_edges_late_are_still_known():
    whole, late = np.arange(100.0), np.array([0.1, 0.2, 50.0])
    batches = [pa.record_batch({"x": part}) for part in (whole, late)]
    column = scan(batches, Plan(columns={"x": "float64"})).view().columns["x"]
    assert not column.histogram.exact
    assert sorted(column.sample) == sorted({*whole.tolist(), 0.1, 0.2})
