"""`mlplatform gate`: asks the gates for a build, and keeps what people let through that one stopped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from mlplatform.cli.data.place import Place
    from mlplatform.gates.override import Override

VERDICT = ("gate", "subject", "subject_digest", "model_digest", "baseline_digest", "policy_hash")

app = typer.Typer(no_args_is_help=True, help="Gates, and what people let through them.")

Pipeline = Annotated[str, typer.Argument(help="Name of the pipeline.")]
Gate = Annotated[str, typer.Argument(help="Name of the gate.")]
Digest = Annotated[
    str,
    typer.Option(
        help="Digest of the model, or of the data, that was judged, or how it begins; the one judged "
        "last if left out."
    ),
]
Who = Annotated[str, typer.Option(help="Who decides; the login if left out.")]


@app.command()
def run(
    pipeline: Pipeline,
    model: Annotated[
        str,
        typer.Option(
            help="What to judge: a digest or how it begins, a registered version such as 7, champion, canary, "
            "or newest, the one trained last."
        ),
    ] = "newest",
    baseline: Annotated[
        str,
        typer.Option(help="What to hold it against; the champion if left out, or none."),
    ] = "",
    gate: Annotated[
        list[str] | None, typer.Option(help="Ask this gate alone; may be repeated.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="File for a JUnit report.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="File for a pull request's comment.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File for machines.")] = None,
) -> None:
    """Ask every gate about a model beside another; exit code 1 if one would stop it.

    What gates said of the data and the training is read, not asked again. Writes nothing to the lake.
    """
    from mlplatform.cli.gate_files import Outputs
    from mlplatform.cli.gate_run import run as ask

    outputs = Outputs(junit=junit, markdown=markdown, json=json)
    raise typer.Exit(ask(pipeline, model, baseline, gate or [], outputs))


@app.command()
def override(
    pipeline: Pipeline,
    gate: Gate,
    because: Annotated[
        str, typer.Option(help="Why, in 10 characters or more; shown wherever the model is.")
    ],
    expires: Annotated[
        str, typer.Option(help="When this ends: 7d, or 2026-12-31; 90 days at most.")
    ],
    by: Who = "",
    model: Digest = "",
) -> None:
    """Let a verdict through that stops the walk: this one alone, and until it expires."""
    from datetime import UTC, datetime

    from mlplatform.cli.data.text import say, whole
    from mlplatform.gates import override as rules
    from mlplatform.gates.record import verdict as read

    at, now = _place(pipeline), datetime.now(UTC)
    row = _judged(at, gate, model)
    rules.require_overridable(gate, read(row) if row else None)
    assert row is not None  # noqa: S101  or it could not be overridden
    about: dict[str, Any] = {name: row.get(name) or "" for name in VERDICT}
    decided = rules.Override(
        **about,
        outcome=read(row).outcome,
        by=_who(by),
        login=_login(),
        because=whole(rules.reason(because)),
        at=now,
        until=rules.expiry(expires, now),
    )
    _keep(at, rules.require_valid(decided, now))
    say(whole(f"{gate} {decided.outcome.value} about {_about(decided)}: {row['because']}"))
    say(whole(decided.sentence))
    _note_policy(at, decided)
    say(f"the next run goes on from {decided.subject}")


@app.command()
def overrides(
    pipeline: Pipeline,
    json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,  # noqa: FBT002  typer's way of a flag
) -> None:
    """What was let through, by whom, why and until when; newest first."""
    from datetime import UTC, datetime

    from mlplatform.cli.data.text import say
    from mlplatform.gates.override import current

    at, now = _place(pipeline), datetime.now(UTC)
    found = current(_given(at))[::-1]
    if json:
        say(_as_json(found, now))
        return
    for each in found:
        say(_line(each, now))
    if not found:
        say(f"no gate of {pipeline} was overridden")


@app.command()
def withdraw(
    pipeline: Pipeline,
    gate: Gate,
    because: Annotated[str, typer.Option(help="Why; kept with it.")] = "withdrawn by hand",
    by: Who = "",
    model: Digest = "",
) -> None:
    """Take overrides of a gate back: what passed by them is shipped no more."""
    from dataclasses import replace
    from datetime import UTC, datetime

    from mlplatform.cli.data.text import say, whole
    from mlplatform.errors import OverrideError
    from mlplatform.gates.override import current

    at, now = _place(pipeline), datetime.now(UTC)
    standing = [
        each
        for each in current(_given(at))
        if each.gate == gate and each.in_force(now) and _named(each).startswith(model)
    ]
    if not standing:
        of = f" about {model}" if model else ""
        raise OverrideError(f"{pipeline}: no override of {gate}{of} is in force")
    for each in standing:
        why = whole(" ".join(because.split()))
        taken = replace(each, withdrawn=True, by=_who(by), login=_login(), because=why, at=now)
        _keep(at, taken)
        say(whole(f"{gate} about {_about(each)} is no longer overridden"))


def _place(name: str) -> "Place":
    """Return a pipeline of this checkout, or what lands one of its event tables: `census/clicks`."""
    from dataclasses import replace

    from mlplatform.cli.data.place import place
    from mlplatform.errors import SourceError

    owner, _, events = name.partition("/")
    at = place(owner)
    if not events:
        return at
    known = at.pipeline.spec.events
    if events not in known:
        some = ", ".join(known) or "none"
        raise SourceError(f"{owner} has no events {events!r}; known: {some}")
    return replace(at, pipeline=at.pipeline.landed_as(events))


def _judged(at: "Place", gate: str, digest: str) -> "Any":
    """Return the newest row of a gate that this pipeline has."""
    from mlplatform.errors import OverrideError
    from mlplatform.gates.override import FIXED
    from mlplatform.gates.policy import JUDGED, applying
    from mlplatform.registry import gate_log

    known = [name for section in JUDGED for name in applying(at.pipeline.spec, section)]
    if gate not in known and gate not in FIXED:
        raise OverrideError(f"{at.pipeline.name} has no gate {gate!r}; known: {', '.join(known)}")
    table = at.lake.table(at.pipeline.table(gate_log.TABLE))
    row = gate_log.newest(table, gate, digest)
    if row is None and digest and gate not in FIXED:
        raise OverrideError(f"gate {gate} has judged nothing whose digest begins {digest!r}")
    return row


def _given(at: "Place") -> "list[Override]":
    from mlplatform.registry import overrides as kept

    return kept.given(at.lake.table(at.pipeline.table(kept.TABLE)))


def _keep(at: "Place", decided: "Override") -> None:
    from mlplatform.registry import overrides as kept

    kept.keep(at.lake.table(at.pipeline.table(kept.TABLE)), decided, at.lineage(kept.TABLE))


def _who(by: str) -> str:
    from mlplatform.cli.data.text import whole

    return whole(" ".join(by.split()) or _login())


def _login() -> str:
    """Return the account this runs as: of the process, and not of `$LOGNAME`, where it has a name."""
    import getpass
    import os
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # In a container the number may have none.
        return getpass.getuser()


def _note_policy(at: "Place", decided: "Override") -> None:
    """Say when the verdict is of a policy that this checkout no longer has: nothing would come of it."""
    from mlplatform.cli.data.text import say
    from mlplatform.provenance import policy

    if policy.in_force(at.pipeline) != decided.policy_hash:
        say(
            "NOTE: the verdict was given under another policy or by other code than this checkout has; "
            f"where these are in force, materialise {decided.subject} again and override what it says then"
        )


def _named(decided: "Override") -> str:
    return decided.model_digest or decided.subject_digest


def _about(decided: "Override") -> str:
    what = "model" if decided.model_digest else decided.subject
    return f"{what} {_named(decided)[:16]}"


def _line(decided: "Override", now: "datetime") -> str:
    from mlplatform.cli.data.text import whole
    from mlplatform.gates.override import minute

    standing = decided.standing(now)
    said = f"by {decided.who} at {minute(decided.at)}, until {minute(decided.until)}"
    what = f"{decided.gate} {decided.outcome.value} about {_about(decided)}"
    return whole(f"{standing.upper()}  {what}, {said}: {decided.because}")


def _as_json(found: "list[Override]", now: "datetime") -> str:
    import json
    from dataclasses import asdict

    told = [{**asdict(each), "standing": each.standing(now).value} for each in found]
    return json.dumps(told, indent=2, default=lambda value: value.isoformat())
