"""What is live, and from which versions: read from the lake alone, with Dagster and MLflow away."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from mlplatform.cli.lake import open_lake
from mlplatform.settings import Settings
from mlplatform.spec import load_pipelines

if TYPE_CHECKING:
    from mlplatform.lake import Lake


SHOWN = (
    *("accuracy", "auc", "f1", "macro_auc", "macro_f1", "log_loss"),
    *("rmse", "mae", "r2", "pinball", "coverage"),
)  # The rest is in `--json` and on the report page.


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
    overrides: list[dict[str, str]] = field(default_factory=list)
    by_policy: list[str] = field(default_factory=list)
    due: str = ""


def show(settings: Settings, *, as_json: bool) -> None:
    """Print every model that takes traffic."""
    lake = open_lake(settings)
    names = [p.name for p in load_pipelines(settings.pipelines, settings.environment)]
    found = {name: live(lake, name) for name in names}
    if as_json:
        print(json.dumps({n: [asdict(m) for m in models] for n, models in found.items()}, indent=2))  # noqa: T201  the command's answer
        return
    console = Console(highlight=False, soft_wrap=True)
    for name, models in found.items():
        if not models:
            console.print(f"{name}: nothing is live; materialise {name}/deployment, or `make demo`")
        for model in models:
            for line in described(model):
                console.print(line, markup=False)
            for line in overridden(model):
                console.print(line, markup=False, style="bold red")
            for line in [*undecided(model), *aging(model)]:
                console.print(line, markup=False, style="yellow")


def described(model: Live) -> list[str]:
    """Return what a person reads about one live model."""
    shown = "  ".join(
        f"{name} {model.metrics[name]:.4f}" for name in SHOWN if name in model.metrics
    )
    made = "  ".join(
        f"{table.rpartition('/')[2]} {reference.partition(':')[0]}"
        for table, reference in sorted(model.made_from.items())
    )
    return [
        f"{model.pipeline}: {model.arm} with {model.percent:g} % of traffic",
        f"  model      version {model.version}, artifact {model.digest[:16]}",
        f"  test       {shown}",
        f"  made from  {made}  (Delta versions)",
        f"  code       {model.code}",
    ]


def overridden(model: Live) -> list[str]:
    """Return what a person has to notice about one live model: which gates it did not pass."""
    from mlplatform.cli.data.text import whole
    from mlplatform.gates.override import minute

    return [
        whole(
            f"  OVERRIDDEN {o['gate']} {o['outcome']}, by {o['by']} until "
            f"{minute(datetime.fromisoformat(o['until']))} ({o['standing']}): {o['because']}"
        )
        for o in model.overrides
    ]


def undecided(model: Live) -> list[str]:
    """Return which gates lacked evidence about one live model and let it through by their policy."""
    from mlplatform.cli.data.text import whole

    return [whole(f"  UNDECIDED  {because}") for because in model.by_policy]


def aging(model: Live) -> list[str]:
    """Return that a live model's program should be exported anew, if it should."""
    return [f"  AGE        {model.due}"] if model.due else []


def live(lake: "Lake", pipeline: str) -> list[Live]:
    """Return the champion and the canary of a pipeline, as far as there are any."""
    from mlplatform.registry.age import due
    from mlplatform.registry.overrides import by_policy, passed_by
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
                overrides=passed_by(lake, pipeline, model.digest, datetime.now(UTC)),
                by_policy=by_policy(lake, pipeline, model.digest),
                due=due(lake, pipeline, record, datetime.now(UTC)),
            )
        )
    return found
