"""`mlplatform tracking`: training logs that MLflow has not, because it was away."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mlplatform.settings import Settings, find_root

app = typer.Typer(no_args_is_help=True, help="Training logs on their way to MLflow.")


@app.callback()
def tracking() -> None:
    """Keep the group: a lone command would take its place."""


@app.command()
def send(
    everything: Annotated[  # noqa: FBT002  typer's way of a flag
        bool,
        typer.Option("--all", help="Also what MLflow has: for one that lost its runs."),
    ] = False,
) -> None:
    """Send what is kept, oldest first, and double nothing; exit code 1 if something waits on."""
    from mlplatform.registry.outbox import Outbox
    from mlplatform.registry.replay import Store

    here = Settings.from_environment(os.environ, find_root(Path.cwd()))
    outbox = Outbox(here.training_logs, Store(here.mlflow_uri, here.mlflow_artifacts))
    for line in outbox.send(everything=everything):
        typer.echo(line)
    left = len(outbox.waiting())
    typer.echo(f"{left} training logs wait" if left else "MLflow has every training log")
    raise typer.Exit(1 if left else 0)
