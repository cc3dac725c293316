"""Trigger: logged requests that no longer look like the champion's training data."""

import dagster as dg

from mlplatform.lake import Lake
from mlplatform.rollout.events import traffic
from mlplatform.spec import Pipeline
from mlplatform.triggers import decide
from mlplatform.triggers.decide import DriftSeen
from sensors.request import watching

SECONDS_BETWEEN_LOOKS = 60
WINDOW_ROWS = (
    10_000  # The newest logged rows judged: enough for PSI, and a tick stays below a second.
)


def build(pipeline: Pipeline) -> dg.SensorDefinition | None:
    """Return the pipeline's drift sensor, unless its spec turns it off."""
    policy = pipeline.spec.triggers.drift
    if policy is None:
        return None

    return watching(
        pipeline,
        "drift",
        f"Walks {pipeline.name} when a column's PSI exceeds {policy.max_psi:g} nats.",
        SECONDS_BETWEEN_LOOKS,
        lambda lake: decide.drift(observed(lake, pipeline), policy),
    )


def observed(lake: Lake, pipeline: Pipeline) -> DriftSeen:
    """Return the PSI of the champion's newest logged requests against its training rows."""
    import pyarrow.compute as pc

    from mlplatform.monitor import reference
    from mlplatform.monitor.drift import psi_by_column

    champion = traffic(lake.table(pipeline.table("deployment"))).champion
    source = lake.table(pipeline.table("source")).latest()
    logged = lake.table(pipeline.table("predictions"))
    if champion is None or not logged.exists():
        digest = champion.digest if champion else ""
        return DriftSeen(psi=None, requests=0, live_model=digest, data="")
    before = reference.load(lake.artifacts.open(champion.digest).read("reference.json"))
    mine = pc.field("model_digest") == champion.digest
    rows = logged.read(where=mine)
    before = {name: seen for name, seen in before.items() if name in rows.column_names}
    window = rows.slice(max(rows.num_rows - WINDOW_ROWS, 0))
    return DriftSeen(
        psi=psi_by_column(before, window) if window.num_rows else None,
        requests=window.num_rows,
        live_model=champion.digest,
        data=source.reference if source else "",
    )
