"""Keeps MLflow's registry at what the lake says: every registered model, and the aliases of what is live.

MLflow is a copy that can be made again, so what was copied last is itself a table: a walk whose process died between
a deployment and its copy, or found MLflow away, makes up for it the next time.
"""

from typing import TYPE_CHECKING

from mlplatform.lake import Lineage
from mlplatform.registry.backend import shown
from mlplatform.registry.record import TABLE as REGISTERED
from mlplatform.registry.record import records
from mlplatform.rollout.events import TABLE as DEPLOYMENT
from mlplatform.rollout.events import traffic

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Table
    from mlplatform.registry.mlflow_index import IndexedModel

TABLE = "mlflow_index"  # `<pipeline>/mlflow_index`


def bring_up_to_date(lake: "Lake", pipeline: str, tracking_uri: str, run_id: str) -> bool:
    """Copy the registered models and aliases of `pipeline` to MLflow; return whether anything was behind.

    MLflow is neither imported nor asked when the last copy was of these very versions, to this very address.

    Raises:
        RegistryError: If MLflow cannot be reached or refuses.
    """
    made_from = {table.name: _newest(table) for table in _tables(lake, pipeline)}
    copied = lake.table(f"{pipeline}/{TABLE}")
    last, address = copied.latest(), shown(tracking_uri)
    if last and (last.lineage.inputs, last.lineage.facts.get("to")) == (made_from, address):
        return False
    copy(lake, pipeline, tracking_uri)
    import pyarrow as pa

    who = Lineage(
        asset=copied.name, run_id=run_id, code_version="", inputs=made_from, facts={"to": address}
    )
    rows = pa.table({"table": list(made_from), "version": list(made_from.values())})
    copied.overwrite(rows, who)
    return True


def _tables(lake: "Lake", pipeline: str) -> list["Table"]:
    return [lake.table(f"{pipeline}/{noun}") for noun in (REGISTERED, DEPLOYMENT)]


def _newest(table: "Table") -> str:
    version = table.latest()
    return version.reference if version else ""


def copy(lake: "Lake", pipeline: str, tracking_uri: str) -> list["IndexedModel"]:
    """Copy the registered models, their tags and the aliases, whatever MLflow held before; return what it shows.

    Raises:
        RegistryError: If MLflow cannot be reached or refuses.
    """
    from mlplatform.registry.identity import identities
    from mlplatform.registry.mlflow_index import MlflowIndex

    registered, deployment = _tables(lake, pipeline)
    now = traffic(deployment)
    live = {"champion": now.champion, "challenger": now.canary, "previous": now.previous}
    return MlflowIndex(tracking_uri).sync(
        pipeline,
        records(registered),
        {alias: model.digest if model else None for alias, model in live.items()},
        lake.artifacts.uri,  # An address stays one where the files are gone.
        lambda record: identities(lake, pipeline, record),
    )
