"""What is live, and from which versions: read from the lake alone, with Dagster and MLflow away."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid

from mlplatform.cli.lake import open_lake
from mlplatform.settings import Settings
from mlplatform.spec import load_pipelines

if TYPE_CHECKING:
    from mlplatform.lake import Lake


@dataclass(frozen=True)
class Live:
    """One model that takes traffic."""

    pipeline: str
    arm: str
    percent: float
    version: int
    digest: str
    metrics: dict[str, float]
    made_from: dict[str, str]
    code: str


def show(settings: Settings, *, as_json: bool) -> None:
    """Print every model that takes traffic."""
    lake = open_lake(settings)
    names = [pipeline.name for pipeline in load_pipelines(settings.pipelines)]
    found = {name: live(lake, name) for name in names}
    if as_json:
        print(json.dumps({n: [asdict(m) for m in models] for n, models in found.items()}, indent=2))  # noqa: T201  the command's answer
        return
    console = Console(highlight=False)
    for name, models in found.items():
        if not models:
            console.print(f"{name}: nothing is live; materialise {name}/deployment, or `make demo`")
            continue
        console.print(_grid(name, models))


def live(lake: "Lake", pipeline: str) -> list[Live]:
    """Return the champion and the canary of a pipeline, as far as there are any."""
    from mlplatform.registry.record import by_digest, records
    from mlplatform.rollout.events import traffic

    now = traffic(lake.table(f"{pipeline}/deployment"))
    known = records(lake.table(f"{pipeline}/registered_model"))
    arms = [("champion", now.champion, 100 - now.canary_percent)]
    arms.append(("canary", now.canary, now.canary_percent))
    found = []
    for arm, model, percent in arms:
        record = by_digest(known, model.digest) if model else None
        if model is None or record is None:
            continue
        found.append(
            Live(
                pipeline=pipeline,
                arm=arm,
                percent=percent,
                version=model.version,
                digest=model.digest,
                metrics=dict(record.metrics),
                made_from=dict(record.data_versions),
                code=record.code_version,
            )
        )
    return found


def _grid(name: str, models: list[Live]) -> Grid:
    grid = Grid(title=f"{name}: live", title_justify="left")
    for column in ("arm", "traffic", "version", "model", "test metrics", "made from", "code"):
        grid.add_column(column, overflow="fold")
    for model in models:
        metrics = "\n".join(f"{k} {v:.4f}" for k, v in sorted(model.metrics.items()))
        made = "\n".join(f"{k} {v}" for k, v in sorted(model.made_from.items()))
        row = (model.arm, f"{model.percent:g} %", str(model.version), model.digest[:12])
        grid.add_row(*row, metrics, made, model.code[:12])
    return grid
