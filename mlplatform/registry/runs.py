"""Runs in MLflow, found again by what we call them: for each, MLflow's own id is known only to MLflow.

The orchestrator's run is the parent, each of its assets that logs is a child of that, each trial a child of
an asset's run. Looking and making are repeatable: whoever was killed in between finds what was made.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlplatform.registry import limits

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOG = "mlplatform.log"  # The log a run is the copy of.
KEY = "mlplatform.log_key"  # Which of the log's runs: `ROOT`, or a trial's name.
ROOT = "/"  # The asset's own; no trial is called so.
ASSET = "mlplatform.asset"
PARENT = "mlflow.parentRunId"  # MLflow's own name; its UI nests by it.
ORCHESTRATED = (
    "dagster_run_id"  # dagster-mlflow's own name; it finds the run of a Dagster run by it.
)
OLDEST = "attributes.start_time ASC"
PAGE = 1000  # runs a request


@dataclass
class Runs:
    """The runs of one experiment. Every method asks MLflow, so it belongs into `backend.within`."""

    client: "MlflowClient"
    experiment: str
    artifacts: str | None
    _id: str = field(default="", init=False)

    @property
    def experiment_id(self) -> str:
        """The experiment's id; it is made if need be, with its files below `artifacts`."""
        if not self._id:
            found = self.client.get_experiment_by_name(self.experiment)
            self._id = str(
                found.experiment_id
                if found
                else self.client.create_experiment(self.experiment, self.artifacts)
            )
        return self._id

    def parent(self, orchestrated: str, name: str, at_ms: int) -> str:
        """Return the id of the run of the orchestrator's run, as dagster-mlflow would."""
        found = self._one(ORCHESTRATED, orchestrated)
        return found.info.run_id if found else self.make(name, {ORCHESTRATED: orchestrated}, at_ms)

    def below(self, identity: str) -> dict[str, str]:
        """Map the keys of a log's further runs, such as its trials, to their ids."""
        found: dict[str, str] = {}
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], _equal(LOG, identity), max_results=PAGE, page_token=token
            )
            found |= {run.data.tags[KEY]: run.info.run_id for run in page if KEY in run.data.tags}
            if not (token := page.token):
                return found

    def make(self, name: str, tags: dict[str, Any], at_ms: int) -> str:
        """Return the id of a new run that began at `at_ms`."""
        fit = {key: str(value)[: limits.TAG_LENGTH] for key, value in tags.items()}
        made = self.client.create_run(
            self.experiment_id, start_time=at_ms, tags=fit, run_name=name[: limits.NAME_LENGTH]
        )
        return str(made.info.run_id)

    def _one(self, tag: str, value: str) -> "Run | None":
        found = self.client.search_runs(
            [self.experiment_id], _equal(tag, value), max_results=1, order_by=[OLDEST]
        )
        return found[0] if found else None


def of_log(client: "MlflowClient", experiment: str, identity: str) -> str | None:
    """Return the id of the asset's run that is the copy of a log, if MLflow has it."""
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return None
    wanted = f"{_equal(LOG, identity)} AND {_equal(KEY, ROOT)}"
    known = client.search_runs([found.experiment_id], wanted, max_results=1)
    return str(known[0].info.run_id) if known else None


def _equal(tag: str, value: str) -> str:
    # Values are our own names and the orchestrator's ids; quotes cannot occur in them.
    return f"tags.`{tag}` = '{value}'"
