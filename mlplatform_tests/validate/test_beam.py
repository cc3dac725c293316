"""TFDV on Beam: the same statistics by any runner, asked for by one setting."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import PlatformError, WorkerError
from mlplatform.settings import Settings
from mlplatform.validate import statistics as stats
from mlplatform.validate.client import TfdvWorker
from mlplatform_tests.validate.conftest import ROOT, people
from mlplatform_tests.validate.test_statistics import by_name, common, top

RANK = 0.01  # TFDV's sketches of quantiles err by at most this share of the rows.


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    return pa.table(
        {
            "city": pa.array(random.choice(["Oslo", "Rome", "Kyiv"], 3000, p=[0.5, 0.3, 0.2])),
            "age": pa.array(random.integers(0, 99, 3000), mask=random.random(3000) < 0.1),
            "height": random.lognormal(0, 1, 3000),
        }
    )


def test_the_setting_is_split_as_a_shell_would():
    def options(said):
        return Settings.from_environment({"MLPLATFORM_TFDV_BEAM": said}, ROOT).tfdv_beam

    assert Settings.from_environment({}, ROOT).tfdv_beam == options("") == ()
    assert options("--runner=DirectRunner --job_name='a b'") == (
        "--runner=DirectRunner",
        "--job_name=a b",
    )
    with pytest.raises(PlatformError, match="MLPLATFORM_TFDV_BEAM: 'Flink' is no option; write --"):
        options("Flink")
    with pytest.raises(PlatformError, match="MLPLATFORM_TFDV_BEAM: No closing quotation; give"):
        options("--a='b")


@pytest.mark.slow
def test_options_reach_beam_as_they_are(worker, monkeypatch, tmp_path):
    pq.write_table(people(), tmp_path / "table.parquet")
    monkeypatch.setattr(worker, "_beam", ["--runner=NoSuchRunner"])
    with pytest.raises(WorkerError, match="NoSuchRunner"):
        worker.statistics({"all": [tmp_path / "table.parquet"]}, ["age"])


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["multi_processing", "multi_threading"])
def test_several_workers_make_the_statistics_that_memory_does(
    worker, tfdv_python, table, tmp_path, mode
):
    """Counts, extremes and values exactly, moments to rounding, quantiles within twice the sketch's error."""
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    pq.write_table(table.slice(0, 1000), paths[0], row_group_size=300, store_schema=False)
    pq.write_table(table.slice(1000), paths[1], row_group_size=300, store_schema=False)
    views = {"all": paths, "second": paths[1:], "none": []}
    options = ["--runner=DirectRunner", "--direct_num_workers=2", f"--direct_running_mode={mode}"]
    with TfdvWorker(tfdv_python, tmp_path / "log", beam=options) as beam:
        by_beam = beam.statistics(views, table.column_names)
    in_memory = worker.statistics(views, table.column_names)
    assert {view: stats.rows(content) for view, content in by_beam.items()} == {
        "all": 3000,
        "second": 2000,
        "none": 0,
    }
    for view in ("all", "second"):
        _same(by_name(by_beam[view]), by_name(in_memory[view]), table)


def _same(mine, theirs, table):
    assert set(mine) == set(theirs) == set(table.column_names)
    assert top(mine["city"]) == top(theirs["city"])
    assert mine["city"].string_stats.unique == 3
    for name in table.column_names:
        assert common(mine[name]).num_non_missing == common(theirs[name]).num_non_missing
    for name in ("age", "height"):
        a, b = mine[name].num_stats, theirs[name].num_stats
        assert (a.min, a.max, a.num_zeros) == (b.min, b.max, b.num_zeros)
        assert (a.mean, a.std_dev) == pytest.approx((b.mean, b.std_dev), rel=1e-9)
        values = np.sort(table[name].drop_null().to_numpy())
        ranks = np.searchsorted(values, [a.median, b.median]) / len(values)
        assert abs(ranks[0] - ranks[1]) <= 2 * RANK + 0.02  # Ties of whole numbers share a rank.
