"""What judges share: what an answer is, when an old one still holds, and what an asset was made from."""

from collections.abc import Callable, Sequence
from typing import Any

from assets.gates import Bench
from assets.permit import made_from
from mlplatform.lake import Version
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Verdict

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
