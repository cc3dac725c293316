"""`mlplatform data`: look at data outside pipelines, judge it, compare it; with exit codes for CI."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at files and tables, judge and compare them.")

What = Annotated[
    str,
    typer.Argument(
        help="CSV, JSON lines or Parquet file (also s3://), Delta folder, or <pipeline>/dataset[@version]."
    ),
]
NoTfdv = Annotated[
    bool, typer.Option("--no-tfdv", help="Skip TFDV and its 10 s start, and say what was not done.")
]


@app.command()
def profile(
    what: What,
    html: Annotated[
        Path | None, typer.Option(help="Write TFDV's Facets page, which works offline, there.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Show every column: type, missing values, quantiles, most frequent values."""
    from mlplatform.cli.data.profiling import show

    show(what, html, as_json=json)


@app.command()
def validate(
    what: What,
    reference: Annotated[
        str | None, typer.Option(help="File or table that it is compared with.")
    ] = None,
    label: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    positive: Annotated[str | None, typer.Option(help="The label's value that is class 1.")] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A column that identifies rows; may be repeated.")
    ] = None,
    event_time: Annotated[str | None, typer.Option(help="When a row happened.")] = None,
    policy: Annotated[
        Path | None, typer.Option(help="YAML file with a `data_gates` section.")
    ] = None,
    no_tfdv: NoTfdv = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Judge by the data gates. Exit code 0: all passed, 1: a gate refused, 2: cannot be read."""
    from mlplatform.cli.data.validation import Asked, run

    asked = Asked(
        label=label, positive=positive, key=key or [], event_time=event_time, policy=policy
    )
    raise typer.Exit(run(what, reference, asked, with_tfdv=not no_tfdv))


@app.command()
def diff(before: What, after: What) -> None:
    """Say what changed: columns, types, rows, distributions. Exit code 0: nothing, 1: something, 2: cannot be read."""
    from mlplatform.cli.data.difference import run

    raise typer.Exit(run(before, after))
