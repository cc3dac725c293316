"""What judges share: what an answer is, when an old one still holds, and what an asset was made from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from assets.gates import Bench
from assets.permit import made_from
from mlplatform.lake import Version
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Outcome, Verdict

CLOCKED = frozenset({"latency", "throughput"})  # Asked again they answer otherwise by chance.
BEFORE = "measured before; override it, or train again"
Answer = tuple[Subject, Sequence[Verdict]]


def remembered(
    bench: Bench, subject: Subject, gates: Sequence[str], judge: Callable[[], list[Verdict]]
) -> Answer:
    """Return the kept verdicts when none of `gates` stops this very subject, else judge again.

    What only warns, or a person let through, is not measured again either: it would be another answer.
    """
    kept = bench.said(subject)
    settled = {g for g, v in kept.items() if not v.stops or bench.override(subject, v)}
    if settled.issuperset(gates):
        return subject, [kept[gate] for gate in gates]
    return subject, judge()


def standing(bench: Bench, subject: Subject) -> dict[str, Verdict]:
    """Return what a clock measured of this very subject and found wanting, whatever the others say.

    It is not measured again: who measures until one try passes has measured luck.
    """
    kept = bench.said(subject)
    failed = {gate: v for gate, v in kept.items() if gate in CLOCKED and _decided(v)}
    return {
        gate: _measured_before(v) if v.stops and not bench.override(subject, v) else v
        for gate, v in failed.items()
    }


def _decided(verdict: Verdict) -> bool:
    """Whether a gate failed by what it measured, and not because something could not be measured."""
    measured = verdict.observed is not None and not verdict.evidence.get("failed")
    return verdict.outcome is Outcome.FAIL and measured


def _measured_before(verdict: Verdict) -> Verdict:
    if verdict.because.endswith(BEFORE):
        return verdict
    return replace(verdict, because=f"{verdict.because}; {BEFORE}")


def artifact_of(version: Version) -> str:
    """Return the digest of the artifact a version names."""
    return version.lineage.facts["artifact"]


def upstream(bench: Bench, version: Version, noun: str) -> Version:
    """Return the version of another asset that `version` was made from."""
    return made_from(bench.store, bench.pipeline, version, noun)


def dataset_of(bench: Bench, version: Version) -> Any:
    """Return the rows of the dataset version that `version` was made from."""
    dataset = upstream(bench, version, "dataset")
    return bench.store.table(dataset.table).read(dataset)
