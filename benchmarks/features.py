"""How fast rows become features: ours against scikit-learn's pipelines on the same rows, many at once and one alone.

`.venv/bin/python benchmarks/features.py [ROWS] [REPETITIONS]`: about four minutes for 1,000,000 rows, seven times.
Adult's rows repeated, all 14 columns; everything is warm, in one process, and all take turns.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.features_sklearn import JOBS, Peer  # noqa: E402 - after the path
from mlplatform.features import Categorical, FeatureSet, Numeric  # noqa: E402 - after the path
from mlplatform.features.batch_function import (  # noqa: E402 - after the path
    ENCODER,
    PROGRAM,
    BatchFunction,
)
from mlplatform.features.engine import THREADS  # noqa: E402 - after the path
from mlplatform.features.feature_program import export_features  # noqa: E402 - after the path
from mlplatform.features.fitting import fit  # noqa: E402 - after the path
from mlplatform.features.program import Predictor  # noqa: E402 - after the path
from mlplatform.features.table import build  # noqa: E402 - after the path
from mlplatform.features.table_rows import in_order  # noqa: E402 - after the path
from mlplatform.ingest import dataset as rows_of  # noqa: E402 - after the path
from mlplatform.ingest.source import land  # noqa: E402 - after the path
from mlplatform.lake import Lake, Lineage, Table  # noqa: E402 - after the path
from mlplatform.spec import Pipeline, load_pipeline  # noqa: E402 - after the path
from mlplatform.train.export import export  # noqa: E402 - after the path
from mlplatform.train.fit import fit as train  # noqa: E402 - after the path

RESULTS = ROOT / "benchmarks" / "results" / "features.json"
BINS = 24  # As in pipelines/census_income/features.py.
QUIET = 1.0  # Load above which the result says that the machine was busy.
SINGLE = 1000  # Single rows a repetition; of scikit-learn a tenth.
WHO = Lineage(asset="benchmark", run_id="benchmark", code_version="benchmark")
GOALS = {"million_rows_per_second": 2.0, "share_of_decode": 1 / 3, "one_row_microseconds": 150.0}


def declared(numbers: Iterable[str], categories: Iterable[str], bins: int | None) -> FeatureSet:
    """Return all columns as features: numbers in bins or standardised, categories as ids."""
    return FeatureSet(
        [
            *(Numeric(name, bins=bins) for name in numbers),
            *(Categorical(name) for name in categories),
        ]
    )


class Ours:
    """Fitted features over the batches of a table."""

    def __init__(self, pipeline: Pipeline, train: pa.Table, features: FeatureSet) -> None:
        encoder = fit(features, train.to_batches(), pipeline.spec.columns)
        files = {ENCODER: encoder.to_json(), PROGRAM: export_features(encoder, {})}
        self.function = BatchFunction.load(files)

    def transform(self, batches: Iterable[pa.RecordBatch]) -> int:
        """Compute the features of all rows, as the table does, and return how many there are."""
        return sum(made.num_rows for made in in_order(self.function, batches, THREADS))

    def counted(self, batches: Iterable[pa.RecordBatch]) -> int:
        """The same with statistics."""
        return sum(m.num_rows for m, _ in in_order(self.function.counted, batches, THREADS))


def adult(lake: Lake, pipeline: Pipeline, rows: int) -> tuple[pa.Table, Table]:
    """Return Adult's rows, and a table of the lake with them repeated to `rows` at least."""
    landed = land(pipeline, lake, WHO)
    once = rows_of.rows(pipeline, lake, landed).read_all()
    many = pa.concat_tables([once] * -(-rows // once.num_rows))
    table = lake.table("census_income/dataset")
    table.overwrite(many, WHO)
    return once, table


def timed(task: Callable[[], Any]) -> float:
    """Return the seconds a task took."""
    started = time.perf_counter()
    task()
    return time.perf_counter() - started


def each(task: Callable[[Mapping[str, Any]], Any], rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the median seconds of a task over single rows."""
    return statistics.median(timed(partial(task, row)) for row in rows)


def measured(tasks: Mapping[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Return what each task says, all in turn, after one turn that does not count."""
    said: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repetitions + 1):
        for name, task in tasks.items():
            value = task()
            if turn:
                said[name].append(value)
    return said


def predictor(pipeline: Pipeline, once: pa.Table, features: Ours) -> Callable[[Any], Any]:
    """Return the probability of one row, by a network of the pipeline's size; one epoch makes it as slow as any."""
    function = features.function
    parts = pc.if_else(pc.equal(pc.bit_wise_and(once["row_id"], 7), 0), "validation", "train")
    split = pa.table({"row_id": once["row_id"], "part": parts})
    table = build(
        pipeline, function.encoder, function.program, once.to_batches(), split.to_batches()
    )
    how = pipeline.spec.model.model_copy(update={"epochs": 1})
    trained = train(pipeline, table.read_all(), function.encoder, how)
    loaded = Predictor.load(Artifact(export(trained, function.encoder, function.program.content)))
    loaded.warm_up(1)
    return lambda row: loaded.predict(loaded.encoder.encode_rows([row]))


class Artifact(dict[str, bytes]):
    """Files in memory."""

    def read(self, name: str) -> bytes:
        """Return one."""
        return self[name]


def drained(table: Table, columns: Sequence[str]) -> int:
    """Read a table as the feature table does, and return its rows."""
    return sum(b.num_rows for b in table.batches(columns=columns, dictionaries=True))


def main(rows: int, repetitions: int) -> None:
    """Measure, print and keep the result."""
    load = os.getloadavg()[0]
    pipeline = load_pipeline(ROOT / "pipelines" / "census_income")
    columns, label = pipeline.spec.columns, pipeline.spec.label.column
    numbers = [name for name, kind in columns.items() if kind == "int64"]
    raw = [*numbers, *(name for name in columns if name not in (*numbers, label))]
    with tempfile.TemporaryDirectory() as folder:
        once, table = adult(Lake(folder), pipeline, rows)
        count = drained(table, raw)
        peer = Peer(once, table.read(columns=raw), numbers, raw[len(numbers) :], label, BINS)
        tasks = ours(pipeline, once, table, numbers, raw)
        for kind, in_bins in (("in bins", True), ("standardised", False)):
            for jobs in JOBS:
                task = partial(peer.transform, in_bins=in_bins, jobs=jobs)
                tasks[f"scikit-learn, {kind}, {jobs} jobs"] = partial(timed, task)
        some = once.select(raw).slice(0, SINGLE // 10).to_pylist()
        tasks["scikit-learn, one row"] = partial(each, peer.predict, some)
        said = measured(tasks, repetitions)
    result = {
        "command": f"benchmarks/features.py {rows} {repetitions}",
        "machine": f"{os.cpu_count()} CPUs, Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("jax", "pyarrow", "scikit-learn")},
        "load_before_and_after": [round(load, 2), round(os.getloadavg()[0], 2)],
        "busy": load > QUIET,
        "rows": count,
        "columns": len(raw),
        **figures(said, count),
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "seconds"}, indent=2))


def ours(
    pipeline: Pipeline, once: pa.Table, table: Table, numbers: Sequence[str], raw: Sequence[str]
) -> dict[str, Callable[[], float]]:
    """Return our tasks: decoding alone, features of rows in memory and of the table, and one row."""
    batches = list(table.batches(columns=raw, dictionaries=True))
    file = table.files()[0].removeprefix("file://")
    binned, scaled = (
        Ours(pipeline, once, declared(numbers, raw[len(numbers) :], bins)) for bins in (BINS, None)
    )
    predict = predictor(pipeline, once, binned)
    return {
        "decode": partial(timed, lambda: pq.read_table(file, columns=list(raw))),
        "decode, as the lake does": partial(timed, lambda: drained(table, raw)),
        "features in bins": partial(timed, lambda: binned.transform(batches)),
        "features standardised": partial(timed, lambda: scaled.transform(batches)),
        "decode, features in bins, statistics": partial(
            timed, lambda: binned.counted(table.batches(columns=raw, dictionaries=True))
        ),
        "one row": partial(each, predict, once.select(raw).slice(0, SINGLE).to_pylist()),
    }


def figures(said: Mapping[str, list[float]], rows: int) -> dict[str, Any]:
    """Return rates, ratios of medians, and whether each goal is met."""
    median = {name: statistics.median(seconds) for name, seconds in said.items()}
    rate = {name: round(rows / 1e6 / s, 2) for name, s in median.items() if "one row" not in name}
    best = {
        kind: min(median[f"scikit-learn, {kind}, {jobs} jobs"] for jobs in JOBS)
        for kind in ("in bins", "standardised")
    }
    row = {name: round(median[name] * 1e6, 1) for name in ("one row", "scikit-learn, one row")}
    decode = min(median["decode"], median["decode, as the lake does"])  # The faster of the two.
    reached = {
        "million_rows_per_second": rate["features in bins"],
        "share_of_decode": round(decode / median["features in bins"], 2),
        "one_row_microseconds": row["one row"],
    }
    return {
        "million_rows_per_second": rate,
        "microseconds": row,
        "times_as_fast_as_scikit_learn": {
            **{kind: round(s / median[f"features {kind}"], 1) for kind, s in best.items()},
            "one row": round(median["scikit-learn, one row"] / median["one row"], 1),
        },
        "goals": {
            name: {
                "goal": round(goal, 2),
                "reached": reached[name],
                "met": _met(name, goal, reached),
            }
            for name, goal in GOALS.items()
        },
        "seconds": {name: [round(s, 7) for s in seconds] for name, seconds in said.items()},
    }


def _met(name: str, goal: float, reached: Mapping[str, float]) -> bool:
    return reached[name] <= goal if "microseconds" in name else reached[name] >= goal


if __name__ == "__main__":
    given = [int(text.replace("_", "")) for text in sys.argv[1:]]
    main(*(given + [1_000_000, 7][len(given) :]))
