"""A small pipeline of people on disk, and a lake to land it in."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mlplatform.ingest.chunk import rows_schema
from mlplatform.lake import Lake, Lineage, Table, Version
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec import validate as validated

ROOT = Path(__file__).parents[2]
COLUMNS = {"name": "string", "age": "int64", "height": "float64", "member": "string"}
LINEAGE = Lineage(asset="people/source", run_id="run-1", code_version="test")

MakePipeline = Callable[..., Pipeline]


@pytest.fixture
def make_pipeline(tmp_path: Path) -> MakePipeline:
    """Write files and return the pipeline that declares them, in order.

    Keywords that a spec has (`split`, `key`, …) are its sections; all others are the source's.
    """

    def make(files: dict[str, str | bytes], **changes: Any) -> Pipeline:
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (tmp_path / name).write_bytes(raw)
        return Pipeline(spec=make_spec(list(files), **changes), folder=tmp_path)

    return make


def make_spec(files: Iterable[str] = ("people.csv",), **changes: Any) -> PipelineSpec:
    """Return the spec of the people's pipeline, without any file; keywords as in `make_pipeline`."""
    sections = {
        name: changes.pop(name) for name in list(changes) if name in PipelineSpec.model_fields
    }
    attributes = {
        "name": "people",
        "source": {"kind": "csv", "files": list(files), "header": False, **changes},
        "columns": COLUMNS,
        "label": {"column": "member", "positive": "yes"},
        **sections,
    }
    return validated(attributes, Path("defs.yaml"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


@pytest.fixture
def table(lake: Lake) -> Table:
    """The `source` table of the people; not there yet."""
    return lake.table("people/source")


def typed_rows(
    spec: PipelineSpec, rows: Iterable[tuple[Any, ...]], file: str = "people.csv"
) -> pa.Table:
    """Return rows as a file brings them to `source`: the declared columns, file, lines from 1."""
    named = [
        {**dict(zip(spec.columns, row, strict=True)), "source_file": file, "source_line": line}
        for line, row in enumerate(rows, start=1)
    ]
    return pa.Table.from_pylist(named, schema=rows_schema(spec))


def land_rows(table: Table, *files: pa.Table) -> Version:
    """Append typed rows, a commit a file, and return the version that holds them all."""
    number = len(table.history()) if table.exists() else 0
    for at, rows in enumerate(files, start=number):
        version = table.append(rows, LINEAGE, token=f"file-{at}")
    return version
