"""`mlplatform alerts`: who was told of what, and what did not arrive. Channels go by place and scheme, never by URL."""

import json as json_text
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from mlplatform.alerts.kept import Kept
from mlplatform.alerts.log import require_alerts
from mlplatform.alerts.message import one_line
from mlplatform.alerts.notify import Alerts
from mlplatform.errors import PlatformError
from mlplatform.settings import Settings, find_root

app = typer.Typer(
    help="Who was told of which failure; exit code 1 while something did not arrive.",
    invoke_without_command=True,
)
NEWEST = 20  # Shown without --all; what did not arrive is always shown.


@app.callback()
def alerts(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="For machines; all of them.")] = False,  # noqa: FBT002  typer's way of a flag
    everything: Annotated[bool, typer.Option("--all", help="Not the newest alone.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """List alerts with the state of each channel; exit code 1 if some are undelivered."""
    if context.invoked_subcommand:
        return
    kept, now = opened().kept(), datetime.now(UTC)
    missing = [one for one in kept if one.missing(now)]
    if json:
        typer.echo(json_text.dumps([described(one, now) for one in kept], indent=2))
    else:
        shown = kept if everything else [k for k in kept if k in kept[-NEWEST:] or k in missing]
        for line in [line for one in shown for line in lines(one, now)]:
            typer.echo(line)
        typer.echo(f"{len(kept)} alerts, {len(missing)} undelivered")
    raise typer.Exit(1 if missing else 0)


@app.command()
def retry() -> None:
    """Deliver now what did not arrive, also what was given up; exit code 1 if something still does not."""
    sender = opened()
    for attempt in sender.deliver(force=True):
        how = f"NOT delivered: {attempt.failure}" if attempt.failure else "delivered"
        typer.echo(f"{attempt.channel}: {how}: {one_line(attempt.alert.title)}")
    left = sum(bool(one.missing(datetime.now(UTC))) for one in sender.kept())
    typer.echo(f"{left} alerts are undelivered" if left else "every alert is delivered")
    raise typer.Exit(1 if left else 0)


@app.command()
def dismiss(
    key: Annotated[str, typer.Argument(help="Key of an alert, or how it begins.")],
) -> None:
    """Leave undelivered alerts as they are: somebody has read them here."""
    count = opened().dismiss(key)
    if not count:
        raise PlatformError(f"no undelivered alert has a key that begins {key!r}; see --json")
    typer.echo(f"dismissed {count}")


def opened() -> Alerts:
    """Return the alerts of the checkout around the working directory.

    Raises:
        PlatformError: If they cannot be read: that is not the same as none.
    """
    here = Settings.from_environment(os.environ, find_root(Path.cwd()))
    if os.environ.get("MLPLATFORM_HOME") and not here.home.exists():
        raise PlatformError(
            f"MLPLATFORM_HOME is {here.home}, which is not there: no alert is known"
        )
    unread = require_alerts(here.alert_log)
    if unread:
        typer.echo(f"{here.alert_log}: {unread} lines cannot be read and are left out", err=True)
    return Alerts.from_environment(os.environ, here.alert_log)


def described(one: Kept, now: datetime) -> dict[str, Any]:
    """Return an alert and where it is, for machines."""
    return {
        **one.alert.line(),
        "at": one.at.isoformat(),
        "mended": one.mended,
        "dismissed": one.dismissed,
        "undelivered": sorted(one.missing(now)),
        "channels": {name: _channel(one, name, now) for name in one.tried},
    }


def lines(one: Kept, now: datetime) -> list[str]:
    """Return an alert and where it is, for people: no data in it moves the terminal's cursor."""
    mended = ", mended since" if one.mended else ""
    told = [f"    {name}: {_said(one, name, now)}" for name in one.tried] or ["    no channel"]
    head = f"{one.at:%Y-%m-%d %H:%M} {one_line(one.alert.title)}{mended}"
    return [head, f"    {one_line(one.alert.body)}", *told]


def _channel(one: Kept, name: str, now: datetime) -> dict[str, Any]:
    seen, due = one.tried[name], one.due(name)
    return {
        "state": one.state(name, now).value,
        "attempts": seen.attempts,
        "at": seen.at.isoformat(),
        "because": one.missing(now).get(name, ""),
        "next": due.isoformat() if due else None,
    }


def _said(one: Kept, name: str, now: datetime) -> str:
    why, seen, due = one.missing(now).get(name), one.tried[name], one.due(name)
    if why is None:
        return "dismissed" if one.dismissed else one.state(name, now).value
    again = f"next {due:%Y-%m-%d %H:%M} UTC" if due else "given up; `mlplatform alerts retry`"
    return f"UNDELIVERED ({why}) after {seen.attempts} attempts, {again}"
