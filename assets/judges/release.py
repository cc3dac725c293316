"""Judges of a release: the candidate, the verdict over it, and the bytes that are shipped."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.judges.common import Answer, artifact_of, dataset_of, remembered, upstream
from mlplatform.errors import CorruptionError
from mlplatform.gates import walk
from mlplatform.lake import Version
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.gates.accuracy import Outcomes

ROWS_TIMED = 200  # Different rows asked in turn while latency is measured.


def evaluation(bench: Bench) -> Answer:
    """Accuracy, fairness, latency and size of the candidate."""
    version = bench.version()
    spec = bench.pipeline.spec
    subject = bench.subject(version.digest, version.lineage.facts["candidate"])
    names = [n for n in type(spec.model_gates).model_fields if n != "fairness" or spec.groups]
    return remembered(bench, subject, names, lambda: _evaluation(bench, version))


def _evaluation(bench: Bench, version: Version) -> list[Verdict]:
    from mlplatform.evaluate.assessment import SCORES, from_bytes
    from mlplatform.evaluate.latency import one_row
    from mlplatform.evaluate.looked_up import Scorer
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
    raw = Scorer(predictor, bench.store, _aggregates(bench, version)).filled(
        dataset_of(bench, version).slice(0, ROWS_TIMED)
    )
    timed = one_row(predictor, raw.select(list(predictor.encoder.columns)).to_pylist())
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


def _aggregates(bench: Bench, version: Version) -> Version | None:
    """Return the version of the aggregates that was evaluated with, in a pipeline that has some."""
    return upstream(bench, version, "aggregates") if bench.pipeline.spec.events else None


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
    digest = artifact_of(bench.version("model"))
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
