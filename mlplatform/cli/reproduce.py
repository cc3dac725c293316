"""`mlplatform reproduce`: a registered model made again from its record, and a certificate of how equal it is."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mlplatform.cli.data.text import say, whole
from mlplatform.provenance.compare_tensors import MISMATCH
from mlplatform.settings import Settings

if TYPE_CHECKING:
    from mlplatform.lake import Version
    from mlplatform.provenance.certificate import Certificate
    from mlplatform.provenance.interpreter import Choice
    from mlplatform.provenance.reproduce import Workshop

DIFFERENT = 1  # Exit code.


def run(
    settings: Settings, model: str, environment: "Choice", keep: Path | None, *, as_json: bool
) -> int:
    """Make a model again and print its certificate; return 0 if it is proof, 1 if the two differ.

    Args:
        settings: Whose lake and checkout.
        model: A reference, as `rollout.find` reads it.
        environment: `auto`, `reuse` or `build`.
        keep: Folder for what was made, and the training's log.
        as_json: For machines.

    Raises:
        PlatformError: Saying why it cannot be made again.
    """
    from mlplatform.cli.lake import open_writable_lake
    from mlplatform.provenance.reproduce import reproduce
    from mlplatform.registry.find import known_pipelines
    from mlplatform.registry.signing import require
    from mlplatform.rollout.find import find

    lake = open_writable_lake(settings)
    found = find(lake, known_pipelines(lake), model)
    require(lake, found.record.model_digest, settings.verify_key)
    if not as_json:
        which = f"{found.pipeline} version {found.record.model_version}"
        say(f"{which}, model {found.record.model_digest[:16]}")
    shop = workshop(settings, keep, quiet=as_json)
    certificate, version = reproduce(found, shop, environment)
    _told(certificate, version, as_json=as_json)
    return 0 if certificate.reproduced else DIFFERENT


def workshop(settings: Settings, keep: Path | None, *, quiet: bool) -> "Workshop":
    """Return where models of this checkout are made again."""
    from mlplatform.cli.lake import open_lake, s3_options
    from mlplatform.provenance.interpreter import tools
    from mlplatform.provenance.reproduce import Workshop

    return Workshop(
        root=settings.root,
        lake=open_lake(settings),
        storage_options=s3_options() if settings.lake.startswith("s3://") else None,
        tools=tools(settings.root, settings.home / "cache"),
        verify_key=settings.verify_key,
        environment=settings.environment,
        keep=keep.resolve() if keep else None,
        say=_unsaid if quiet else lambda sentence: say(f"  {whole(sentence)}"),
    )


def _told(certificate: "Certificate", version: "Version", *, as_json: bool) -> None:
    if as_json:
        said = {**asdict(certificate), "reproduced": certificate.reproduced}
        say(json.dumps({**said, "certificate": version.reference}, indent=2, default=str))
        return
    from mlplatform.provenance.certificate import sentence

    colour = typer.colors.RED if certificate.outcome == MISMATCH else typer.colors.GREEN
    typer.secho(certificate.outcome, fg=colour, nl=False)
    say(f": {whole(sentence(certificate))}")
    say(f"certificate: {version.table} version {version.number}, {certificate.seconds:.0f} s")


def _unsaid(sentence: str) -> None:
    """Tell nobody: a machine reads the certificate."""
