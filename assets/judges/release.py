"""Judges of a release: the candidate, the verdict over it, and the bytes that are shipped."""

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from assets.gates import Bench
from assets.judges.common import Answer, artifact_of, dataset_of, remembered, upstream
from mlplatform.errors import CorruptionError
from mlplatform.gates import walk
from mlplatform.gates.policy import judging
from mlplatform.lake import Version
from mlplatform.spec import PipelineSpec
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlplatform.features.predicts import Predicts

ROWS_TIMED = 200  # Different rows asked in turn while latency is measured.


def evaluation(bench: Bench) -> Answer:
    """Accuracy or error, fairness, latency and size of the candidate."""
    version = bench.version()
    subject = bench.subject(version.digest, version.lineage.facts["candidate"])
    names = list(judging(bench.pipeline.spec, "evaluation"))
    return remembered(bench, subject, names, lambda: _evaluation(bench, version))


def _evaluation(bench: Bench, version: Version) -> list[Verdict]:
    from mlplatform.evaluate.assessment import SCORES, from_bytes
    from mlplatform.evaluate.latency import one_row
    from mlplatform.evaluate.looked_up import Scorer
    from mlplatform.features.program import Predictor
    from mlplatform.gates import fairness
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
    verdicts = [
        _quality(spec, scores, candidate, champion),
        of_model.latency(timed.p99, timed.samples, gates.latency),
        of_model.artifact_size(artifact.size_bytes, gates.artifact_size),
    ]
    return (
        [*verdicts, fairness.fairness(mine, spec.groups, gates.fairness)]
        if "fairness" in judging(spec, "evaluation")
        else verdicts
    )


def _aggregates(bench: Bench, version: Version) -> Version | None:
    """Return the version of the aggregates that was evaluated with, in a pipeline that has some."""
    return upstream(bench, version, "aggregates") if bench.pipeline.spec.events else None


def _quality(spec: PipelineSpec, scores: pa.Table, candidate: str, champion: str) -> Verdict:
    """Return what accuracy says of classes, or error of numbers."""
    from mlplatform.features.predicts import Predicts
    from mlplatform.gates.accuracy import Outcomes, accuracy
    from mlplatform.gates.error import Errors, Metric, error

    predicts, gates = Predicts.of(spec.label), spec.model_gates
    mine, theirs = (
        _of_rows(predicts, scores, digest) if digest else None for digest in (candidate, champion)
    )
    if predicts.task != "regression":
        right = [seen and Outcomes(**seen[0], correct=seen[1]) for seen in (mine, theirs)]
        return accuracy(right[0], right[1], gates.accuracy)
    off = [seen and Errors(**seen[0], error=seen[1]) for seen in (mine, theirs)]
    metric: Metric = "pinball" if predicts.quantiles else "rmse"
    return error(off[0], off[1], gates.error, metric, predicts.quantiles)


def _of_rows(
    predicts: "Predicts", scores: pa.Table, digest: str
) -> "tuple[dict[str, Any], NDArray[np.float64]]":
    """Return who answered which rows, and how right or how far off; without rows where not scored."""
    import numpy as np

    from mlplatform.evaluate.assessment import answers
    from mlplatform.evaluate.tasks import correct, errors

    scored = digest in scores.column_names
    rows = scores if scored else scores.slice(0, 0)
    label = rows["label"].to_numpy()
    found = answers(rows, digest) if scored else np.empty((0, *predicts.width), np.float32)
    about = {"model_digest": digest, "row_id": rows["row_id"].to_numpy(), "label": label}
    return about, (errors if predicts.task == "regression" else correct)(predicts, label, found)


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
