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


def _statistics(parquet: list[str], columns: list[str], output: str) -> None:
    """Fold statistics over all rows batch by batch, so that memory does not grow with them."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl
    from tfx_bsl.arrow import table_util  # type: ignore[import-not-found]  # TFDV's interpreter

    generators = stats_impl.get_generators(tfdv.StatsOptions(), in_memory=True)
    partial = [generator.create_accumulator() for generator in generators]
    for batch in _batches(parquet, columns):
        lists = table_util.CanonicalizeRecordBatch(batch)
        partial = [g.add_input(p, lists) for g, p in zip(generators, partial, strict=True)]
    _write(output, stats_impl.extract_statistics_output(partial, generators))


def _batches(parquet: list[str], columns: list[str]) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in parquet:
        try:
            file = pq.ParquetFile(path)
        except pa.ArrowInvalid as wrong:
            raise ValueError(f"{path}: {wrong}") from None
        missing = [name for name in columns if name not in file.schema_arrow.names]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]!r}")
        yield from file.iter_batches(batch_size=BATCH_ROWS, columns=columns)


def _infer_schema(statistics: str, output: str) -> None:
    import tensorflow_data_validation as tfdv

    # A shape would forbid missing values; how many may be missing is the gate's policy.
    _write(output, tfdv.infer_schema(_read_statistics(statistics), infer_feature_shape=False))


def _anomalies(statistics: str, schema: str, output: str) -> None:
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    accepted = schema_pb2.Schema.FromString(Path(schema).read_bytes())
    _write(output, tfdv.validate_statistics(_read_statistics(statistics), accepted))


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
}

if __name__ == "__main__":
    main()
