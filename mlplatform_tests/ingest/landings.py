"""Sources of every kind to land, and what a landing left behind."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from mlplatform.lake import Lake
from mlplatform.spec import Pipeline, validate
from mlplatform_tests.ingest.conftest import COLUMNS

LABEL = {"column": "member", "positive": "yes"}
ANN = {"name": "ann", "age": 41, "height": 1.68, "member": "yes"}
BOB = {"name": "bob", "age": 7, "height": 1.2, "member": "no"}
CY = {"name": "cy", "age": None, "height": 1.5, "member": "no"}


def people(*rows: dict[str, Any]) -> pa.Table:
    """Rows of the people, typed as declared."""
    schema = pa.schema([("name", pa.string()), ("age", pa.int64())])
    schema = schema.append(pa.field("height", pa.float64())).append(pa.field("member", pa.string()))
    return pa.Table.from_pylist(list(rows), schema=schema)


def pipeline_of(folder: Path, **source: Any) -> Pipeline:
    """The people's pipeline with this source; `columns` and `key` are sections of their own."""
    sections = {name: source.pop(name) for name in ("columns", "key") if name in source}
    attributes = {"name": "people", "columns": COLUMNS, "label": LABEL, **sections}
    spec = validate({**attributes, "source": source}, folder / "defs.yaml")
    return Pipeline(spec=spec, folder=folder)


def left_behind(lake: Lake) -> dict[str, list[tuple[str, int]]]:
    """Digest and rows of every version of every table: equal lakes have had equal histories."""
    tables = {name: lake.table(name) for name in lake.tables()}
    return {
        name: [(version.digest, version.rows) for version in table.history()]
        for name, table in tables.items()
    }


def names(lake: Lake) -> list[str]:
    return list(lake.table("people/source").read()["name"].to_pylist())
