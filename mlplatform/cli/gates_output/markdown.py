"""Verdicts as a pull request comment, in GitHub's Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlplatform.cli.gates_output.escape import block, cell, table
from mlplatform.cli.gates_output.told import Result, Told, counted, result, told
from mlplatform.gates.answer import finite
from mlplatform.verdict import Verdict

LONGEST = 65_536  # Characters of a comment on GitHub.
NOTE = "\n\n_The rest did not fit into a comment; the JSON output has all of it._\n"
MOST_GATES, MOST_METRICS, MOST_SLICES = 60, 20, 10  # Rows of tables; the rest is in the JSON.
LONGEST_EVIDENCE = 4_000  # Characters of one gate's.


def summary(
    name: str,
    verdicts: Sequence[Verdict],
    *,
    overrides: Sequence[Mapping[str, Any]] = (),
    about: Mapping[str, str] | None = None,
    link: str = "",
) -> str:
    """Return the comment: the result first, then gates, the champion, slices, and details folded away.

    It begins with a hidden line, `marker(name)`, by which a bot finds its own comment again, and is
    shorter than GitHub's limit: what does not fit is left out from the end, and a note says so.

    Args:
        name: Such as the pipeline's.
        verdicts: Of the gates, in the order they are shown.
        overrides: See `told`.
        about: What was judged: digests of model, baseline and policy.
        link: Address of the full report.
    """
    said = told(verdicts, overrides)
    worst = result(said)
    head = (
        f"{marker(name)}\n## {worst.mark} {worst.value}: gates of {cell(name)}\n\n{counted(said)}."
    )
    facts = [f"{cell(key)} <code>{cell(value)}</code>" for key, value in (about or {}).items()]
    if link.startswith(("https://", "http://")) and not set(link) & set(" <>()\n"):
        facts.append(f"[full report]({link})")
    parts = [" · ".join(facts), _gates(said)]
    parts += [_compared(verdict) for verdict in verdicts] + [_slices(v) for v in verdicts]
    parts += [_details(one) for one in said]
    return _fitted(head, [part for part in parts if part])


def marker(name: str) -> str:
    """Return the hidden first line of the comment about `name`."""
    safe = re.sub(r"[^\w./]+", "-", name)  # A comment ends at its first "--".
    return f"<!-- mlplatform gates {safe} -->"


def _fitted(head: str, parts: Iterable[str]) -> str:
    text = head
    for part in parts:
        if len(text) + len(part) + len(NOTE) + 2 > LONGEST:
            return text + NOTE
        text += f"\n\n{part}"
    return f"{text}\n"


def _gates(said: Sequence[Told]) -> str:
    rows: list[list[object]] = [
        [
            f"{one.result.mark} {one.result.value}",
            one.verdict.gate,
            _between(one.verdict.observed, *(one.verdict.interval or (None, None))),
            one.verdict.limit,
            one.verdict.baseline,
            f"{one.override}: {one.verdict.because}" if one.override else one.verdict.because,
        ]
        for one in sorted(said, key=lambda one: list(Result).index(one.result))
    ]
    heads = ["", "gate", "observed (95 % bounds)", "limit", "baseline", "because"]
    return table(heads, rows, MOST_GATES) if rows else ""


def _compared(verdict: Verdict) -> str:
    """Return the metrics of candidate and champion on the same rows, where a gate compared them."""
    rows: list[list[object]] = [
        [
            one.get("metric"),
            one.get("candidate"),
            one.get("champion"),
            _between(one.get("better"), one.get("lower"), one.get("upper"), signed=True)
            + (" of it" if one.get("relative") else ""),
            one.get("margin"),
            _flips(one),
            one.get("rows"),
        ]
        for one in _listed(verdict, "compared")
    ]
    heads = [
        "metric",
        "candidate",
        "champion",
        "better by (95 % bounds)",
        "margin",
        "flips",
        "rows",
    ]
    return f"### Against the champion\n\n{table(heads, rows, MOST_METRICS)}" if rows else ""


def _slices(verdict: Verdict) -> str:
    """Return the slices on which the candidate may be worst, where a gate looked at some."""
    found = sorted(_listed(verdict, "slices"), key=_lower)
    rows: list[list[object]] = [
        [
            one.get("slice"),
            one.get("rows"),
            one.get("candidate"),
            one.get("champion"),
            _between(one.get("better"), one.get("lower"), one.get("upper"), signed=True),
            one.get("margin"),
            one.get("outcome"),
        ]
        for one in found
    ]
    heads = [
        "slice",
        "rows",
        "candidate",
        "champion",
        "better by (95 % bounds)",
        "margin",
        "outcome",
    ]
    return f"### Weakest slices\n\n{table(heads, rows, MOST_SLICES)}" if rows else ""


def _details(one: Told) -> str:
    verdict = one.verdict
    if not verdict.evidence:
        return ""
    head = f"<details><summary>{one.result.mark} {cell(verdict.gate)}: evidence</summary>"
    return f"{head}\n\n{block(verdict.evidence, LONGEST_EVIDENCE)}\n\n</details>"


def _listed(verdict: Verdict, name: str) -> list[Mapping[str, Any]]:
    found = verdict.evidence.get(name)
    return (
        [one for one in found if isinstance(one, Mapping)]
        if isinstance(found, list | tuple)
        else []
    )


def _between(value: Any, lower: Any, upper: Any, *, signed: bool = False) -> str:
    """Return a number with its bounds, as far as there are any."""
    sign = "+" if signed else ""
    number, low, high = finite(value), finite(lower), finite(upper)
    if number is None:
        return ""
    bounds = "" if low is None or high is None else f" ({low:{sign}.4g} to {high:{sign}.4g})"
    return f"{number:{sign}.4g}{bounds}"


def _flips(one: Mapping[str, Any]) -> str:
    if one.get("gained") is None or one.get("lost") is None:
        return ""
    return f"{one['gained']} gained, {one['lost']} lost"


def _lower(one: Mapping[str, Any]) -> float:
    """Return how much worse a slice may be: its lower bound, over its margin where it has one."""
    lower = finite(one.get("lower"))
    return float("-inf") if lower is None else lower + (finite(one.get("margin")) or 0.0)
