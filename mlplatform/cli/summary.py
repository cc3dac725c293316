"""The tables a person sees at the end of a demo; everything is read back from the lake."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table as Grid

from mlplatform.gates.record import to_verdicts
from mlplatform.registry.gate_log import TABLE, rows
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline
from mlplatform.verdict import Outcome

if TYPE_CHECKING:
    from mlplatform.lake import Lake

WALK = (
    "source", "dataset", "reference", "split", "features", "study", "model", "evaluation", "gate_verdict",
    "registered_model", "deployment",
)  # fmt: skip
WHOLE_FROM = 1000  # Numbers from here on are counts.
COLOUR = {Outcome.PASS: "green", Outcome.FAIL: "red", Outcome.INCONCLUSIVE: "yellow"}


@dataclass(frozen=True)
class Served:
    """What the prediction server answered about held-out rows."""

    url: str
    model_version: int
    rows: int
    quality: str  # Of the answers, in words.
    seconds: float


def everything(
    console: Console, settings: Settings, lake: "Lake", pipeline: Pipeline, served: Served
) -> None:
    """Print assets, metrics, gates, and where to look next."""
    assets(console, lake, pipeline)
    metrics(console, lake, pipeline)
    gates(console, lake, pipeline)
    console.print(
        f"served over HTTP by model version {served.model_version}: {served.quality}, "
        f"{served.rows / served.seconds:,.0f} rows/s\n"
    )
    places(console, settings, lake, pipeline)


def assets(console: Console, lake: "Lake", pipeline: Pipeline) -> None:
    """Print each asset's Delta version."""
    grid = Grid("asset", "version", "rows", "content", "made from", title="Assets")
    for noun in WALK:
        version = lake.table(pipeline.table(noun)).latest()
        if version is None:
            continue
        read = ", ".join(
            f"{t.rsplit('/')[-1]} {r.split(':')[0]}" for t, r in version.lineage.inputs.items()
        )
        grid.add_row(noun, str(version.number), f"{version.rows:,}", version.digest[:12], read)
    console.print(grid)


def metrics(console: Console, lake: "Lake", pipeline: Pipeline) -> None:
    """Print the newest model's metrics on the test split."""
    from mlplatform.registry.record import records

    newest = records(lake.table(pipeline.table("registered_model")))[-1]
    shown = "  ".join(f"{name} {value:.4f}" for name, value in sorted(newest.metrics.items()))
    console.print(f"Test metrics of model version {newest.model_version}: {shown}\n", style="bold")


def gates(
    console: Console, lake: "Lake", pipeline: Pipeline, since: datetime | None = None
) -> None:
    """Print the newest answer of every gate, observed against limit, and in words those that did not pass.

    With `since`, only what was answered from then on.
    """
    said = rows(lake.table(pipeline.table(TABLE)))
    if since is not None:
        said = said.filter(pc.greater_equal(said["decided_at"], since))
    newest = {v.gate: v for v in to_verdicts(said)}
    grid = Grid("gate", "outcome", "observed", "limit", title="Gates")
    for verdict in newest.values():
        outcome = f"[{COLOUR[verdict.outcome]}]{verdict.outcome.value}[/]"
        grid.add_row(verdict.gate, outcome, number(verdict.observed), number(verdict.limit))
    if newest:
        console.print(grid)
    for verdict in newest.values():
        if not verdict.passed:
            console.print(f"{verdict.gate}: {verdict.because}", style=COLOUR[verdict.outcome])


def number(value: float | None) -> str:
    """Return a measurement as a person writes it: counts whole, fractions with four digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= WHOLE_FROM or value == int(value) else f"{value:.4g}"


def places(console: Console, settings: Settings, lake: "Lake", pipeline: Pipeline) -> None:
    """Print where the UI, the report and the server are found."""
    verdict = lake.table(pipeline.table("gate_verdict")).latest()
    if verdict is not None and "report" in verdict.lineage.facts:
        report = lake.artifacts.open(verdict.lineage.facts["report"])
        console.print(f"report   {report.uri}/report.html")
    console.print("UI       make dev, then http://127.0.0.1:3000")
    console.print(
        f"server   .venv/bin/mlplatform serve {pipeline.name}, then http://127.0.0.1:8080/predict"
    )
    console.print("live     .venv/bin/mlplatform status")
    console.print(f"lake     {settings.lake}")
