"""A prediction server as a child process: started, awaited, stopped cleanly."""

import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mlplatform.errors import ServingError

READY_SECONDS = 60.0  # Imports, verification and compilation take about 6.
ENDING_SECONDS = 0.5  # From closed connections to a process that is gone.
STOP_SECONDS = 30.0  # Longer than a server's grace and its last write to the lake.


class ServerProcess:
    """`python -m mlplatform.serve` in a process of its own; a context manager.

    Args:
        lake: The lake's root.
        pipeline: Whose models.
        port: 0 picks a free one.
        log: File for what the server prints; a temporary one if left out.
        options: Further options by name, such as `{"flush-seconds": 0.2}`.
        ready_seconds: Longest wait for the models to be warm.
        environment: Variables of the process besides this one's own. With `PYTHONPATH` its folders
            come before the current one.
        told: A line that it reads first, for what is on no command line.
    """

    def __init__(
        self,
        lake: str | Path,
        pipeline: str,
        *,
        log: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        options: Mapping[str, object] | None = None,
        ready_seconds: float = READY_SECONDS,
        environment: Mapping[str, str] | None = None,
        told: str = "",
    ) -> None:
        self._command = [*_python(environment or {}), "-m", "mlplatform.serve"]
        self._command += ["--lake", str(lake), "--pipeline", pipeline]
        self._command += ["--host", host, "--port", str(port)]
        self._command += ["--until-stdin-closes", *(["--told"] if told else [])]
        for name, value in (options or {}).items():
            self._command += [f"--{name}", str(value)]
        self._told = told
        self._log = log or Path(tempfile.mkdtemp(prefix="mlplatform-serve-")) / "serve.log"
        self._ready_seconds = ready_seconds
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.url = ""

    @property
    def pid(self) -> int:
        """Process id of a started server."""
        return self._started().pid

    def launch(self) -> "ServerProcess":
        """Start the process and return at once."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,  # Closes with this process, however it ends.
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        if self._told and self._process.stdin is not None:
            with suppress(BrokenPipeError):  # It ended at once; its log says why.
                self._process.stdin.write(f"{self._told}\n")
                self._process.stdin.flush()
        return self

    def start(self) -> "ServerProcess":
        """Start the process and return when its models are warm.

        Raises:
            ServingError: With the server's own reason, or when it is not ready in time.
        """
        return self.launch().wait_ready()

    def wait_ready(self) -> "ServerProcess":
        """Return when the models are warm; errors as in `start`."""
        process = self._started()
        try:
            line = self._lines.get(timeout=self._ready_seconds)
        except queue.Empty:
            self.stop()
            raise ServingError(
                f"the server was not ready within {self._ready_seconds:g} s: {self._reason()}"
            ) from None
        if not line:
            process.wait()
            raise ServingError(self._reason())
        self.url = json.loads(line)["ready"]
        return self

    def stop(self) -> int:
        """Ask the server to stop, wait until it has, and return its exit code; kill it if it hangs."""
        process = self._started()
        process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def require_running(self, wrong: BaseException | None = None) -> None:
        """Return while the server runs; after `wrong` it is given a moment to have ended.

        Raises:
            ServingError: If it ended by itself, with the last line of its log; caused by `wrong`.
        """
        process = self._started()
        with suppress(subprocess.TimeoutExpired):
            code = process.wait(0 if wrong is None else ENDING_SECONDS)
            raise ServingError(f"the server ended with {code}: {self._reason()}") from wrong

    def __enter__(self) -> "ServerProcess":
        try:
            return self.start()
        except KeyboardInterrupt:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        wrong: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self) -> None:
        output = self._started().stdout
        for line in output or ():
            self._lines.put(line)
        self._lines.put("")  # The end.

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise ServingError("the server was not started")
        return self._process

    def _reason(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        return (said or lines or ["it said nothing"])[-1]


def _python(environment: Mapping[str, str]) -> list[str]:
    """Return the command of this interpreter with further variables."""
    pairs = [f"{name}={value}" for name, value in environment.items()]
    # -P: else the current folder would come before PYTHONPATH.
    safe = ["-P"] if "PYTHONPATH" in environment else []
    return [*(["env", *pairs] if pairs else []), sys.executable, *safe]
