"""Training runs that MLflow lost and no log on this disk tells of, made again from what the lake knows of a model.

Curves, notes and trials are gone with the log; settings, final metrics and the versions that were read are not.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError
from mlplatform.registry import backend, entities, limits, runs
from mlplatform.registry.find import model_version
from mlplatform.registry.plan import Plan
from mlplatform.registry.tracking import DATA

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from mlplatform.lake import Lake, Version
    from mlplatform.registry.record import RegisteredModel
    from mlplatform.registry.replay import Store

REBUILT = "mlplatform.rebuilt"  # Tag of such a run.
FINISHED = "FINISHED"


@dataclass(frozen=True)
class LostRuns:
    """The runs of one pipeline's models in one MLflow."""

    lake: "Lake"
    store: "Store"
    pipeline: str

    def restore(self, record: "RegisteredModel") -> bool:
        """Make the run that trained a model unless MLflow has it; return whether it was made.

        Raises:
            RegistryError: If MLflow cannot be reached or refuses.
        """
        if not record.mlflow_run or "/" not in record.mlflow_run:
            return False
        client = backend.client(self.store.tracking_uri)
        return backend.within(self.store.tracking_uri, lambda: self._restored(client, record))

    def _restored(self, client: "MlflowClient", record: "RegisteredModel") -> bool:
        identity = record.mlflow_run
        if runs.of_log(client, self.pipeline, identity) is not None:
            return False
        try:
            version = model_version(self.lake, self.pipeline, record)
            row = self.lake.table(version.table).read(version).to_pylist()[0]
        except (LakeError, IndexError):
            return False  # The lake does not know it either.
        self._make(client, identity, version, row)
        return True

    def _make(
        self, client: "MlflowClient", identity: str, version: "Version", row: dict[str, Any]
    ) -> None:
        orchestrated, _, asset = identity.partition("/")
        at = int(version.committed_at.timestamp() * 1000)
        known = runs.Runs(client, self.pipeline, self.store.files)
        parent = known.parent(orchestrated, version.lineage.facts.get("job", ""), at)
        tags = {runs.PARENT: parent, runs.ASSET: asset, runs.LOG: identity, runs.KEY: runs.ROOT}
        run_id = known.make(asset, {**tags, REBUILT: "from the lake"}, at)
        said = _said(version, row, at)
        client.log_batch(run_id, **entities.by_kind(list(entities.values(said))))
        client.log_inputs(run_id, entities.datasets(said))
        for each in (run_id, parent):
            client.set_terminated(each, FINISHED, at)


def _said(version: "Version", row: dict[str, Any], at: int) -> Plan:
    """Return settings, metrics, tags and inputs of a training as its log would have told them."""
    numbers = {k: v for k, v in row.items() if isinstance(v, int | float)}
    inputs = dict(version.lineage.inputs)
    tags = {f"{DATA}{table}": reference for table, reference in inputs.items()}
    tags["mlplatform.model_digest"] = str(row.get("model_digest", ""))
    return Plan(
        params=limits.flat(json.loads(row.get("hyperparameters") or "{}")),
        tags={limits.name(name): value for name, value in tags.items()},
        points=[[limits.name(name), float(value), at, 0] for name, value in numbers.items()],
        inputs=[[table, reference, "training"] for table, reference in inputs.items()],
    )
