"""What surrounds a training in Dagster: where its checkpoints lie, and who hears how far it is."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.nouns import asset_key
from mlplatform.lake import Lake, Version
from mlplatform.spec import Pipeline
from resources import ComputeResource

if TYPE_CHECKING:
    from mlplatform.registry.tracking import RunLog
    from mlplatform.train.around import Around
    from mlplatform.train.fit import Trained
    from mlplatform.train.progress import Progress

LINE_SECONDS = 10.0  # Between lines in the log of a run.
EVENT_SECONDS = 60.0  # Between events on the asset's page, which Dagster keeps for ever.
FORGOTTEN_SECONDS = (
    14 * 86_400.0
)  # After which a training that was never finished is not gone on with.


def around(
    context: dg.AssetExecutionContext,
    pipeline: Pipeline,
    compute: ComputeResource,
    run: "RunLog",
    identity: str,
) -> "Around":
    """Return the surroundings of one training.

    Args:
        context: Whose log and events tell how far it is.
        pipeline: Whose budget holds.
        compute: Where checkpoints lie, and how many devices train.
        run: MLflow's log, which hears of every epoch.
        identity: Digest of everything that decides the result but the budget: a training that its
            budget ended goes on when the budget is raised.
    """
    from mlplatform.train.around import Around

    return Around(
        checkpoints=_folder(compute, identity),
        identity=identity,
        budget=pipeline.spec.budget,
        on_epoch=_teller(context, pipeline, run),
        on_note=context.log.warning,
        devices=compute.devices,
    )


def joins(context: dg.AssetExecutionContext, pipeline: Pipeline, compute: ComputeResource) -> bool:
    """Return whether the process of this step will train the pipeline's model in a later one."""
    planned = context.job_def.asset_layer.executable_asset_keys
    return compute.one_process and asset_key(pipeline, "model") in planned


def _teller(
    context: dg.AssetExecutionContext, pipeline: Pipeline, run: "RunLog"
) -> "Callable[[Progress], None]":
    from mlplatform.train.progress import Rate, line

    lines, events = Rate(LINE_SECONDS), Rate(EVENT_SECONDS)
    events.due()  # A short training says at its end all there is to say.

    def tell(progress: "Progress") -> None:
        run.metrics(progress.metrics, step=progress.epoch)
        if lines.due() or progress.epoch >= progress.epochs:
            context.log.info(line(progress))
        if events.due():
            seen: dict[str, float | None] = {
                "epoch": progress.epoch,
                "epochs": progress.epochs,
                **progress.metrics,
            }
            seen |= {"rows_a_second": progress.rows_a_second, "eta_seconds": progress.eta_seconds}
            told = {name: value for name, value in seen.items() if value is not None}
            context.log_event(dg.AssetObservation(asset_key(pipeline, "model"), metadata=told))

    return tell


@contextmanager
def watched(run: "RunLog") -> Iterator[None]:
    """Log how busy the machine is while the block runs."""
    from mlplatform.train.system import Watch

    with Watch(run.points):
        yield


def forget(
    lake: Lake, compute: ComputeResource, identity: str, done: dg.MaterializeResult[Version]
) -> None:
    """Remove the checkpoints of a training whose model is in the lake, and of those long given up.

    One that its budget ended keeps them: with a larger budget it goes on.
    """
    stopped = lake.table(done.value.table).read(done.value).column("stopped_by").to_pylist()
    if not any(stopped):
        shutil.rmtree(_folder(compute, identity), ignore_errors=True)
    for folder in Path(compute.checkpoints).glob("*"):
        if time.time() - _touched(folder) > FORGOTTEN_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _touched(folder: Path) -> float:
    """Return when anything below a folder was last made; now, if it vanishes meanwhile."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()


def told(trained: "Trained", row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the asset's page shows of a training, and whether trees would have done."""
    fitted = trained.fitted
    shown: dict[str, Any] = {name: value for name, value in row.items() if value != ""}
    shown["notes"] = dg.MetadataValue.md("\n".join(f"- {note}" for note in fitted.notes) or "none")
    if fitted.spent:
        shown["training_seconds"] = round(fitted.spent.get("wall_seconds", 0.0), 2)
    # Calibration was fitted on the rows it is measured by, and trees are not calibrated.
    of = "validation" if trained.uncalibrated is None else "uncalibrated"
    ours, trees = (row.get(f"{kind}_{fitted.task.metric}") for kind in (of, "baseline"))
    if trees is not None:
        better = "better" if ours < trees else "no better"
        shown["against_trees"] = (
            f"{trained.model.family} has a validation {fitted.task.metric} of {ours:.4f}, "
            f"100 trees of LightGBM {trees:.4f}: {better}"
        )
    return shown


def _folder(compute: ComputeResource, identity: str) -> Path:
    return Path(compute.checkpoints) / identity[:32]
