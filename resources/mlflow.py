"""MLflow: dagster-mlflow's run of the Dagster run is the parent; every asset logs to a child of it.

What an asset logs is kept on disk first, so MLflow may be away while it trains.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import PrivateAttr

from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.registry.outbox import Outbox
    from mlplatform.registry.tracking import RunLog

LOCAL = "sqlite:///"


class MlflowResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where runs are tracked and models are indexed. MLflow itself is imported at first use: it takes 5 s."""

    tracking_uri: str
    artifacts: str
    logs: str
    _context: dg.InitResourceContext | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Keep the run's context: the parent is opened when the first log is sent."""
        self._context = context

    def reachable_uri(self) -> str:
        """Return the tracking URI, once something answers there.

        Raises:
            RegistryError: If nothing does.
        """
        from mlplatform.registry.backend import probe

        if self.tracking_uri.startswith(LOCAL):
            Path(self.tracking_uri.removeprefix(LOCAL)).parent.mkdir(parents=True, exist_ok=True)
        probe(self.tracking_uri)
        return self.tracking_uri

    def tracked(self, pipeline: Pipeline, noun: str) -> "AbstractContextManager[RunLog]":
        """Run a block with the log of one of the pipeline's assets: see `mlplatform.registry.tracking`.

        MLflow that is away is one warning in Dagster's log, and the log is sent later.

        Raises:
            RegistryError: If the log cannot be kept on disk.
        """
        from mlplatform.registry.outbox import Subject
        from mlplatform.registry.tracking import tracked

        run = self._of_run().run
        assert run is not None, "the resource was used outside a run"  # noqa: S101
        subject = Subject(
            experiment=pipeline.name,
            asset=pipeline.table(noun),
            run_id=run.run_id,
            job=run.job_name,
        )
        warn = dg.get_dagster_logger().warning
        return tracked(self.outbox(), subject, warn, lambda: self._parent(pipeline.name))

    def send_waiting(self) -> None:
        """Send the logs that MLflow has not; a warning says so if that cannot be."""
        self.outbox().send_waiting(dg.get_dagster_logger().warning)

    def outbox(self) -> "Outbox":
        """Return the logs of this machine."""
        from mlplatform.registry.outbox import Outbox
        from mlplatform.registry.replay import Store

        return Outbox(Path(self.logs), Store(self.tracking_uri, self.artifacts))

    def _parent(self, experiment: str) -> str:
        from dagster_mlflow.resources import MlFlow  # 8 s, which are not the server's.

        from mlplatform.registry.backend import within

        config = {"mlflow_tracking_uri": self.tracking_uri, "experiment_name": experiment}
        context = self._of_run().replace_config({**config, "env": {}, "extra_tags": {}})
        return within(self.tracking_uri, lambda: _opened(MlFlow, context))

    def _of_run(self) -> dg.InitResourceContext:
        assert self._context is not None, "the resource was used outside a run"  # noqa: S101
        return self._context


def _opened(mlflow: type, context: dg.InitResourceContext) -> str:
    """Return the id of dagster-mlflow's run, which is running and no longer active in this thread.

    MLflow holds one active run a thread, and dagster-mlflow takes whatever it finds there for its own.
    """
    parent = mlflow(context)
    run_id = str(parent.active_run().info.run_id)
    parent.end_run()
    parent.tracking_client.update_run(run_id, status="RUNNING")
    return run_id
