"""`mlplatform registry`: registered models listed, verified, signed, exported anew; MLflow rebuilt."""

import json as json_text
from typing import TYPE_CHECKING, Annotated

import typer

from mlplatform.cli.data.text import say, whole

if TYPE_CHECKING:
    from mlplatform.lake import Lake
    from mlplatform.registry.find import Found
    from mlplatform.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Registered models: verified, signed, kept readable.")

Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="<pipeline>, <pipeline>@champion, @challenger, @previous, @newest or @<version>, "
        "or how a digest begins; what is live if left out."
    ),
]
Pipelines = Annotated[
    list[str] | None, typer.Argument(help="Names of pipelines; all of them if left out.")
]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Everything = Annotated[bool, typer.Option("--all", help="Every registered model.")]


@app.command(name="list")
def list_models(
    pipelines: Pipelines = None,
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Every registered model, newest last: where it is live, when registered, by whom signed, how old."""
    from dataclasses import asdict

    from mlplatform.cli.registry_text import listed, rows

    lake = _lake()
    found = [row for name in pipelines or _registered(lake) for row in rows(lake, name)]
    if json:
        say(json_text.dumps([asdict(row) for row in found], indent=2))
        return
    for row in found:
        say(whole(listed(row)))
    if not found:
        say("nothing is registered yet")


@app.command()
def verify(
    models: Models = None,
    everything: Everything = False,  # noqa: FBT002  typer's way of a flag
    load: Annotated[  # noqa: FBT002  typer's way of a flag
        bool,
        typer.Option(help="Also load each in a process of its own and let it answer a row."),
    ] = True,
) -> None:
    """Read every byte of models, look for what does not belong there, check signatures; exit code 1 if refused."""
    from mlplatform.cli.registry_text import named, verified
    from mlplatform.errors import PlatformError

    lake, refused = _lake(), 0
    for found in _chosen(lake, models, everything=everything):
        try:
            said = verified(lake, found, _settings().verify_key, load=load)
        except PlatformError as wrong:
            refused += 1
            said = f"REFUSED: {wrong}"
        say(whole(f"{named(found)}: {said}"))
    raise typer.Exit(1 if refused else 0)


@app.command()
def sign(
    models: Models = None,
    everything: Everything = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """Sign models by the key in MLPLATFORM_SIGNING_KEY; once, however often repeated."""
    from mlplatform.cli.lake import open_writable_lake
    from mlplatform.cli.registry_text import named
    from mlplatform.errors import RegistryError, SignatureError
    from mlplatform.registry.signing import sign as signed
    from mlplatform.rollout.index import copy
    from mlplatform.settings import SIGNING_KEY

    here = _settings()
    if here.signing_key is None:
        raise SignatureError(f"{SIGNING_KEY} names no key; set it to the file of a private key")
    lake, pipelines = open_writable_lake(here), set()
    for found in _chosen(lake, models, everything=everything):
        name = signed(lake, found.record.model_digest, here.signing_key)
        pipelines.add(found.pipeline)
        say(whole(f"{named(found)}: signed by key {name}"))
    try:
        for pipeline in sorted(pipelines):
            copy(lake, pipeline, here.mlflow_uri)
    except RegistryError as away:
        say(whole(f"MLflow's tags are behind until `mlplatform registry rebuild`: {away}"))


@app.command()
def age(
    models: Models = None,
    everything: Everything = False,  # noqa: FBT002  typer's way of a flag
    json: Json = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """How old exported programs are, which JAX promises to read for six months; exit code 1 if one is due."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from mlplatform.registry.age import age as aged

    lake, now = _lake(), datetime.now(UTC)
    found = _chosen(lake, models, everything=everything)
    ages = [aged(lake, each.pipeline, each.record, now) for each in found]
    if json:
        told = [{**asdict(a), "exported_at": a.exported_at.isoformat(), "due": a.due} for a in ages]
        say(json_text.dumps(told, indent=2))
    else:
        for each in sorted(ages, key=lambda one: one.exported_at):
            say(whole(f"{each.pipeline} version {each.version}: {each}"))
    raise typer.Exit(1 if any(each.due for each in ages) else 0)


@app.command()
def recertify(
    model: Annotated[str, typer.Argument(help="A model, as `registry verify` takes it.")],
    again: Annotated[  # noqa: FBT002  typer's way of a flag
        bool, typer.Option("--again", help="Also if the installed JAX exported it.")
    ] = False,
) -> None:
    """Export a model's program anew by the installed JAX, prove that it says the same, and offer it to the gates."""
    import getpass
    from datetime import UTC, datetime

    from mlplatform.cli.lake import open_writable_lake
    from mlplatform.cli.registry_exporter import exporter_code, exporter_facts
    from mlplatform.cli.registry_text import NEXT
    from mlplatform.registry.recertify import recertify as recertified
    from mlplatform.rollout.find import find

    here = _settings()
    lake = open_writable_lake(here)
    found = find(lake, _registered(lake), model)
    code = exporter_code(here, found)
    done = recertified(
        lake,
        found,
        by=getpass.getuser(),
        at=datetime.now(UTC),
        code=code,
        facts=exporter_facts(lake),
        verify_key=here.verify_key,
        again=again,
    )
    say(
        f"{found.pipeline}/model version {done.version.number}: {found.record.model_digest[:16]} exported anew, "
        f"JAX {done.jax[0]} to {done.jax[1]}, is {done.digest[:16]}"
    )
    same = "bit by bit" if done.ulp == 0 else f"up to {done.ulp} ulp"
    say(f"{done.rows:,} test rows are answered the same {same}")
    say(
        f"its gates are asked, and it is registered and deployed, by\n  {NEXT.format(p=found.pipeline)}"
    )


@app.command()
def rebuild(pipelines: Pipelines = None) -> None:
    """Bring MLflow to what the lake and the training logs of this machine say, if it was lost or changed."""
    from mlplatform.registry.outbox import Outbox
    from mlplatform.registry.replay import Store
    from mlplatform.rollout.rebuild import rebuild as rebuilt

    here = _settings()
    outbox = Outbox(here.training_logs, Store(here.mlflow_uri, here.mlflow_artifacts))
    for line in rebuilt(_lake(), outbox, pipelines or ()):
        say(whole(line))


def _chosen(lake: "Lake", models: list[str] | None, *, everything: bool) -> "list[Found]":
    from mlplatform.registry.find import Found, model_version
    from mlplatform.registry.record import TABLE, records
    from mlplatform.rollout.events import live
    from mlplatform.rollout.find import find

    known = _registered(lake)
    if models:
        return [find(lake, known, model) for model in models]
    found = []
    for pipeline in known:
        digests = {model.digest for model in live(lake, pipeline).values() if model}
        registered = records(lake.table(f"{pipeline}/{TABLE}"))
        mine = [each for each in registered if everything or each.model_digest in digests]
        found += [Found(pipeline, each, model_version(lake, pipeline, each)) for each in mine]
    return found


def _registered(lake: "Lake") -> list[str]:
    from mlplatform.registry.find import known_pipelines

    return known_pipelines(lake)


def _lake() -> "Lake":
    from mlplatform.cli.lake import open_lake

    return open_lake(_settings())


def _settings() -> "Settings":
    import os
    from pathlib import Path

    from mlplatform.settings import Settings, find_root

    return Settings.from_environment(os.environ, find_root(Path.cwd()))
