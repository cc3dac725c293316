"""Commands that change what is landed or live."""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console

from mlplatform.cli.lake import open_lake, open_writable_lake
from mlplatform.errors import RegistryError, SourceError
from mlplatform.lake import Lineage
from mlplatform.provenance.code import code_identity
from mlplatform.rollout import Event, Model, TrafficState
from mlplatform.rollout import plan as rollout_plan
from mlplatform.settings import Settings
from mlplatform.spec import Pipeline, load_pipelines

console = Console(highlight=False, soft_wrap=True)


def find_pipeline(settings: Settings, name: str) -> Pipeline:
    """Return the pipeline called `name`.

    Raises:
        SourceError: Naming the ones there are, if it is not among them.
    """
    found = load_pipelines(settings.pipelines, settings.environment)
    known = {pipeline.name: pipeline for pipeline in found}
    if name not in known:
        raise SourceError(f"no pipeline {name!r}; known: {', '.join(sorted(known))}")
    return known[name]


def land_batch(settings: Settings, name: str, file: str) -> None:
    """Append the rows of `file` to the pipeline's source, once however often it is repeated."""
    from mlplatform.cli.access import access
    from mlplatform.ingest.landed import landed
    from mlplatform.ingest.source import land_file

    pipeline, lake = find_pipeline(settings, name), open_writable_lake(settings)
    table, short = lake.table(pipeline.table("source")), file.rpartition("/")[2]
    known = short in landed(table).files
    version = land_file(
        pipeline, file, lake, _lineage(settings, table.name), access(pipeline.spec, file)
    )
    if known:
        console.print(f"{short}: landed before; nothing new", markup=False)
        return
    mine = landed(table, version).files[short]
    said = f"{short}: {mine.rows:,} rows landed as {table.name} version {version.number}"
    aside = f"; {mine.rejected:,} malformed ones stand in {pipeline.table('quarantine')}"
    console.print(said + (aside if mine.rejected else ""), markup=False)


def withdraw_batch(settings: Settings, name: str, batch: str) -> None:
    """Take a landed batch out of the pipeline's source again."""
    from mlplatform.ingest.source import withdraw_file

    pipeline, table = find_pipeline(settings, name), f"{name}/source"
    version = withdraw_file(
        pipeline, batch, open_writable_lake(settings), _lineage(settings, table)
    )
    console.print(
        f"{batch}: withdrawn; {table} version {version.number} is without it", markup=False
    )


def promote_canary(settings: Settings, name: str, reason: str) -> None:
    """Give the canary all traffic, if its gates say today what they said when it was deployed.

    Raises:
        GateRefusedError: Saying what lets it no longer.
        CorruptionError: If a byte of it differs from what was registered.
    """
    from mlplatform.judging.second_lock import require_promotable

    pipeline, lake = find_pipeline(settings, name), open_lake(settings)

    def decide(traffic: TrafficState) -> Event:
        if traffic.canary is not None:
            require_promotable(lake, pipeline, traffic, traffic.canary.digest)
        return rollout_plan.promote(
            traffic, by=getpass.getuser(), reason=reason, at=datetime.now(UTC)
        )

    _record(settings, name, decide)


def roll_back(settings: Settings, name: str, reason: str) -> None:
    """Withdraw the canary, or return to the previous champion.

    The way out of an emergency: its bytes are read, and no gate is asked. What it returns to had
    passed once, and a policy that changed since must not keep what is broken live.
    """

    def decide(traffic: TrafficState) -> Event:
        _verify(settings, traffic.champion if traffic.canary else traffic.previous)
        return rollout_plan.rollback(
            traffic, by=getpass.getuser(), reason=reason, at=datetime.now(UTC)
        )

    _record(settings, name, decide)


def _verify(settings: Settings, model: Model | None) -> None:
    """Read every byte of the model that is about to answer.

    Raises:
        CorruptionError: If one differs from what was registered.
    """
    if model is not None:
        open_lake(settings).artifacts.open(model.digest).verify()


def _record(settings: Settings, name: str, decide: Callable[[TrafficState], Event]) -> None:
    from mlplatform.rollout.events import commit
    from mlplatform.rollout.index import bring_up_to_date

    pipeline = find_pipeline(settings, name)
    lake = open_lake(settings)
    table = lake.table(pipeline.table("deployment"))
    event, after = commit(table, decide, _lineage(settings, table.name))
    champion = f"version {after.champion.version}" if after.champion else "nothing"
    if event is not None:
        console.print(f"{event.kind.value}: version {event.model_version}; champion is {champion}")
    try:
        bring_up_to_date(lake, pipeline.name, settings.mlflow_uri, _lineage(settings, "").run_id)
    except RegistryError as away:
        console.print(f"MLflow's aliases are behind until the next walk: {away}", style="yellow")


def _lineage(settings: Settings, table: str) -> Lineage:
    code = str(code_identity(settings.root))
    return Lineage(asset=table, run_id=f"cli-{getpass.getuser()}", code_version=code)
