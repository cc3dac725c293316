"""`mlplatform lake`: compacts tables, frees what no lease holds, and says who holds what."""

import json as json_text
from typing import TYPE_CHECKING, Annotated

import typer

from mlplatform.cli.data.text import say, whole

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.spec import Pipeline

app = typer.Typer(no_args_is_help=True, help="Upkeep of the lake: compaction, vacuum, leases.")

Tables = Annotated[
    list[str] | None, typer.Argument(help="Names of tables; all of them if left out.")
]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Everything = Annotated[bool, typer.Option("--all", help="Not the newest alone.")]


@app.command()
def optimize(
    tables: Tables = None,
    least_files: Annotated[
        int, typer.Option(min=2, help="Tables of fewer files are left as they are.")
    ] = 16,
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Put many small files into one and write Delta checkpoints; versions, digests and readers stay as they are."""
    from dataclasses import asdict

    from mlplatform.cli.lake_text import optimized
    from mlplatform.provenance.upkeep import optimize as compacted

    lake = _lake(writable=True)
    done = []
    try:
        for each in compacted(lake, _known(lake, tables), _who(), least_files):
            done.append(each)
            if not json:
                say(whole(optimized(each)))
    finally:
        if json:
            say(json_text.dumps([asdict(each) for each in done], indent=2))
    if not done and not json:
        say(f"{lake.root} holds no table yet")


@app.command()
def vacuum(
    tables: Tables = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else it is only told.")] = False,  # noqa: FBT002  typer's way of a flag
    grace_days: Annotated[
        float | None,
        typer.Option(help="Instead of retention.grace_days; 0 where nothing runs."),
    ] = None,
    despite_lost: Annotated[  # noqa: FBT002  typer's way of a flag
        bool,
        typer.Option(
            "--despite-lost",
            help="Although something needed is not there: its pipeline and all artifacts stay whole.",
        ),
    ] = False,
    everything: Everything = False,  # noqa: FBT002  typer's way of a flag
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Free versions, artifacts and remains that no lease holds; tells what and why first. Logs stay whole."""
    from datetime import UTC, datetime

    from mlplatform.cli.lake_text import NEWEST, as_json, planned
    from mlplatform.lake.vacuum import carry_out, plan
    from mlplatform.provenance.held import held, require_known

    lake, now, pipelines = _lake(writable=yes), datetime.now(UTC), _pipelines()
    holds, lost = held(lake, pipelines, now, grace_days)
    if yes and not despite_lost:
        require_known(lost)
    wanted = _known(lake, tables) if tables else None
    would = plan(lake, holds, now=now, tables=wanted)
    if yes and not would.empty:
        would = carry_out(lake, would, _who(), lambda: held(lake, pipelines, now, grace_days)[0])
    if json:
        say(json_text.dumps(as_json(would, lost, removed=yes), indent=2))
        return
    for line in planned(would, lost, removed=yes, most=None if everything else NEWEST):
        say(whole(line))


@app.command()
def leases(
    pipeline: Annotated[
        str, typer.Argument(help="Name of a pipeline; all of them if left out.")
    ] = "",
    everything: Everything = False,  # noqa: FBT002  typer's way of a flag
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Who holds table versions and artifacts, and until when; expired leases are told too."""
    from datetime import UTC, datetime

    from mlplatform.cli.lake_text import NEWEST, lease_as_json, leased
    from mlplatform.provenance.leases import leases as of

    lake, now = _lake(), datetime.now(UTC)
    found = [one for each in _pipelines(pipeline) for one in of(lake, each, now)]
    if json:
        say(json_text.dumps([lease_as_json(one, now) for one in found], indent=2))
        return
    for line in leased(found, now, most=None if everything else NEWEST):
        say(whole(line))


def _lake(*, writable: bool = False) -> "Lake":
    from mlplatform.cli.data.input import here
    from mlplatform.cli.lake import open_lake, open_writable_lake

    return open_writable_lake(here()) if writable else open_lake(here())


def _pipelines(name: str = "") -> "list[Pipeline]":
    """Return every pipeline declared here, or the one of this name.

    Raises:
        PlatformError: If there is none, or a spec is wrong.
    """
    from mlplatform.cli.data.input import here
    from mlplatform.cli.release import find_pipeline
    from mlplatform.spec import load_pipelines

    settings = here()
    if name:
        return [find_pipeline(settings, name)]
    return load_pipelines(settings.pipelines, settings.environment)


def _known(lake: "Lake", names: list[str] | None) -> list[str]:
    """Return the tables named, or all there are.

    Raises:
        LakeError: If the lake holds no table of a name.
    """
    from mlplatform.errors import LakeError

    for name in names or []:
        if not lake.table(name).exists():
            raise LakeError(
                f"there is no table {name} at {lake.root}; `mlplatform lake leases` names them"
            )
    return names or lake.tables()


def _who() -> str:
    import getpass

    return getpass.getuser()
