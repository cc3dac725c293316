"""Five million rows of twelve columns: made the same every time, and what scanning them takes.

`.venv/bin/python benchmarks/five_million.py make FOLDER [ROWS]` writes table.csv and table.parquet, in constant memory.
`.venv/bin/python benchmarks/five_million.py walk` lands, profiles (TFDV and all) and gates them from CSV and Parquet;
it keeps seconds and the peak memory of both processes: about five minutes.
`.venv/bin/python benchmarks/five_million.py measure` scans 1.25, 2.5 and 5 million rows, each in a process of its own,
and keeps seconds and peak memory in results/five_million.json: about two minutes.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.data_checks_tools import peak_mb  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "five_million.json"
ROWS = 5_000_000
CHUNK = 65_536  # Rows made at a time: row n is the same in a table of any length.
START = np.datetime64("2024-01-01T00:00:00", "us")
CITIES = [f"city-{n:02d}" for n in range(50)]
COLUMNS = {
    "event_id": "int64",
    "happened": "timestamp",
    "amount": "float64",
    "distance": "float64",
    "temperature": "float64",
    "speed": "float64",
    "score": "float64",
    "age": "int64",
    "visits": "int64",
    "city": "string",
    "product": "string",
    "bought": "string",
}


def batches(count: int = ROWS) -> Iterator[pa.RecordBatch]:
    """Yield `count` rows: skewed and normal numbers, 2 % missing temperatures, a rare class of a label."""
    for first in range(0, count, CHUNK):
        yield _batch(first).slice(0, min(CHUNK, count - first))


def _batch(first: int) -> pa.RecordBatch:
    rng = np.random.default_rng([2024, first])
    place = np.arange(first, first + CHUNK)
    amount = rng.lognormal(3, 1, CHUNK).round(2)
    temperature = rng.normal(12, 9, CHUNK).round(1)
    score = rng.normal(0, 1, CHUNK)
    bought = score + np.log(amount) / 4 + rng.normal(0, 1, CHUNK) > 2.2
    products = rng.zipf(1.3, CHUNK) % 2_000
    values = {
        "event_id": place * 7 + 1_000_000,
        "happened": START + (place * 4_000_000 + rng.integers(0, 4_000_000, CHUNK)),
        "amount": amount,
        "distance": rng.gamma(2, 7, CHUNK),
        "temperature": pa.array(temperature, mask=rng.random(CHUNK) < 0.02),
        "speed": rng.uniform(0, 130, CHUNK),
        "score": score,
        "age": rng.integers(18, 95, CHUNK),
        "visits": rng.poisson(4, CHUNK),
        "city": pa.array(CITIES).take(pa.array(rng.integers(0, len(CITIES), CHUNK))),
        "product": pa.array([f"p-{n:04d}" for n in range(2_000)]).take(pa.array(products)),
        "bought": pa.array(["no", "yes"]).take(pa.array(bought.astype(np.int8))),
    }
    values["happened"] = pa.array(values["happened"]).cast(pa.timestamp("us", tz="UTC"))
    return pa.record_batch(values)


def make(folder: Path, count: int = ROWS) -> tuple[Path, Path]:
    """Write table.csv and table.parquet of the same rows; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    text, columns = folder / "table.csv", folder / "table.parquet"
    schema = _batch(0).schema
    with csv.CSVWriter(text, schema) as lines, pq.ParquetWriter(columns, schema) as file:
        for batch in batches(count):
            file.write_batch(batch, row_group_size=CHUNK)
            at = schema.get_field_index("happened")
            said = batch["happened"].cast(pa.timestamp("us")).cast(pa.string())
            lines.write_batch(batch.set_column(at, "happened", said).cast(lines_schema(schema)))
    return text, columns


def lines_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema with times as text: ISO 8601, of UTC."""
    at = schema.get_field_index("happened")
    return schema.set(at, pa.field("happened", pa.string()))


def stored(folder: str, count: int) -> None:
    """Write the rows as a table of a lake."""
    from mlplatform.lake import Lake, Lineage

    who = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
    reader = pa.RecordBatchReader.from_batches(_batch(0).schema, batches(count))
    Lake(folder).table("rows").overwrite(reader, who)


def scanned(folder: str) -> dict[str, Any]:
    """Scan the table with all that can be asked; return what that took."""
    from mlplatform.lake import Lake
    from mlplatform.validate.scan import Plan, scan

    plan = Plan(columns=COLUMNS, label="bought", positive="yes", key=("event_id",))
    table = Lake(folder).table("rows")
    for _ in table.batches(columns=["age"]):  # The first read compares the file with its digest.
        pass
    before, began = peak_mb(), time.perf_counter()
    found = scan(table.batches(batch_rows=262_144, dictionaries=True), plan)
    seconds = time.perf_counter() - began
    view = found.view()
    return {
        "rows": view.rows,
        "seconds": round(seconds, 2),
        "million_rows_per_second": round(view.rows / seconds / 1e6, 2),
        "peak_mb_before": before,
        "peak_mb": peak_mb(),
        "scan_kilobytes": len(found.to_bytes()) // 1024,
        "repeated": view.duplicates.repeated,
        "key_repeated": view.duplicates.key_repeated,
    }


def measure() -> None:
    """Scan tables of three lengths, print and keep what that took."""
    load, found = os.getloadavg()[0], []
    for count in (ROWS // 4, ROWS // 2, ROWS):
        with tempfile.TemporaryDirectory() as folder:
            stored(folder, count)
            command = [sys.executable, __file__, "scan", folder]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout))
            print(found[-1])
    result = {
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}, load {load:.1f}",
        "columns": "5 float64, 3 int64, 1 timestamp, 3 string, of which one is the label",
        "scan": found,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def walked(folder: Path, kind: str) -> dict[str, Any]:
    """Land, type, profile and gate the table in `folder`; return the seconds of each and peak memory."""
    from datetime import UTC, datetime, timedelta

    from mlplatform.gates.data import judged, malformed_rows
    from mlplatform.ingest import dataset, source
    from mlplatform.lake import Lake, Lineage
    from mlplatform.spec import Pipeline, validate
    from mlplatform.validate.client import TfdvWorker
    from mlplatform.validate.inquiry import measures_of
    from mlplatform.validate.interpreter import find
    from mlplatform.validate.profile import profile

    said = {
        "name": "events",
        "source": {"kind": kind, "files": [f"table.{kind}"]},
        "columns": COLUMNS,
        "key": ["event_id"],
        "event_time": "happened",
        "label": {"column": "bought", "positive": "yes"},
        "data_gates": {"freshness": {"max_age_days": 36500}},
    }
    pipeline = Pipeline(spec=validate(said, folder), folder=folder)
    lake = Lake(folder / f"lake-{kind}")
    who = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
    seconds, began = {}, time.perf_counter()

    def lap(step: str) -> None:
        nonlocal began
        seconds[step] = round(time.perf_counter() - began, 1)
        began = time.perf_counter()

    landed = source.land(pipeline, lake, who)
    lap("land")
    rows = lake.table("events/dataset").overwrite(dataset.rows(pipeline, lake, landed), who)
    lap("dataset")
    with TfdvWorker(find(None, ROOT)) as worker:
        seen = profile(pipeline, worker, lake, rows, who)
    lap("profile")
    verdicts = judged(
        measures_of(pipeline, lake, rows, seen, landed.committed_at),
        pipeline.spec.data_gates,
        datetime.now(UTC) + timedelta(days=1),
    )
    rejected = source.malformed(lake, pipeline, landed)
    verdicts.append(malformed_rows(rejected, pipeline.spec.data_gates.malformed_rows))
    lap("gates")
    return {
        "source": kind,
        "rows": rows.rows,
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "tfdv_peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        "refused": [verdict.gate for verdict in verdicts if not verdict.passed],
    }


def walk() -> None:
    """Walk tables of three lengths in processes of their own; print and keep what that took."""
    load, found = os.getloadavg()[0], []
    for count, kind in ((ROWS // 4, "parquet"), (ROWS, "parquet"), (ROWS, "csv")):
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), count)
            command = [sys.executable, __file__, "walked", folder, kind]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(json.loads(done.stdout))
            print(found[-1])
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    kept["walk"] = {"load": round(load, 1), "runs": found}
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]), *(int(text.replace("_", "")) for text in sys.argv[3:]))
    elif sys.argv[1:2] == ["scan"]:
        print(json.dumps(scanned(sys.argv[2])))
    elif sys.argv[1:2] == ["walked"]:
        print(json.dumps(walked(Path(sys.argv[2]), sys.argv[3])))
    elif sys.argv[1:2] == ["walk"]:
        walk()
    else:
        measure()
