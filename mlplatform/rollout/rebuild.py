"""MLflow lost: runs, models, versions, tags and aliases come back from training logs and lake, as often as asked."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mlplatform.registry.find import known_pipelines
from mlplatform.registry.lost_runs import LostRuns
from mlplatform.registry.record import TABLE as REGISTERED
from mlplatform.registry.record import records
from mlplatform.rollout.index import copy

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.outbox import Outbox


def rebuild(lake: "Lake", outbox: "Outbox", pipelines: Iterable[str] = ()) -> Iterator[str]:
    """Bring MLflow to what lake and training logs say; yield a line for each thing done.

    Args:
        lake: Holds models and deployments.
        outbox: The training logs of this machine, and the MLflow that is to have them.
        pipelines: Whose; every pipeline that registered a model, if left out.

    Raises:
        RegistryError: If MLflow cannot be reached or refuses.
    """
    sent = sum(line.endswith(": sent") for line in outbox.send(everything=True))
    yield f"{sent} training logs sent"
    for pipeline in pipelines or known_pipelines(lake):
        known = records(lake.table(f"{pipeline}/{REGISTERED}"))
        lost = LostRuns(lake, outbox.store, pipeline)
        made = sum(lost.restore(record) for record in known)
        shown = copy(lake, pipeline, outbox.store.tracking_uri)
        more = f", {made} training runs from the lake alone" if made else ""
        yield f"{pipeline}: {len(shown)} model versions with tags and aliases{more}"
