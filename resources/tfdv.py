"""One warm TFDV worker for a whole run: importing it takes 10 s, so it starts while data lands."""

from pathlib import Path

import dagster as dg
from pydantic import Field, PrivateAttr

from mlplatform.validate.client import TfdvWorker
from mlplatform.validate.interpreter import find


class TfdvResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The worker process, started by whoever needs it first and closed with the run."""

    python: str = ""
    checkout: str
    log: str
    beam: list[str] = Field(default=[], description="Options of Beam; none: in memory.")
    _worker: TfdvWorker | None = PrivateAttr(default=None)

    def worker(self) -> TfdvWorker:
        """Return the worker; its process starts with the first request, or with `start`."""
        if self._worker is None:
            explicit = Path(self.python) if self.python else None
            python = find(explicit, Path(self.checkout))
            self._worker = TfdvWorker(python, Path(self.log), beam=self.beam)
        return self._worker

    def start(self) -> None:
        """Start the process without waiting for its imports."""
        self.worker().start()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the worker, if one was started."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
