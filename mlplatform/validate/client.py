"""The TFDV worker seen from here: started early, asked by calls, never waited for in vain."""

import itertools
import json
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from mlplatform.errors import WorkerError
from mlplatform.validate.process import LineProcess

WORKER = Path(__file__).with_name("tfdv_worker.py")
# Neither the user's packages nor this folder, whose `statistics.py` would hide the standard
# library's, may reach the other interpreter.
FLAGS = ("-s", "-P")
START_SECONDS = 180.0  # Importing TFDV takes 10 s from a warm disk and minutes from a cold one.
ANSWER_SECONDS = 600.0  # For each GB of Parquet, of which statistics take about a minute.
BEAM_SECONDS = 86_400.0  # A cluster may be long in starting.


class TfdvWorker:
    """One TFDV process, shared by all threads of this one. Requests are answered in turn.

    Args:
        python: Interpreter that has TFDV; see `mlplatform.validate.interpreter.find`.
        log: Where the process's own messages go; a temporary file if none is given.
        beam: Options of Beam's pipeline, such as `--runner=DirectRunner`, handed on untouched;
            without any, statistics are made in the worker's own memory.
        start_seconds: How long the imports may take.
        answer_seconds: How long one request may take, and statistics of each GB of Parquet in memory.
    """

    def __init__(
        self,
        python: Path,
        log: Path | None = None,
        *,
        beam: Sequence[str] = (),
        start_seconds: float = START_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._python = python
        self._log = log
        self._beam = list(beam)
        self._start_seconds = start_seconds
        self._answer_seconds = answer_seconds
        self._lock = threading.RLock()
        self._ids = itertools.count(1)
        self._process: LineProcess | None = None
        self._ready = False
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    def start(self) -> None:
        """Spawn the process if none runs, and return at once: its imports go on meanwhile.

        Raises:
            WorkerError: If the interpreter cannot be started.
        """
        with self._lock:
            self._running()

    def ping(self) -> dict[str, str]:
        """Return the versions of python, pyarrow and tfdv in the worker.

        Raises:
            WorkerError: As every request does, if the worker cannot start, fails, dies or hangs.
        """
        with self._lock:
            return dict(self._ask("ping", self._answer_seconds))

    def statistics(
        self, views: Mapping[str, Sequence[Path]], columns: Sequence[str]
    ) -> dict[str, bytes]:
        """Return a DatasetFeatureStatisticsList of `columns` for each view, by its name.

        A view is a union of Parquet files; each file is read once, in however many views it is. Up
        to 1,024 distinct values of a column are counted exactly, and quantiles are within 1 % of
        the rank asked for; over more values, those counted depend on the order of a hash table.

        Raises:
            WorkerError: Also if a file is no Parquet or lacks a column.
        """
        paths = {view: [str(Path(f).absolute()) for f in files] for view, files in views.items()}
        params = {"views": paths, "columns": list(columns), "beam": self._beam}
        seconds = BEAM_SECONDS if self._beam else self._answer_seconds * _gigabytes(views)
        return self._ask_for_files("statistics", {}, list(views), seconds, **params)

    def infer_schema(self, statistics: bytes) -> bytes:
        """Return the serialized Schema that data with these statistics fits.

        Raises:
            WorkerError: Also if `statistics` is no DatasetFeatureStatisticsList.
        """
        return self._ask_for_bytes("infer_schema", {"statistics": statistics})

    def anomalies(self, statistics: bytes, schema: bytes, environment: str = "") -> bytes:
        """Return the serialized Anomalies of data with these statistics against `schema`.

        Raises:
            WorkerError: Also if an argument is not what its name says, or the schema does not know
                the environment.
        """
        inputs = {"statistics": statistics, "schema": schema}
        return self._ask_for_bytes("anomalies", inputs, environment=environment)

    def drift(self, statistics: bytes, reference: bytes) -> bytes:
        """Return serialized Anomalies whose `drift_skew_info` says how far each column has moved.

        Categories by the L-infinity norm, numbers by the Jensen-Shannon divergence; no distance is
        an anomaly here, however large.

        Raises:
            WorkerError: Also if an argument is no DatasetFeatureStatisticsList.
        """
        return self._ask_for_bytes("drift", {"statistics": statistics, "reference": reference})

    def close(self) -> None:
        """End the process; a later request starts another."""
        with self._lock:
            if self._process is not None:
                self._process.stop()
            self._forget()

    def __enter__(self) -> "TfdvWorker":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _running(self) -> LineProcess:
        if self._process is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="tfdv-")
            log = self._log or Path(self._scratch.name, "worker.log")
            self._ready = False
            command = [str(self._python), *FLAGS, str(WORKER)]
            self._process = LineProcess(command, log, _environment())
        return self._process

    def _ask_for_bytes(self, method: str, inputs: dict[str, bytes], **params: Any) -> bytes:
        answer = self._ask_for_files(method, inputs, ["output"], self._answer_seconds, **params)
        return answer["output"]

    def _ask_for_files(
        self,
        method: str,
        inputs: dict[str, bytes],
        outputs: Sequence[str],
        seconds: float,
        **params: Any,
    ) -> dict[str, bytes]:
        """Ask with each of `inputs` in a file of that name, and return the files it wrote."""
        with self._lock, tempfile.TemporaryDirectory(prefix="tfdv-request-") as folder:
            paths = {name: Path(folder, name) for name in (*inputs, *outputs)}
            for name, content in inputs.items():
                paths[name].write_bytes(content)
            places = {name: str(path) for name, path in paths.items()}
            self._ask(method, seconds, **params, **places)
            return {name: paths[name].read_bytes() for name in outputs}

    def _ask(self, method: str, seconds: float, **params: Any) -> Any:
        process = self._running()
        if not self._ready:
            self._receive(process, 0, "importing TFDV", self._start_seconds)
            self._ready = True
        number, doing = next(self._ids), f"answering `{method}`"
        try:
            process.send(json.dumps({"id": number, "method": method, "params": params}))
        except EOFError:
            raise self._died(process, doing) from None
        return self._receive(process, number, doing, seconds)

    def _receive(self, process: LineProcess, number: int, doing: str, seconds: float) -> Any:
        try:
            line = process.receive(seconds)
        except EOFError:
            raise self._died(process, doing) from None
        except TimeoutError:
            raise self._hung(process, doing, seconds) from None
        answer = _parsed(line)
        if answer.get("id") != number:
            process.kill()
            raise self._gone(f"said {line[:80]!r} while {doing}", "run `make install`")
        if "error" in answer:
            raise WorkerError(f"TFDV failed {doing}: {answer['error']}")
        return answer.get("result")

    def _died(self, process: LineProcess, doing: str) -> WorkerError:
        fate, words = process.fate(), process.last_words()
        cure = "run it again" if self._ready else "run `make install`"
        return self._gone(f"died {doing} ({fate}); its last words: {words}", cure)

    def _hung(self, process: LineProcess, doing: str, seconds: float) -> WorkerError:
        words = process.last_words()
        process.kill()
        what = f"was ended after {seconds:g} s of {doing}; its last words: {words}"
        return self._gone(what, "run it again")

    def _gone(self, what: str, cure: str) -> WorkerError:
        self._forget()
        log = f" (log: {self._log})" if self._log else ""
        return WorkerError(f"TFDV worker {self._python} {what}; {cure}{log}")

    def _forget(self) -> None:
        self._process = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None


def _gigabytes(views: Mapping[str, Sequence[Path]]) -> float:
    """Size of all files together, in GB; at least 1."""
    files = {Path(file) for view in views.values() for file in view}
    return max(1.0, sum(file.stat().st_size for file in files if file.is_file()) / 1e9)


def _environment() -> dict[str, str]:
    """Return this process's environment without what Python reads of it, and with equal hashes.

    TFDV's sketches of columns with many strings depend on the order of Python's hashes.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONHASHSEED": "0"}


def _parsed(line: str) -> dict[str, Any]:
    try:
        answer = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}
