"""Builds a table by both engines, with a Ray cluster of two workers, and prints what came of it."""

import json
import sys
from pathlib import Path

import ray

from mlplatform.features.engine import engine
from mlplatform.features.incremental import rows
from mlplatform.lake import Lake
from mlplatform.lake.digest import content_digest
from mlplatform_tests.features import table_cases as trips

FIRST, SECOND, THIRD = 3000, 500, 90  # Rows of three commits, so of three files.


def main(folder: Path) -> None:
    """Print one line of JSON: the whole table and what is added to the first two files, by each engine."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    lake, made, said = Lake(folder / "lake"), trips.pipeline(folder), {}
    trips.stored(lake, trips.dataset(FIRST))
    before = trips.stored(lake, trips.dataset(SECOND, first=FIRST), behind=True)
    table = rows(made, lake, trips.function(), before).reader
    previous = lake.table("trips/features").overwrite(table, trips.lineage(before))
    inputs = trips.stored(lake, trips.dataset(THIRD, first=FIRST + SECOND), behind=True)
    for name in ("local", "daft"):
        mapper = engine(name, lake.table("trips/dataset"), inputs.dataset)
        for what, start in (("whole", None), ("added", previous)):
            found = rows(made, lake, trips.function(), inputs, previous=start, engine=mapper)
            content = found.reader.read_all()
            features = {n: f.ids for n, f in found.statistics.features.items()}
            seen = json.dumps([found.statistics.rows, features], sort_keys=True)
            said[f"{name} {what}"] = [content.num_rows, content_digest(content), seen]
    sys.stdout.write(json.dumps({"workers": int(ray.cluster_resources()["CPU"]), **said}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
