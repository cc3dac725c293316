"""`mlplatform reference`: which dataset version new data is compared with, and who decided so."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlplatform.validate.reference import Reference

app = typer.Typer(no_args_is_help=True, help="The baseline that new data is compared with.")

Pipeline = Annotated[str, typer.Argument(help="Name of the pipeline.")]


@app.command()
def promote(
    pipeline: Pipeline,
    because: Annotated[str, typer.Option(help="Why; kept with the reference.")],
    version: Annotated[
        int | None, typer.Option(help="Version of its dataset; the newest if left out.")
    ] = None,
) -> None:
    """Compare with another dataset version from now on, whether or not it passed its gates."""
    import getpass

    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say, whole
    from mlplatform.validate import reference

    at = place(pipeline)
    dataset = at.dataset(version)
    before = reference.current(at.lake, at.pipeline)
    now = reference.promote(
        at.lake, at.pipeline, dataset, because, getpass.getuser(), at.lineage("reference")
    )
    if before is not None and before.version.number == now.number:
        say(f"{dataset.table} {dataset.reference} is the reference already")
        return
    was = f"; it was {before.dataset}" if before else ""
    said = f"{dataset.table} {dataset.reference} ({dataset.rows:,} rows) is the reference{was}"
    say(whole(said))


@app.command()
def show(pipeline: Pipeline) -> None:
    """The reference in force."""
    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say
    from mlplatform.validate import reference

    at = place(pipeline)
    now = reference.current(at.lake, at.pipeline)
    say(_line(now) if now else f"{pipeline} has no reference; the first dataset that passes is it")


@app.command()
def history(pipeline: Pipeline) -> None:
    """Every reference there ever was, newest first."""
    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say
    from mlplatform.validate import reference

    at = place(pipeline)
    for past in reference.history(at.lake, at.pipeline):
        say(_line(past))


def _line(reference: "Reference") -> str:
    from mlplatform.cli.data.text import whole

    since = reference.since.isoformat(sep=" ", timespec="minutes")
    what = f"dataset {reference.dataset}, {reference.rows:,} rows"
    return whole(f"{since}  {what}, by {reference.by}: {reference.because}")
