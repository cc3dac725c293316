"""MLflow: dagster-mlflow's run of the Dagster run is the parent; every asset logs to a child of it."""

from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

LOCAL = "sqlite:///"


class MlflowResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where runs are tracked and models are indexed. MLflow itself is imported at first use: it takes 5 s."""

    tracking_uri: str
    artifacts: str
    _context: dg.InitResourceContext | None = PrivateAttr(default=None)
    _parent: Any = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Keep the run's context for `parent_run`."""
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

    def parent_run(self, experiment: str) -> str:
        """Return the id of the MLflow run that belongs to this Dagster run, opening it at first use.

        Raises:
            RegistryError: If the tracking server cannot be reached.
        """
        if self._parent is None:
            from mlplatform.registry.backend import within
            from mlplatform.registry.tracking import ensure_experiment

            ensure_experiment(self.reachable_uri(), experiment, self.artifacts)
            self._parent = within(self.tracking_uri, lambda: self._opened(experiment))
        return str(self._parent.mlflow_run_id or self._parent.active_run().info.run_id)

    def _opened(self, experiment: str) -> Any:
        from dagster_mlflow.resources import MlFlow

        config = {"mlflow_tracking_uri": self.tracking_uri, "experiment_name": experiment}
        assert self._context is not None, "the resource was used outside a run"  # noqa: S101
        return MlFlow(self._context.replace_config({**config, "env": {}, "extra_tags": {}}))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the parent run, if one was opened."""
        if self._parent is not None:
            self._parent.end_run()
            self._parent = None
