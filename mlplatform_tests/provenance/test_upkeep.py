"""Tables are compacted so that a training made again meets the same groups of rows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mlplatform.lake import Lake, Lineage
from mlplatform.provenance.upkeep import optimize

WHO = Lineage(asset="p/features", run_id="r", code_version="c")


def test_features_keep_their_groups_and_other_tables_do_not(tmp_path: Path):
    lake = Lake(tmp_path)
    for name in ("p/features", "p/source"):
        for n in range(3):
            lake.table(name).append(pa.table({"x": [n, n]}), WHO, token=str(n))
    done = list(optimize(lake, lake.tables(), "t", least_files=2))
    assert [each.files for each in done] == [(3, 1)] * 2
    groups = {
        name: pq.ParquetFile(lake.table(name).files()[0]).num_row_groups for name in lake.tables()
    }
    assert groups == {"p/features": 3, "p/source": 1}
