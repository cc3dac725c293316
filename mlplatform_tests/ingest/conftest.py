"""A small pipeline of people on disk, and a lake to land it in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlplatform.lake import Lake, Lineage, Table
from mlplatform.spec import Pipeline
from mlplatform.spec import validate as validated

ROOT = Path(__file__).parents[2]
COLUMNS = {"name": "string", "age": "int64", "height": "float64", "member": "string"}
LINEAGE = Lineage(asset="people/source", run_id="run-1", code_version="test")

MakePipeline = Callable[..., Pipeline]


@pytest.fixture
def make_pipeline(tmp_path: Path) -> MakePipeline:
    """Write files and return the pipeline that declares them, in order; keywords set `source`."""

    def make(files: dict[str, str | bytes], **changes: Any) -> Pipeline:
        for name, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            (tmp_path / name).write_bytes(raw)
        split = changes.pop("split", {})
        columns = changes.pop("columns", COLUMNS)
        label = changes.pop("label", {"column": "member", "positive": "yes"})
        attributes = {
            "name": "people",
            "source": {"files": list(files), "header": False, **changes},
            "columns": columns,
            "label": label,
            "split": split,
        }
        path = tmp_path / "defs.yaml"
        return Pipeline(spec=validated(attributes, path), folder=tmp_path)

    return make


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """The raw table of the people, in a lake of its own; not there yet."""
    return Lake(tmp_path / "lake").table("people/source")
