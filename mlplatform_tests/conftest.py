"""What every test shares: this checkout, a fresh process, and no settings from outside."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mlplatform_tests.endpoint import Endpoint

ROOT = Path(__file__).resolve().parent.parent

# A slow machine is not a defect; and a failure seen on one machine repeats on the next.
settings.register_profile("mlplatform", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("mlplatform")


def pytest_configure(config: pytest.Config) -> None:
    """Drop what the caller's shell says about homes and servers, and let nothing phone home."""
    for name in [
        name for name in os.environ if name.startswith(("MLPLATFORM_", "DAGSTER_", "MLFLOW_"))
    ]:
        del os.environ[name]
    os.environ |= {"DAGSTER_DISABLE_TELEMETRY": "yes", "MLFLOW_DISABLE_TELEMETRY": "true"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def fresh_python() -> Callable[[str], str]:
    """Runs a program in a new interpreter at the top of the checkout; returns what it printed."""

    def run(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def alert_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A real HTTP server to which everything in this process that alerts delivers."""
    server = Endpoint()
    monkeypatch.setenv("MLPLATFORM_ALERT_URLS", server.url())
    yield server
    server.close()
