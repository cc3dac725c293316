"""What people are told of each kind of failure: a gate's verdict, a step that crashed, a check that said nothing."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlplatform.alerts.alert import Alert, Level
from mlplatform.alerts.kept import Kept
from mlplatform.alerts.message import one_line
from mlplatform.alerts.where import Where
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict

DIGITS = 12  # Of a digest: enough to find it, short enough to read.
CHANGING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+", re.IGNORECASE)  # Ids, ports and times.
GOES_ON = "the walk goes on"  # In the title of whatever stops nothing.
Override = Mapping[str, Any]  # gate, outcome, by, because, at, until


def of_verdict(
    verdict: Verdict,
    pipeline: str,
    subject: Subject,
    run_id: str,
    where: Where,
    report: str = "",
    override: str = "",
) -> Alert:
    """Return the alert about a gate that did not pass.

    It is one failure per table, gate, subject, policy and outcome: a rerun that fails the same way
    says nothing new, another model that fails does.

    Args:
        verdict: What the gate said.
        pipeline: Whose gate it is.
        subject: What was judged.
        run_id: Of the Dagster run that judged.
        where: The Dagster UI.
        report: Path of the report page, for where there is no UI.
        override: Sentence of the override in force about this verdict.
    """
    parts = (
        subject.table,
        verdict.gate,
        subject.digest,
        subject.policy_hash,
        verdict.outcome.value,
    )
    fails = verdict.outcome is Outcome.FAIL
    return Alert(
        title=f"{pipeline}: gate {verdict.gate} {_said(verdict, override)}",
        body=verdict.because,
        key=":".join(parts),
        evidence=tuple(evidence(verdict, subject, where.run(run_id), override)),
        link=where.check(subject.table, verdict.gate, run_id, report),
        about=about(subject.table, verdict.gate),
        level=Level.FAILURE if fails and verdict.stops and not override else Level.WARNING,
    )


def of_overrides(
    verdict: Verdict, pipeline: str, subject: Subject, run_id: str, where: Where
) -> Alert | None:
    """Return the warning about a verdict that passed because a person overrode a gate; None without one."""
    used = overrides(verdict)
    if not (verdict.passed and used):
        return None
    gates = ", ".join(str(one.get("gate")) for one in used)
    spoken = "; ".join(overridden(one) for one in used)
    digest = hashlib.sha256(repr(sorted(map(overridden, used))).encode()).hexdigest()
    return Alert(
        title=f"{pipeline}: passed OVERRIDDEN, a person overrode {gates}",
        body=spoken,
        key=f"{subject.table}:{verdict.gate}:{subject.digest}:{subject.policy_hash}:override:{digest[:DIGITS]}",
        evidence=tuple(evidence(verdict, subject, where.run(run_id))),
        link=where.check(subject.table, verdict.gate, run_id),
        level=Level.WARNING,
    )


def of_step(
    pipeline: str, step: str, error: str, said: str, checks: Sequence[str], run: str
) -> Alert:
    """Return the alert about a step that ended with an error.

    Args:
        pipeline: Whose.
        step: Key of the step.
        error: Class of the error.
        said: What it said, empty where that may hold anything.
        checks: That did not answer because of it, by table and gate.
        run: Where the run is, as `Where.run` says.
    """
    words = one_line(f"{error}: {said}" if said else error)
    lost = [f"not answered: {', '.join(checks)}"] if checks else []
    return Alert(
        title=f"{pipeline}: step {step} crashed" if checks else f"{pipeline}: step {step} failed",
        body=words if said else f"{error}; the run's log says what happened",
        key=f"{pipeline}:step:{step}:{_kind(words)}",
        evidence=(f"step: {step}", *lost, f"run: {run}"),
        link=run,
        about=f"{pipeline}:step:{step}",
    )


def of_silence(pipeline: str, table: str, gate: str, run_id: str, where: Where) -> Alert:
    """Return the alert about a check whose step ended well and that never answered."""
    return Alert(
        title=f"{pipeline}: gate {gate} of {table} gave NO ANSWER",
        body="the check was planned and its run ended without a verdict; that is no pass",
        key=f"{table}:{gate}:silent",
        evidence=(f"gate: {gate}", f"table: {table}", f"run: {where.run(run_id)}"),
        link=where.check(table, gate, run_id),
        about=f"{table}:{gate}:silent",
    )


def of_run(pipeline: str, status: str, said: str, unanswered: int, run: str) -> Alert:
    """Return the alert about a run that ended without a step to blame: killed, cancelled, not started."""
    words = one_line(said) or "nothing was said"
    return Alert(
        title=f"{pipeline}: run {status.lower()}",
        body=words,
        key=f"{pipeline}:run:{status.lower()}:{_kind(words)}",
        evidence=(f"checks without an answer: {unanswered}", f"run: {run}"),
        link=run,
        about=f"{pipeline}:run",
        level=Level.WARNING if status.lower() in ("canceled", "silent") else Level.FAILURE,
    )


def about(table: str, gate: str) -> str:
    """Return what passes when a failure of this gate is mended."""
    return f"{table}:{gate}"


def evidence(verdict: Verdict, subject: Subject, run: str, override: str = "") -> list[str]:
    """Return what a verdict rests on as lines, "name: value"."""
    numbers = {"limit": verdict.limit, "baseline": verdict.baseline}
    lines = [
        f"gate: {verdict.gate} ({_does(verdict, override)})",
        f"outcome: {verdict.outcome.value.upper()}",
    ]
    if verdict.observed is not None:
        between = " between {:.6g} and {:.6g}".format(*verdict.interval) if verdict.interval else ""
        lines.append(f"observed: {verdict.observed:.6g}{between}")
    lines += [f"{name}: {number:.6g}" for name, number in numbers.items() if number is not None]
    digests = {
        "model": subject.model_digest,
        "subject": subject.digest,
        "policy": subject.policy_hash,
    }
    lines += [f"{name}: {digest[:DIGITS]}" for name, digest in digests.items() if digest]
    lines += [f"override: {one}" for one in [override, *map(overridden, overrides(verdict))] if one]
    return [*lines, f"run: {run}"]


def overrides(verdict: Verdict) -> list[Override]:
    """Return the overrides that a verdict's evidence names: of the gate itself, or of several."""
    found = verdict.evidence.get("overrides") or verdict.evidence.get("override") or []
    listed = [found] if isinstance(found, Mapping) else found
    return (
        [one for one in listed if isinstance(one, Mapping)]
        if isinstance(listed, list | tuple)
        else []
    )


def overridden(one: Override) -> str:
    """Return an override in words: what, by whom, why, until when."""
    said = f"{one.get('gate') or 'the gate'} overridden by {one.get('by') or 'nobody named'}"
    because = f" because {one['because']}" if one.get("because") else ""
    return said + because + (f", until {one['until']}" if one.get("until") else "")


def told_already(verdict: Verdict, pipeline: str, subject: Subject, known: Iterable[Kept]) -> bool:
    """Return whether people were alerted about one of the gates because of which this verdict over them stops.

    Args:
        verdict: Over several gates, which its evidence names; of any other the answer is no.
        pipeline: Whose.
        subject: With the model and the policy.
        known: Every alert.
    """
    gates = verdict.evidence.get("gates")
    named = gates if isinstance(gates, Mapping) else {}
    failing = {gate for gate, said in named.items() if said.get("outcome") != Outcome.PASS.value}
    return any(_is_of(one.alert, failing, pipeline, subject) for one in known if not one.mended)


def _is_of(alert: Alert, gates: set[str], pipeline: str, subject: Subject) -> bool:
    """Return whether an alert is of a gate that stops this model, or what it was made from, under this policy."""
    table, gate, *rest = [*alert.key.split(":"), "", ""]
    model = [line for line in alert.evidence if line.startswith("model: ")]
    return (
        table.startswith(f"{pipeline}/")
        and gate in gates
        and subject.policy_hash in rest
        and GOES_ON not in alert.title
        and model in ([], [f"model: {subject.model_digest[:DIGITS]}"])
    )


def _does(verdict: Verdict, override: str) -> str:
    """Return what a verdict does to the walk."""
    if verdict.stops or verdict.passed:
        return "overridden" if override else "blocks"
    return "warns" if verdict.severity is Severity.WARN else "let through by policy"


def _said(verdict: Verdict, override: str) -> str:
    """Return the outcome and what it does, so that nobody takes one for another."""
    word = "FAILED" if verdict.outcome is Outcome.FAIL else "is INCONCLUSIVE"
    if verdict.stops and override:
        return f"{word}, OVERRIDDEN by a person: {GOES_ON}"
    if not verdict.stops:
        return f"{word}, a warning: {GOES_ON}"
    if verdict.outcome is Outcome.FAIL:
        return f"{word}: the walk stops"
    if verdict.inconclusive is Inconclusive.PERSON:
        return f"{word}: a person must decide"
    return f"{word}: the walk waits for evidence"


def _kind(words: str) -> str:
    """Return what an error is, without the numbers that change from run to run."""
    return hashlib.sha256(CHANGING.sub("#", words).encode()).hexdigest()[:DIGITS]
