"""The peers' environment and processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.tables.table import ROOT

PYTHON = ROOT / ".venv-peers-training" / "bin" / "python"
UV = ROOT / ".venv-uv" / "bin" / "uv"
LOCK = ROOT / "requirements" / "peers-training.lock"


def made() -> None:
    """Make the peers' environment where it does not import torch and scikit-learn yet."""
    imports = [PYTHON, "-c", "import torch, sklearn"]
    if PYTHON.exists() and not subprocess.run(imports, check=False, capture_output=True).returncode:
        return
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, PYTHON.parents[1]], check=True)
    sync = [UV, "pip", "sync", "-q", "--require-hashes", "--python", PYTHON, LOCK]
    subprocess.run(sync, check=True)


class Peer:
    """A peer in its own process, warm."""

    def __init__(self, name: str, file: Path) -> None:
        script = ROOT / "benchmarks" / "training_peers.py"
        self._process = subprocess.Popen(
            [PYTHON, script, name, file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
        self.versions = self._answer()["ready"]

    def train(self, how: dict[str, Any]) -> dict[str, float]:
        """Return seconds and test AUC of one training."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.write(json.dumps(how) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe was asked for
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args} ended without an answer")
        return dict(json.loads(line))
