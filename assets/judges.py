"""What each gate measures: reads the lake, asks `mlplatform.gates`, and answers with verdicts."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.publish import lineage
from mlplatform.errors import CorruptionError
from mlplatform.gates import data, walk
from mlplatform.lake import Version
from mlplatform.provenance.ancestry import number
from mlplatform.registry import gate_log
from mlplatform.registry.gate_log import Subject
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.gates.accuracy import Outcomes

Answer = tuple[Subject, Sequence[Verdict]]
ROWS_TIMED = 200  # Different rows asked in turn while latency is measured.


def source(bench: Bench) -> Answer:
    """Every landed file has rows."""
    version = bench.version()
    files = bench.store.table(version.table).read(version, columns=["source_file"])
    counts = pc.value_counts(files["source_file"]).to_pylist()
    declared = {Path(name).name: 0 for name in bench.pipeline.spec.source.files}
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
    version, rows, spec = bench.version(), _dataset_of(bench, bench.version()), bench.pipeline.spec
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


def features(bench: Bench) -> Answer:
    """A finite feature vector for every row."""
    version = bench.version()

    def judge() -> list[Verdict]:
        rows = bench.store.table(version.table).read(version)
        floats = [c for c in rows.columns if pa.types.is_floating(c.type)]
        bad = sum(rows.num_rows - (pc.sum(pc.is_finite(c)).as_py() or 0) for c in floats)
        return [walk.features_finite(version.rows, _upstream(bench, version, "dataset").rows, bad)]

    return _remembered(bench, bench.subject(version.digest), ["features_finite"], judge)


def model(bench: Bench) -> Answer:
    """The exported program answers as the trained network did, from raw rows."""
    version = bench.version()

    def judge() -> list[Verdict]:
        from mlplatform.evaluate.assessment import class_of
        from mlplatform.evaluate.metrics import binary
        from mlplatform.features.program import Predictor
        from mlplatform.ingest.split import VALIDATION, rows_of

        bench.compute.prepare()
        predictor = Predictor.load(bench.store.artifacts.open(_artifact(version)))
        split = _upstream(bench, version, "split")
        parts = bench.store.table(split.table).read(split)
        rows = rows_of(VALIDATION, _dataset_of(bench, version), parts)
        served = binary(class_of(bench.pipeline.spec, rows), predictor.predict_table(rows))
        trained = bench.store.table(version.table).read(version).to_pylist()[0]
        return [walk.program_matches_training(trained["validation_log_loss"], served["log_loss"])]

    subject = bench.subject(version.digest, _artifact(version))
    return _remembered(bench, subject, ["program_matches_training"], judge)


def evaluation(bench: Bench) -> Answer:
    """Accuracy, fairness, latency and size of the candidate."""
    version = bench.version()
    spec = bench.pipeline.spec
    subject = bench.subject(version.digest, version.lineage.facts["candidate"])
    names = [n for n in type(spec.model_gates).model_fields if n != "fairness" or spec.groups]
    return _remembered(bench, subject, names, lambda: _evaluation(bench, version))


def _evaluation(bench: Bench, version: Version) -> list[Verdict]:
    from mlplatform.evaluate.assessment import SCORES, from_bytes
    from mlplatform.evaluate.latency import one_row
    from mlplatform.features.program import Predictor
    from mlplatform.gates import accuracy, fairness
    from mlplatform.gates import model as of_model

    spec, facts = bench.pipeline.spec, version.lineage.facts
    candidate, champion = facts["candidate"], facts["champion"]
    scores = from_bytes(bench.store.artifacts.open(facts["scores"]).read(SCORES))
    metrics = bench.store.table(version.table).read(version)
    mine = metrics.filter(pc.equal(metrics["model"], candidate))
    artifact = bench.store.artifacts.open(candidate)
    bench.compute.prepare()
    predictor = Predictor.load(artifact)
    raw = _dataset_of(bench, version).select(list(predictor.encoder.columns)).slice(0, ROWS_TIMED)
    timed = one_row(predictor, raw.to_pylist())
    gates = spec.model_gates
    rival = _outcomes(scores, champion) if champion else None
    verdicts = [
        accuracy.accuracy(_outcomes(scores, candidate), rival, gates.accuracy),
        of_model.latency(timed.p99, timed.samples, gates.latency),
        of_model.artifact_size(artifact.size_bytes, gates.artifact_size),
    ]
    return (
        [*verdicts, fairness.fairness(mine, spec.groups, gates.fairness)]
        if spec.groups
        else verdicts
    )


def _outcomes(scores: pa.Table, digest: str) -> "Outcomes":
    """Return what one model got right, row by row; without rows where it was not scored."""
    import numpy as np

    from mlplatform.evaluate.metrics import correct
    from mlplatform.gates.accuracy import Outcomes

    rows = scores if digest in scores.column_names else scores.slice(0, 0)
    label = rows["label"].to_numpy()
    score = rows[digest].to_numpy() if rows.num_rows else np.empty(0)
    ids = rows["row_id"].to_numpy()
    return Outcomes(model_digest=digest, row_id=ids, label=label, correct=correct(label, score))


def gate_verdict(bench: Bench) -> Answer:
    """The verdict that the asset recorded."""
    from mlplatform.gates import record

    version, evaluation = bench.version(), bench.version("evaluation")
    rows = bench.store.table(version.table).read(version).to_pylist()
    ours = [row for row in rows if row["subject_digest"] == evaluation.digest]
    subject = bench.subject(version.digest, evaluation.lineage.facts["candidate"])
    return subject, [record.verdict(ours[-1])] if ours else []


def registered_model(bench: Bench) -> Answer:
    """The registered bytes are the ones their digest was made from."""
    digest = _artifact(bench.version("model"))
    version = bench.version()
    return bench.subject(version.digest, digest), [_verified(bench, digest)]


def deployment(bench: Bench) -> Answer:
    """The bytes that take traffic, champion's and canary's, are the ones their digests were made from."""
    from dataclasses import replace

    from mlplatform.rollout.events import traffic

    version = bench.version()
    now = traffic(bench.store.table(version.table), version)
    live = [model.digest for model in (now.champion, now.canary) if model] or [""]
    checked = [replace(_verified(bench, digest), gate="traffic_verified") for digest in live]
    worst = next((verdict for verdict in checked if not verdict.passed), checked[-1])
    return bench.subject(version.digest, live[-1]), [worst]


def _verified(bench: Bench, digest: str) -> Verdict:
    try:
        return walk.artifact_verified(bench.store.artifacts.open(digest).verify(), digest)
    except CorruptionError as wrong:
        bench.context.log.error(str(wrong))  # noqa: TRY400  one line for a person, no traceback
        return walk.artifact_verified(None, digest)


def _remembered(
    bench: Bench, subject: Subject, gates: Sequence[str], judge: Callable[[], list[Verdict]]
) -> Answer:
    """Return the kept verdicts when all of `gates` passed about this very subject, else judge again."""
    kept = bench.said(subject)
    if all(gate in kept and kept[gate].passed for gate in gates):
        return subject, [kept[gate] for gate in gates]
    return subject, judge()


def _artifact(version: Version) -> str:
    return version.lineage.facts["artifact"]


def _upstream(bench: Bench, version: Version, noun: str) -> Version:
    """Return the version of another asset that `version` was made from."""
    table = bench.pipeline.table(noun)
    return bench.store.table(table).version(number(version.lineage.inputs[table]))


def _dataset_of(bench: Bench, version: Version) -> Any:
    """Return the rows of the dataset version that `version` was made from."""
    upstream = _upstream(bench, version, "dataset")
    return bench.store.table(upstream.table).read(upstream)
