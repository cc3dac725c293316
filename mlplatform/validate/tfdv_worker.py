"""Answers TFDV requests, one JSON object a line, until its input closes.

Runs by path under another interpreter, so it imports the standard library, TFDV and pyarrow only.
A request is {"id", "method", "params"}, an answer {"id", "result"} or {"id", "error"}; the first
line, with id 0, is sent once TFDV is imported. Statistics, schemas and anomalies travel by file.
Nothing but answers reaches standard output: what TensorFlow or Beam print there goes to the log.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BATCH_ROWS = 65_536


def main() -> None:
    """Serve requests until standard input closes, even in the middle of the imports."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _send(answers, {"id": 0, "result": _versions()})
    while True:
        _send(answers, _answer(json.loads(requests.get())))


def _listen(requests: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        requests.put(line)
    # The parent closed the pipe or died: nobody waits for an answer, and imports may still run.
    os._exit(0)


def _send(answers: Any, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    # The log's last line then says what the worker was at when it died.
    print(json.dumps(request), file=sys.stderr, flush=True)  # noqa: T201 - standard error is the log
    try:
        result = METHODS[request["method"]](**request["params"])
    except Exception as wrong:
        reason = " ".join(str(wrong).split())
        return {"id": request["id"], "error": f"{type(wrong).__name__}: {reason}"}
    return {"id": request["id"], "result": result}


def _versions() -> dict[str, str]:
    os.putenv("TF_CPP_MIN_LOG_LEVEL", "2")
    os.putenv("CUDA_VISIBLE_DEVICES", "-1")  # The GPU's memory is for training.
    import pyarrow as pa
    import tensorflow_data_validation as tfdv

    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, "pyarrow": pa.__version__, "tfdv": tfdv.__version__}


def _statistics(
    views: dict[str, list[str]], columns: list[str], beam: list[str], **outputs: str
) -> None:
    """Write statistics of every view, a union of files; `outputs` has a path a view."""
    paths = sorted({path for files in views.values() for path in files})
    for path in paths:
        _require_columns(path, columns)
    filled = {view: files for view, files in views.items() if files or not beam}
    (_by_beam if beam else _in_memory)(filled, columns, outputs, beam)
    if len(filled) < len(views):  # Beam makes nothing of nothing.
        _in_memory({view: [] for view in views if view not in filled}, columns, outputs, [])


def _in_memory(
    views: dict[str, list[str]], columns: list[str], outputs: dict[str, str], _: list[str]
) -> None:
    """Fold statistics over each file once, batch by batch, so that memory does not grow with rows.

    What a view holds is merged from its files', as Beam would.
    """
    import copy

    from tensorflow_data_validation.statistics import stats_impl

    generators = stats_impl.get_generators(_options(), in_memory=True)
    folded = {
        path: _folded(generators, path, columns)
        for path in sorted({path for files in views.values() for path in files})
    }
    for view, files in views.items():
        # Merging changes what is merged, and another view may need it.
        parts = copy.deepcopy([folded[path] for path in files])
        merged = [
            generator.merge_accumulators([generator.create_accumulator(), *each])
            for generator, *each in zip(generators, *parts, strict=True)
        ]
        _write(outputs[view], stats_impl.extract_statistics_output(merged, generators))


def _folded(generators: list[Any], path: str, columns: list[str]) -> list[Any]:
    import pyarrow.parquet as pq
    from tfx_bsl.arrow import table_util  # type: ignore[import-not-found]  # TFDV's interpreter

    partial = [generator.create_accumulator() for generator in generators]
    for batch in pq.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS, columns=columns):
        lists = table_util.CanonicalizeRecordBatch(batch)
        partial = [g.add_input(p, lists) for g, p in zip(generators, partial, strict=True)]
    return partial


def _by_beam(
    views: dict[str, list[str]], columns: list[str], outputs: dict[str, str], beam: list[str]
) -> None:
    """Run one Beam pipeline with the options `beam`: each file is read once, by whatever runner.

    Every runner's workers must see the files' folder.
    """
    import apache_beam  # type: ignore[import-not-found]  # TFDV's interpreter
    import tensorflow_data_validation as tfdv
    from apache_beam.options.pipeline_options import (  # type: ignore[import-not-found]  # As above.
        PipelineOptions,
    )

    with apache_beam.Pipeline(options=PipelineOptions(beam)) as pipeline:
        read = {}
        for path in sorted({path for files in views.values() for path in files}):
            read[path] = (
                pipeline
                | f"List {path}" >> apache_beam.Create(_row_groups(path))
                | f"Spread {path}" >> apache_beam.Reshuffle()
                | f"Read {path}" >> apache_beam.FlatMap(_read_row_group, columns)
            )
        for view, files in views.items():
            _ = (
                [read[path] for path in files]
                | f"Join {view}" >> apache_beam.Flatten(pipeline=pipeline)
                | f"Measure {view}" >> tfdv.GenerateStatistics(_options())
                | f"Write {view}" >> tfdv.WriteStatisticsToBinaryFile(outputs[view])
            )


def _options() -> Any:
    import tensorflow_data_validation as tfdv

    # The sketches are what in-memory statistics use whatever is said; so both have the same figures.
    return tfdv.StatsOptions(use_sketch_based_topk_uniques=True)


def _row_groups(path: str) -> list[tuple[str, int]]:
    import pyarrow.parquet as pq

    return [(path, number) for number in range(pq.ParquetFile(path).num_row_groups)]


def _read_row_group(place: tuple[str, int], columns: list[str]) -> Iterator[Any]:
    """Runs in Beam's workers, which know nothing of this file but the function."""
    import pyarrow.parquet as pq
    from tfx_bsl.arrow import table_util

    path, number = place
    for batch in pq.ParquetFile(path).read_row_group(number, columns=columns).to_batches():
        yield table_util.CanonicalizeRecordBatch(batch)


def _require_columns(path: str, columns: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = pq.ParquetFile(path).schema_arrow.names
    except pa.ArrowInvalid as wrong:
        raise ValueError(f"{path}: {wrong}") from None
    missing = [name for name in columns if name not in names]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]!r}")


def _infer_schema(statistics: str, output: str) -> None:
    import tensorflow_data_validation as tfdv

    # A shape would forbid missing values; how many may be missing is the gate's policy.
    _write(output, tfdv.infer_schema(_read_statistics(statistics), infer_feature_shape=False))


def _anomalies(statistics: str, schema: str, environment: str, output: str) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    accepted = schema_pb2.Schema.FromString(Path(schema).read_bytes())
    found = tfdv.validate_statistics(_read_statistics(statistics), accepted, environment or None)
    _write(output, found)


def _drift(statistics: str, reference: str, output: str) -> None:
    """Write Anomalies whose `drift_skew_info` has the distance of every column that both have."""
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    now, before = _read_statistics(statistics), _read_statistics(reference)
    kinds = {_name(feature): _kind(feature) for feature in before.datasets[0].features}
    asked = schema_pb2.Schema()
    for feature in now.datasets[0].features:
        if kinds.get(_name(feature)) != _kind(feature):
            continue
        column = asked.feature.add(name=_name(feature), type=_kind(feature))
        # No distance exceeds 1, so it is measured and nothing is said about it.
        if column.type == schema_pb2.BYTES:
            column.drift_comparator.infinity_norm.threshold = 1.0
        else:
            column.drift_comparator.jensen_shannon_divergence.threshold = 1.0
    _write(output, tfdv.validate_statistics(now, asked, previous_statistics=before))


def _name(feature: Any) -> str:
    return ".".join(feature.path.step)


def _kind(feature: Any) -> Any:
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    return {
        statistics_pb2.FeatureNameStatistics.INT: schema_pb2.INT,
        statistics_pb2.FeatureNameStatistics.FLOAT: schema_pb2.FLOAT,
    }.get(feature.type, schema_pb2.BYTES)


def _read_statistics(path: str) -> Any:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    return statistics_pb2.DatasetFeatureStatisticsList.FromString(Path(path).read_bytes())


def _write(path: str, message: Any) -> None:
    Path(path).write_bytes(message.SerializeToString(deterministic=True))


METHODS: dict[str, Callable[..., Any]] = {
    "ping": _versions,
    "statistics": _statistics,
    "infer_schema": _infer_schema,
    "anomalies": _anomalies,
    "drift": _drift,
}

if __name__ == "__main__":
    main()
