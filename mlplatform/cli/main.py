"""`mlplatform`: one command a verb. A user's mistake is one line and exit code 1, never a traceback."""

import math
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from mlplatform.cli import (
    alerts,
    data,
    features,
    gate,
    lake_commands,
    reference,
    registry_commands,
    schema,
    tracking,
)
from mlplatform.errors import PlatformError
from mlplatform.settings import Settings, find_root

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Continuous integration and delivery for machine learning models, on Dagster.",
)

app.add_typer(alerts.app, name="alerts")
app.add_typer(data.app, name="data")
app.add_typer(features.app, name="features")
app.add_typer(gate.app, name="gate")
app.add_typer(lake_commands.app, name="lake")
app.add_typer(reference.app, name="reference")
app.add_typer(registry_commands.app, name="registry")
app.add_typer(schema.app, name="schema")
app.add_typer(tracking.app, name="tracking")

Pipeline = Annotated[str, typer.Argument(help="Name of the pipeline: its folder in pipelines/.")]
MODEL = (
    "<pipeline> (what is live), <pipeline>@champion, @challenger, @previous, @newest or @<version>, "
    "<pipeline>/deployment[@<Delta version>], or 8 digits of a digest."
)
Reason = Annotated[str, typer.Option(help="Why; kept with the event.")]


def main() -> None:
    """Run the command line; the entry point of the installed `mlplatform` script."""
    try:
        app()
    except PlatformError as mistake:
        sys.stderr.write(f"Error: {mistake}\n")
        raise SystemExit(1) from None


def settings() -> Settings:
    """Return the settings of this process, for the checkout around the working directory."""
    return Settings.from_environment(os.environ, find_root(Path.cwd()))


@app.command()
def demo(
    pipeline: Pipeline = "census_income",
    port: Annotated[
        int, typer.Option(help="Port of the prediction server; 0 takes a free one.")
    ] = 0,
) -> None:
    """Train, gate and deploy a pipeline, ask the deployed model over HTTP, and say what there is."""
    from mlplatform.cli.demo import run

    raise typer.Exit(run(settings(), pipeline, port))


@app.command()
def status(
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """What is live, and from which versions; read from the lake alone."""
    from mlplatform.cli.status import show

    show(settings(), as_json=json)


@app.command()
def serve(
    pipeline: Pipeline,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8080,
    online_store: Annotated[
        str,
        typer.Option(
            help="Environment variable that holds the address of a Redis, redis://…, which servers "
            "share for looking up aggregates. Left out, this server keeps a file of its own."
        ),
    ] = "",
) -> None:
    """Answer predictions with what is deployed, following promotions and rollbacks."""
    from mlplatform.cli.lake import open_lake
    from mlplatform.ingest.access import named_in
    from mlplatform.serve.server import run
    from mlplatform.serve.settings import ServeSettings
    from mlplatform.train.compile_cache import enable

    here = settings()
    enable(here.compile_cache)
    cache = here.home / "cache" / "aggregates"
    run(
        open_lake(here),
        pipeline,
        host,
        port,
        lambda url: typer.echo(f"{pipeline} is served at {url}"),
        ServeSettings(
            online_store=online_store,
            cache_folder=str(cache),
            verify_key=str(here.verify_key or ""),
        ),
        named_in(os.environ),
    )


@app.command(name="train-worker")
def train_worker(
    pipeline: Pipeline,
    wait: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds for the first process to come; for ever if left out."),
    ] = None,
) -> None:
    """Train along with a run of another process, as MLPLATFORM_COORDINATOR and its kin say."""
    from mlplatform.cli.train_worker import run

    raise typer.Exit(run(settings(), pipeline, math.inf if wait is None else wait))


@app.command()
def skew(
    pipeline: Pipeline,
    url: Annotated[
        str,
        typer.Option(help="A running server; it logs what it is asked. Left out, one is started."),
    ] = "",
    model: Annotated[
        str, typer.Option(help="Digest of a model, or how it begins; what is live if left out.")
    ] = "",
    rows: Annotated[
        int | None,
        typer.Option(min=1, help="Rows sent to the server; as the gate says if left out."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Hold features and predictions of a server against the training table; exit code 1 where they differ."""
    from mlplatform.cli.skew import run

    raise typer.Exit(run(pipeline, url, model, rows, as_json=json))


@app.command()
def predict(
    pipeline: Pipeline,
    rows: Annotated[
        str, typer.Argument(help="A file or table, as `data profile` reads; no label is needed.")
    ],
    output: Annotated[
        Path, typer.Option(help="Where predictions go; the name ends in .parquet or .csv.")
    ] = Path("predictions.parquet"),
    model: Annotated[
        str, typer.Option(help="Digest of a model, or how it begins; what is live if left out.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier output.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Predict every row of a file or table with what is live: number, key and prediction of each."""
    from mlplatform.cli.predict import run

    run(pipeline, rows, output, model, force=force)


@app.command()
def land(
    pipeline: Pipeline,
    file: Annotated[
        str, typer.Argument(help="A labelled batch in the pipeline's format: a path or s3://.")
    ],
) -> None:
    """Append a batch of new rows; the volume trigger counts them."""
    from mlplatform.cli.release import land_batch

    land_batch(settings(), pipeline, file)


@app.command()
def withdraw(
    pipeline: Pipeline,
    batch: Annotated[str, typer.Argument(help="File name of a landed batch.")],
) -> None:
    """Take a landed batch out again, one that the data gates refuse, say."""
    from mlplatform.cli.release import withdraw_batch

    withdraw_batch(settings(), pipeline, batch)


@app.command()
def explain(
    model: Annotated[str, typer.Argument(help=MODEL)],
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
    html: Annotated[Path | None, typer.Option(help="Write one page, without network.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the lineage as SVG.")] = None,
    openlineage: Annotated[
        Path | None, typer.Option(help="Write OpenLineage events, one a line.")
    ] = None,
    slsa: Annotated[
        Path | None, typer.Option(help="Write an in-toto statement with SLSA provenance.")
    ] = None,
) -> None:
    """Tell how a model was made, judged and deployed: from the lake alone."""
    from mlplatform.cli.explain import Outputs
    from mlplatform.cli.explain import explain as told

    outputs = Outputs(as_json=json, html=html, picture=picture, openlineage=openlineage, slsa=slsa)
    told(settings(), model, outputs)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help=MODEL)],
    after: Annotated[str, typer.Argument(help="Another one, named alike.")],
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
    html: Annotated[Path | None, typer.Option(help="Write one page, without network.")] = None,
) -> None:
    """Tell what changed from one model to another: data, code, parameters, environment, metrics, gates."""
    from mlplatform.cli.explain import diff as told

    told(settings(), before, after, as_json=json, html=html)


@app.command()
def promote(pipeline: Pipeline, reason: Reason = "promoted by hand") -> None:
    """Give the canary all traffic."""
    from mlplatform.cli.release import promote_canary

    promote_canary(settings(), pipeline, reason)


@app.command()
def rollback(pipeline: Pipeline, reason: Reason = "rolled back by hand") -> None:
    """Withdraw the canary, or return to the champion before this one."""
    from mlplatform.cli.release import roll_back

    roll_back(settings(), pipeline, reason)


@app.command()
def reproduce(
    model: Annotated[
        str,
        typer.Argument(
            help="<pipeline> (what is live), <pipeline>@challenger, @previous, @newest or @<version>, "
            "or how a digest begins."
        ),
    ],
    environment: Annotated[
        Literal["auto", "reuse", "build"],
        typer.Option(
            help="auto takes this interpreter if its libraries are the recorded ones, else builds "
            "one from the recorded lock; reuse takes it as it is."
        ),
    ] = "auto",
    keep: Annotated[
        Path | None, typer.Option(help="Folder for what was made, and what the training said.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Make a registered model again from its record; exit code 1 where the two differ."""
    from mlplatform.cli.reproduce import run

    raise typer.Exit(run(settings(), model, environment, keep, as_json=json))


@app.command()
def doctor() -> None:
    """Check interpreters, lake, TFDV worker, MLflow and GPU, and say what to do about what is missing."""
    from mlplatform.cli.doctor import examine

    raise typer.Exit(examine(settings()))


@app.command()
def dev(port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000) -> None:
    """Open the Dagster UI, with its daemon, on the same lake."""
    from mlplatform.cli.dagster_home import run_dev

    raise typer.Exit(run_dev(settings(), port))


if __name__ == "__main__":
    main()
