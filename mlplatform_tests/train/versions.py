"""Features of people as versions of a lake, in as many groups of rows as a test wants."""

from typing import Any

import pyarrow as pa

from mlplatform.lake import Lake, Lineage, Version
from mlplatform_tests.features import people

WHO = Lineage(asset="people/features", run_id="test", code_version="test")


def committed(lake: Lake, table: pa.Table, rows: int) -> Version:
    """Append `table` to the features of people, `rows` a commit, and return the last version."""
    features = lake.table("people/features")
    for at in range(0, table.num_rows, rows):
        version = features.append(table.slice(at, rows), WHO, token=f"{at}")
    return version


def of_task(task: str, folder: Any, **model: Any) -> tuple[Any, pa.Table]:
    """Return a pipeline of people with a label of one task, and its features table."""
    sections = {**people.OTHER_TASKS.get(task, {}), "model": {**SMALL, **model}}
    pipeline = people.pipeline(folder, **sections)
    data = people.dataset()
    batches = data.to_batches(), people.split(data).to_batches()
    table = people.build(pipeline, people.encoder(), people.program(), *batches).read_all()
    return pipeline, table


SMALL = {"hidden": [8], "epochs": 3, "batch_size": 16, "learning_rate": 0.02}
