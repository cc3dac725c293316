import importlib.util
import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import FeatureError
from mlplatform.features import engine, engine_daft
from mlplatform.lake import Lake
from mlplatform_tests.features import table_cases as trips


def test_an_unknown_engine_is_refused_by_name(tmp_path):
    lake = Lake(tmp_path)
    version = lake.table("trips/dataset").overwrite(trips.dataset(3), trips.WHO)
    assert isinstance(engine.engine("local", lake.table("trips/dataset"), version), engine.Local)
    with pytest.raises(FeatureError, match="engine 'spark' is unknown; known: local, daft"):
        engine.engine("spark", lake.table("trips/dataset"), version)


@pytest.mark.parametrize("lacking", ["daft", "ray"])
def test_a_missing_package_is_named_with_what_to_install(tmp_path, monkeypatch, lacking):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == lacking else found(name)
    )
    lake = Lake(tmp_path)
    version = lake.table("trips/dataset").overwrite(trips.dataset(3), trips.WHO)
    with pytest.raises(
        FeatureError, match=rf"needs the package {lacking}; install mlplatform\[ray\]"
    ):
        engine.engine("daft", lake.table("trips/dataset"), version)


@given(st.lists(st.integers(1, 9), max_size=8), st.integers(0, 5), st.randoms())
def test_rows_come_by_their_place_however_workers_deliver_them(sizes, first, random):
    """Batches come in any order, and one may hold rows of several places."""
    ends = (first + np.cumsum(sizes)).tolist()
    runs = [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    random.shuffle(runs)
    batches = []
    while runs:
        taken = [runs.pop() for _ in range(min(len(runs), random.randint(1, 3)))]
        batches.append(
            pa.record_batch({"place": pa.array([n for run in taken for n in run], pa.int64())})
        )
    found = [
        n for b in engine_daft._ordered(batches, "place", first) for n in b["place"].to_pylist()
    ]
    assert found == list(range(first, first + sum(sizes)))


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_make_the_identical_table(tmp_path):
    """In a process of its own, with which the cluster ends."""
    script = "mlplatform_tests.features.engine_run"
    done = subprocess.run(
        [sys.executable, "-m", script, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["workers"] == 2
    for what, rows in (("whole", 3590), ("added", 90)):
        assert said[f"daft {what}"] == said[f"local {what}"]
        assert said[f"daft {what}"][0] == rows


def test_a_worker_tells_a_wrong_value_by_its_place_in_the_table():
    """Rows of several places may share a batch."""
    import daft

    from mlplatform.features.engine_daft_worker import NOTE, Mapper

    of = trips.function()
    data = trips.dataset(4).set_column(1, "fare", pa.array([1.0, 2.0, float("inf"), 3.0]))
    read = pa.schema([data.schema.field(name) for name in ("row_id", *of.reads)])
    columns = [daft.Series.from_arrow(data[name].combine_chunks()) for name in read.names]
    places = daft.Series.from_arrow(pa.array([10, 11, 70, 71]))
    made = Mapper(of.files, None, read).map(places, *columns)
    (note,) = made.field(NOTE).drop_null().to_pylist()
    assert json.loads(note)["error"].startswith("row 70: column 'fare' is inf")
    with pytest.raises(FeatureError, match="row 70: column 'fare' is inf"):
        engine_daft._hear(made.field(NOTE), [])
