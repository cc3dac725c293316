"""How fast a network trains on rows that stream from the lake: beside the same rows in memory.

`.venv/bin/python benchmarks/training_stream.py [ROWS] [REPETITIONS]`: about three minutes for 2,000,000 rows, five
times. Adult's features repeated; epochs of both take turns in one process, each warm. Peak memory is that of a process
of its own for each, which trains one epoch.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlplatform.features import Categorical, FeatureSet, Numeric  # noqa: E402 - after the path
from mlplatform.features.encoder import Encoder  # noqa: E402 - after the path
from mlplatform.features.feature_program import (  # noqa: E402 - after the path
    FeatureProgram,
    export_features,
)
from mlplatform.features.fitting import fit  # noqa: E402 - after the path
from mlplatform.features.table import build  # noqa: E402 - after the path
from mlplatform.ingest import dataset as rows_of  # noqa: E402 - after the path
from mlplatform.ingest.source import land  # noqa: E402 - after the path
from mlplatform.lake import Lake, Lineage, Version  # noqa: E402 - after the path
from mlplatform.spec import Pipeline, load_pipeline  # noqa: E402 - after the path
from mlplatform.spec.families import MODEL, Mlp  # noqa: E402 - after the path
from mlplatform.train.load import load  # noqa: E402 - after the path
from mlplatform.train.loop import Course  # noqa: E402 - after the path
from mlplatform.train.nets import network  # noqa: E402 - after the path
from mlplatform.train.network import prepared  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "training_stream.json"
WHO = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
QUIET = 1.0  # Load above which the result says that the machine was busy.
GOAL = 0.8  # Of the speed in memory.
HOW = {"family": "mlp", "hidden": [128, 64], "batch_size": 512, "epochs": 1_000}
READS = ("memory", "stream")


def repeated(lake: Lake, pipeline: Pipeline, rows: int) -> tuple[Version, Encoder]:
    """Return a features version of Adult's rows, repeated to `rows` at least, and its encoder."""
    once = rows_of.rows(pipeline, lake, land(pipeline, lake, WHO)).read_all()
    columns, label = pipeline.spec.columns, pipeline.spec.label.column
    numbers = [name for name, kind in columns.items() if kind == "int64"]
    words = [name for name in columns if name not in (*numbers, label)]
    declared = FeatureSet([*map(Numeric, numbers), *map(Categorical, words)])
    encoder = fit(declared, once.to_batches(), columns)
    program = FeatureProgram.load(export_features(encoder, {}), encoder)
    tenth = pc.bit_wise_and(once["row_id"], 15)
    parts = pc.if_else(
        pc.equal(tenth, 0), "validation", pc.if_else(pc.equal(tenth, 1), "test", "train")
    )
    split = pa.table({"row_id": once["row_id"], "part": parts})
    made = build(pipeline, encoder, program, once.to_batches(), split.to_batches()).read_all()

    def many() -> Iterator[pa.RecordBatch]:
        for _ in range(-(-rows // made.num_rows)):
            yield from made.to_batches()

    reader = pa.RecordBatchReader.from_batches(made.schema, many())
    return lake.table("census_income/features").overwrite(reader, WHO), encoder


class Training:
    """One network that trains on a version, an epoch at a time."""

    def __init__(self, lake: Lake, version: Version, encoder: Encoder, reads: str) -> None:
        pipeline = load_pipeline(ROOT / "pipelines" / "census_income")
        model = MODEL.validate_python({**HOW, "input": reads})
        assert isinstance(model, Mlp)  # noqa: S101
        started = time.perf_counter()
        data = load(pipeline, lake, version, encoder, model)
        net = network(pipeline, model, data.shape)
        self.course: Course = prepared(pipeline.name, net, data, model, model.batch_size)
        self.begun = time.perf_counter() - started
        self._state, self._next = self.course.state, 0

    @property
    def rows(self) -> int:
        """Rows of an epoch."""
        return self.course.plan.steps * self.course.plan.batch_size

    def epoch(self) -> float:
        """Train an epoch as the loop does, and return its seconds."""
        started = time.perf_counter()
        for _ in range(self.course.plan.segments):
            rest = self.course.seeds, self.course.hyper, self.course.plan
            self._state, taken = self.course.feed.advance(self._next, self._state, *rest)
            if not np.isfinite(float(taken.loss)):
                raise SystemExit("the loss is not finite; nothing was measured")
            self._next += 1
        return time.perf_counter() - started


def in_turn(tasks: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Return what each task says, all in turn, after one turn that does not count."""
    said: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repetitions + 1):
        for name, task in tasks.items():
            value = task()
            if turn:
                said[name].append(value)
    return said


def peak(folder: str, reads: str) -> dict[str, float]:
    """Return the memory of a process that trains one epoch."""
    command = [sys.executable, str(Path(__file__)), "peak", folder, reads]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def one_epoch(folder: str, reads: str) -> None:
    """Train an epoch in this process, and print its peak memory before and after, in MB."""
    lake = Lake(folder)
    encoder = Encoder.from_json((Path(folder) / "encoder.json").read_bytes())
    version = lake.table("census_income/features").latest()
    assert version is not None  # noqa: S101
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Training(lake, version, encoder, reads).epoch()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"before_mb": round(before), "peak_mb": round(after)}))


def main(rows: int, repetitions: int) -> None:
    """Measure, print and keep the result."""
    load_before = os.getloadavg()[0]
    pipeline = load_pipeline(ROOT / "pipelines" / "census_income")
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        version, encoder = repeated(lake, pipeline, rows)
        (Path(folder) / "encoder.json").write_bytes(encoder.to_json())
        memory = {reads: peak(folder, reads) for reads in READS}
        trainings = {reads: Training(lake, version, encoder, reads) for reads in READS}
        said = in_turn({reads: one.epoch for reads, one in trainings.items()}, repetitions)
    result = {
        "command": f"benchmarks/training_stream.py {rows} {repetitions}",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("jax", "pyarrow")},
        "load_before_and_after": [round(load_before, 2), round(os.getloadavg()[0], 2)],
        "busy": load_before > QUIET,
        "model": HOW,
        "table_rows": version.rows,
        "features": len(encoder.vector_names) + len(encoder.id_names),
        **figures(said, {reads: one.rows for reads, one in trainings.items()}),
        "seconds_before_the_first_step": {r: round(one.begun, 2) for r, one in trainings.items()},
        "memory": memory,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def figures(said: Mapping[str, list[float]], rows: Mapping[str, int]) -> dict[str, Any]:
    """Return rates, their ratio turn by turn, and whether the goal is met."""
    rate = {reads: [rows[reads] / s for s in seconds] for reads, seconds in said.items()}
    shares = [s / m for s, m in zip(rate["stream"], rate["memory"], strict=True)]
    share = statistics.median(shares)
    return {
        "rows_an_epoch": dict(rows),
        "examples_per_second": {r: round(statistics.median(found)) for r, found in rate.items()},
        "share_of_memory_speed": {
            "goal": GOAL,
            "reached": round(share, 3),
            "each_turn": [round(s, 3) for s in shares],
            "met": share >= GOAL,
        },
        "seconds": {reads: [round(s, 3) for s in seconds] for reads, seconds in said.items()},
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["peak"]:
        one_epoch(sys.argv[2], sys.argv[3])
    else:
        given = [int(text.replace("_", "")) for text in sys.argv[1:]]
        main(*(given + [2_000_000, 5][len(given) :]))
