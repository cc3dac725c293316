"""`mlplatform schema`: what judges a pipeline's data, what new data proposes, and accepting that."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlplatform.cli.data.place import Place

app = typer.Typer(no_args_is_help=True, help="The accepted schema of a pipeline's data.")

Pipeline = Annotated[str, typer.Argument(help="Name of the pipeline.")]
Version = Annotated[
    int | None, typer.Option(help="Version of its dataset; the newest if left out.")
]


@app.command()
def show(pipeline: Pipeline) -> None:
    """The schema that judges the data, as a reviewed `schema.pbtxt` would hold it."""
    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say
    from mlplatform.validate import schema

    accepted = _accepted(place(pipeline))
    say(schema.as_text(accepted).rstrip())


@app.command()
def diff(pipeline: Pipeline, version: Version = None) -> None:
    """What a version of the dataset proposes to change. Exit code 0: nothing, 1: something."""
    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say, whole
    from mlplatform.validate import schema

    at = place(pipeline)
    accepted, profile = _accepted(at), at.profile(version)
    lines = schema.diff(accepted, _proposed(at, version))
    for line in lines:
        say(whole(line))
    if not lines:
        say(f"dataset {profile.dataset} proposes what is accepted")
    raise typer.Exit(bool(lines))


@app.command()
def accept(
    pipeline: Pipeline,
    because: Annotated[str, typer.Option(help="Why; kept with the schema.")],
    version: Version = None,
) -> None:
    """Let the schema that a version of the dataset proposes judge from now on."""
    import getpass

    from mlplatform.cli.data.place import place
    from mlplatform.cli.data.text import say, whole
    from mlplatform.validate import schema

    at = place(pipeline)
    profile, before = at.profile(version), schema.accepted(at.lake, at.pipeline)
    proposed = _proposed(at, version)
    schema.accept_schema(
        at.lake, at.pipeline, profile, because, getpass.getuser(), at.lineage("schema")
    )
    for line in schema.diff(before, proposed) if before is not None else []:
        say(whole(line))
    say(f"the schema of dataset {profile.dataset} judges {pipeline} from now on")


def _accepted(at: "Place") -> bytes:
    from mlplatform.errors import LakeError
    from mlplatform.validate import schema

    accepted = schema.accepted(at.lake, at.pipeline)
    if accepted is None:
        raise LakeError(
            f"{at.pipeline.name} has no accepted schema; the first dataset that passes pins it"
        )
    return accepted


def _proposed(at: "Place", version: int | None) -> bytes:
    from mlplatform.validate import schema

    return at.lake.artifacts.open(at.profile(version).proposed_schema).read(schema.BINARY)
