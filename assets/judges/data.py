"""Judges of data: what landed, what it became, and how it was split."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from assets.gates import Bench
from assets.judges.common import Answer, upstream
from assets.publish import lineage
from mlplatform.gates import data, walk
from mlplatform.gates.policy import undecided
from mlplatform.judging import second_lock
from mlplatform.measures import Malformed

if TYPE_CHECKING:
    from mlplatform.validate.record import Profile


def source(bench: Bench) -> Answer:
    """Every landed file has rows, and few of them are malformed."""
    from mlplatform.ingest.source import malformed

    version, policy = bench.version(), bench.pipeline.spec.data_gates.malformed_rows
    seen = _masked(malformed(bench.store, bench.pipeline, version))
    landed = {file: rows - rejected for file, (rejected, rows) in seen.by_file.items()}
    verdicts = [walk.files_landed(version.rows, landed), data.malformed_rows(seen, policy)]
    return bench.subject(version.digest), verdicts


def _masked(seen: Malformed) -> Malformed:
    """Return what is malformed without personal data: alerts and the UI are read by many."""
    from mlplatform.validate.sensitive import scrubbed

    reasons: Counter[str] = Counter()
    for reason, rows in seen.reasons.items():
        reasons[scrubbed(reason)] += rows
    examples = [
        {name: scrubbed(said) if isinstance(said, str) else said for name, said in row.items()}
        for row in seen.examples
    ]
    return replace(seen, reasons=dict(reasons), examples=examples)


def dataset(bench: Bench) -> Answer:
    """Everything that one pass, TFDV, the reference and the version accepted before say about it."""
    from mlplatform.validate import acceptance
    from mlplatform.validate.inquiry import measures_of, with_examples
    from mlplatform.validate.profile import profile

    version, pipeline = bench.version(), bench.pipeline
    who = lineage(bench.context, pipeline, "statistics", [version])
    seen = profile(pipeline, bench.tfdv.worker(), bench.store, version, who)
    landed = upstream(bench, version, "source")
    now = datetime.now(UTC)
    measures = measures_of(pipeline, bench.store, version, seen, landed.committed_at)
    verdicts = data.judged(measures, pipeline.spec.data_gates, now)
    if not all(verdict.passed for verdict in verdicts):
        measures = with_examples(pipeline, bench.store, version, seen, measures, verdicts, now)
        verdicts = data.judged(measures, pipeline.spec.data_gates, now)
    refused = any(v.stops for v in undecided(pipeline.spec, verdicts))
    if refused:
        _say_which_batches(bench, seen)
    elif second_lock.said(bench.store, pipeline, {"source": landed}).passed:
        acceptance.accept(bench.store, pipeline, seen, who)
    return bench.subject(version.digest), verdicts


def _say_which_batches(bench: Bench, seen: "Profile") -> None:
    """Name what brought the rows that were refused, and the way to take a batch out again."""
    new = sorted({file.name for file in seen.files} - seen.unchanged_files)
    if seen.known_files and new:
        says = "new since the version accepted before: %s; `mlplatform withdraw %s %s` takes a batch out"
        bench.context.log.error(says, ", ".join(new), bench.pipeline.name, new[0])


def split(bench: Bench) -> Answer:
    """Every part holds every class, and hardly a test row, and no test entity, also trains."""
    from mlplatform.validate.overlap import Parted, overlap, parted

    # Not remembered: other labels can leave the split's own content as it was.
    version, spec = bench.version(), bench.pipeline.spec
    dataset = upstream(bench, version, "dataset")
    rows, parts = bench.store.table(dataset.table), bench.store.table(version.table)

    def read() -> Parted:
        return parted(rows.batches(dataset), parts.batches(version))

    seen = overlap(read, spec)
    policy = spec.data_gates.overlap
    return bench.subject(version.digest), [
        walk.split_sound(seen.classes, seen.expected_classes),
        data.overlap(seen, policy),
    ]
