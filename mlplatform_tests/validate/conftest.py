"""One warm TFDV worker for all tests of this folder, and small tables to show it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplatform.errors import WorkerError
from mlplatform.lake import Lake, Lineage, Version
from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.spec import validate as validated
from mlplatform.validate import interpreter
from mlplatform.validate.client import TfdvWorker

ROOT = Path(__file__).parents[2]
COLUMNS = {"city": "string", "age": "int64", "height": "float64", "member": "string"}

LINEAGE = Lineage(asset="people/dataset", run_id="run-1", code_version="test")
NEVER = TfdvWorker(Path("no-such-interpreter"))  # Whoever asks it gets a WorkerError.

Measure = Callable[[pa.Table], bytes]
Write = Callable[..., Version]


@pytest.fixture(scope="session")
def tfdv_python() -> Path:
    """The interpreter that has TFDV. These tests never run without one, and never skip."""
    try:
        return interpreter.find(None, ROOT)
    except WorkerError as missing:
        pytest.fail(f"these tests need TFDV: {missing}")


@pytest.fixture(scope="session")
def worker(tfdv_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TfdvWorker]:
    """A real worker, started once."""
    with TfdvWorker(tfdv_python, tmp_path_factory.mktemp("log") / "worker.log") as running:
        yield running


@pytest.fixture
def measure(worker: TfdvWorker, tmp_path: Path) -> Measure:
    """Statistics of all columns of a table."""

    def statistics(table: pa.Table) -> bytes:
        path = tmp_path / "table.parquet"
        pq.write_table(table, path, store_schema=False)
        return worker.statistics({"all": [path]}, table.column_names)["all"]

    return statistics


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """The pipeline of `people`; rows of official.csv test."""
    spec = people_spec(
        source={"kind": "csv", "files": ["*.csv"]},
        split={"test_files": ["official.csv"]},
        data_gates={"min_new_rows": 10},
    )
    return Pipeline(spec=spec, folder=tmp_path)


@pytest.fixture
def dataset(lake: Lake) -> Write:
    """Writes a dataset version of one table a file: `dataset(a=…, official=…)`."""

    def write(**files: pa.Table) -> Version:
        parts = [
            part.append_column("source_file", pa.array([f"{file}.csv"] * len(part), pa.string()))
            for file, part in files.items()
        ]
        table = pa.concat_tables(parts)
        rows = pa.array(range(table.num_rows), pa.int64())
        table = table.add_column(0, "row_id", rows).append_column("source_line", rows)
        return lake.table("people/dataset").overwrite(table, LINEAGE)

    return write


def people(rows: int = 40) -> pa.Table:
    """Clean rows of `COLUMNS`: three cities, no missing value."""
    cities = ["Oslo", "Rome", "Kyiv"]
    return pa.table(
        {
            "city": [cities[n % 3] for n in range(rows)],
            "age": pa.array([20 + n for n in range(rows)], pa.int64()),
            "height": [1.5 + n / 100 for n in range(rows)],
            "member": ["yes" if n % 4 else "no" for n in range(rows)],
        }
    )


def replaced(table: pa.Table, name: str, values: list[object], kind: pa.DataType) -> pa.Table:
    """The table with other values in one column."""
    return table.set_column(table.column_names.index(name), name, pa.array(values, kind))


def people_spec(**changes: object) -> PipelineSpec:
    """The spec that declares `people`."""
    attributes = {
        "name": "people",
        "source": {"kind": "csv", "files": ["a.csv"]},
        "columns": COLUMNS,
        "label": {"column": "member", "positive": "yes"},
        **changes,
    }
    return validated(attributes, Path("defs.yaml"))
