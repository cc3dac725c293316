"""Training runs in MLflow: a child of the orchestrator's run for each asset.

A step that is retried finds its child again.

Uses `MlflowClient` throughout: no active run, nothing global, safe in threads.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import RegistryError
from mlplatform.registry import backend

if TYPE_CHECKING:
    from mlflow import MlflowClient

ASSET = "mlplatform.asset"
PARENT = "mlflow.parentRunId"  # MLflow's own name; its UI nests by it.
METRICS_A_BATCH = 1000  # MLflow's limit
PARAMS_A_BATCH = 100  # MLflow's limit
PARAM_LENGTH = 6000  # MLflow's limit


@dataclass(frozen=True)
class ChildRun:
    """One asset's run below a parent run. What a retry logs again is kept once."""

    client: "MlflowClient"
    tracking_uri: str
    run_id: str
    experiment_id: str
    started_ms: int

    def params(self, values: Mapping[str, object]) -> None:
        """Log what the asset was made with. A retry must log the same values."""
        from mlflow.entities import Param

        params = [Param(key, str(value)[:PARAM_LENGTH]) for key, value in values.items()]
        for start in range(0, len(params), PARAMS_A_BATCH):
            self._log(params=params[start : start + PARAMS_A_BATCH])

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log one value of each metric."""
        self.history({name: [value] for name, value in values.items()}, first_step=step)

    def history(self, values: Mapping[str, Sequence[float]], first_step: int = 0) -> None:
        """Log each metric's values per epoch, in as few requests as MLflow allows."""
        from mlflow.entities import Metric

        # A point is the same one to MLflow when its time is: the run's start, not now.
        points = [
            Metric(name, float(value), self.started_ms, first_step + step)
            for name, series in values.items()
            for step, value in enumerate(series)
        ]
        for start in range(0, len(points), METRICS_A_BATCH):
            self._log(metrics=points[start : start + METRICS_A_BATCH])

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self._log(tags=[RunTag(key, value) for key, value in values.items()])

    def artifact(self, name: str, content: bytes) -> None:
        """Keep a small file, such as a report, with the run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            self._within(lambda: self.client.log_artifact(self.run_id, str(path)))

    def end(self, status: str = "FINISHED") -> None:
        """End the run: `FINISHED`, `FAILED` or `KILLED`."""
        self._within(lambda: self.client.set_terminated(self.run_id, status))

    def _log(self, **batch: Any) -> None:
        self._within(lambda: self.client.log_batch(self.run_id, **batch))

    def _within(self, work: Callable[[], object]) -> None:
        backend.within(self.tracking_uri, work)


def ensure_experiment(tracking_uri: str, name: str, artifacts: str) -> str:
    """Return the id of the experiment `name`, made with its files below `artifacts` if new.

    Without this MLflow keeps the files of a SQLite store below the current folder.

    Raises:
        RegistryError: If MLflow cannot be reached within 10 s or refuses.
    """
    client = backend.client(tracking_uri)

    def work() -> str:
        found = client.get_experiment_by_name(name)
        return str(found.experiment_id if found else client.create_experiment(name, artifacts))

    return backend.within(tracking_uri, work)


@contextmanager
def child_run(tracking_uri: str, parent_run_id: str, asset: str) -> Iterator[ChildRun]:
    """Run the block with the child of `parent_run_id` for `asset`: `FAILED` if it raises.

    A retried step finds the child it made before by its tags, and goes on with it.

    Raises:
        RegistryError: If MLflow cannot be reached within 10 s, or knows no such parent.
    """
    run = open_child(tracking_uri, parent_run_id, asset)
    try:
        yield run
    except BaseException:
        _end_quietly(run)
        raise
    run.end()


def open_child(tracking_uri: str, parent_run_id: str, asset: str) -> ChildRun:
    """Return the child of `parent_run_id` for `asset`, found again or made, and running."""
    client = backend.client(tracking_uri)

    def work() -> ChildRun:
        experiment = client.get_run(parent_run_id).info.experiment_id
        # Both values are our own names and ids; quotes cannot occur in them.
        wanted = f"tags.`{PARENT}` = '{parent_run_id}' AND tags.`{ASSET}` = '{asset}'"
        found = client.search_runs([experiment], wanted, max_results=1)
        if found:
            run = found[0]
            client.update_run(run.info.run_id, status="RUNNING")
        else:
            tags = {PARENT: parent_run_id, ASSET: asset}
            run = client.create_run(experiment, tags=tags, run_name=asset)
        return ChildRun(client, tracking_uri, run.info.run_id, experiment, run.info.start_time)

    return backend.within(tracking_uri, work)


def _end_quietly(run: ChildRun) -> None:
    try:
        run.end("FAILED")
    except RegistryError:
        return  # The error that ends the block matters more.
