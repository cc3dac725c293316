"""Judges of data: what landed, what it became, and how it was split."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.judges.common import Answer, dataset_of
from assets.publish import lineage
from mlplatform.gates import data, walk
from mlplatform.lake import Version
from mlplatform.registry import gate_log


def source(bench: Bench) -> Answer:
    """Every landed file has rows."""
    version = bench.version()
    files = bench.store.table(version.table).read(version, columns=["source_file"])
    counts = pc.value_counts(files["source_file"]).to_pylist()
    declared = {Path(name).name: 0 for name in getattr(bench.pipeline.spec.source, "files", [])}
    landed = {count["values"]: count["counts"] for count in counts}
    verdict = walk.files_landed(version.rows, declared | landed)
    return bench.subject(version.digest), [verdict]


def dataset(bench: Bench) -> Answer:
    """TFDV's anomalies, row count, freshness and missing values."""
    from mlplatform.validate.profile import accept, profile

    version, spec = bench.version(), bench.pipeline.spec
    who = lineage(bench.context, bench.pipeline, "statistics", [version])
    seen = profile(bench.pipeline, bench.tfdv.worker(), bench.store, version, who)
    subject = bench.subject(version.digest)
    landed = bench.version("source")
    gates = spec.data_gates
    verdicts = [
        data.data_schema(seen.anomalies, gates.data_schema),
        data.row_count(seen.rows, _accepted_rows(bench, version), gates.row_count),
        data.freshness(landed.committed_at, datetime.now(UTC), gates.freshness),
        data.missing_values(seen.missing_shares, list(spec.columns), gates.missing_values),
    ]
    if not any(verdict.stops for verdict in verdicts):
        accept(bench.pipeline, bench.store, seen, who)  # The first good version pins the schema.
    return subject, verdicts


def _accepted_rows(bench: Bench, version: Version) -> int | None:
    """Return the rows of the newest other dataset version that had enough of them, if there is one."""
    rows = gate_log.rows(bench.gates).to_pylist()
    others = [r for r in rows if r["gate"] == "row_count" and r["subject_digest"] != version.digest]
    passed = [r["observed"] for r in others if r["outcome"] == "pass"]
    return int(passed[-1]) if passed else None


def split(bench: Bench) -> Answer:
    """Every part holds both classes, and training and validation share no row."""
    from mlplatform.ingest.split import parts, row_hashes

    # Not remembered: other labels can leave the split's own content as it was.
    version, rows, spec = bench.version(), dataset_of(bench, bench.version()), bench.pipeline.spec
    part = parts(rows, bench.store.table(version.table).read(version))
    positive = pc.equal(rows[spec.label.column], spec.label.positive).cast(pa.int8())
    pairs = pa.table({"part": part, "label": positive}).group_by(["part", "label"])
    classes: dict[str, dict[str, int]] = {}
    for row in pairs.aggregate([([], "count_all")]).to_pylist():
        classes.setdefault(row["part"], {})[str(row["label"])] = row["count_all"]
    content = pa.array(row_hashes(rows, list(spec.columns), spec.split.seed))
    trains, validates = (content.filter(pc.equal(part.combine_chunks(), p)) for p in walk.PARTS[:2])
    shared = int(pc.sum(pc.is_in(validates, value_set=trains)).as_py() or 0)
    return bench.subject(version.digest), [walk.split_sound(classes, shared)]
