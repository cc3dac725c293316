"""Every gate on a model, asked: the same by an asset check and by `mlplatform gate run`."""

import logging
from collections.abc import Callable, Iterable, Mapping

from mlplatform.errors import PlatformError, in_words
from mlplatform.evaluate import behaviour, calibration, fairness, performance, regression
from mlplatform.gates import answer, size
from mlplatform.gates import behaviour as of_behaviour
from mlplatform.gates import calibration as of_calibration
from mlplatform.gates import data_integrity as of_integrity
from mlplatform.gates import fairness as of_fairness
from mlplatform.gates import latency as of_latency
from mlplatform.gates import performance as of_performance
from mlplatform.gates import regression as of_regression
from mlplatform.gates import reproducibility as of_reproducibility
from mlplatform.gates import throughput as of_throughput
from mlplatform.judging.candidate import Candidate
from mlplatform.judging.integrity import integrity
from mlplatform.judging.reproducible import reproducibility
from mlplatform.verdict import Verdict

LOG = logging.getLogger(__name__)


def judge(candidate: Candidate, gates: Iterable[str]) -> list[Verdict]:
    """Return what each of `gates` says of the candidate, in their order.

    What cannot be measured fails, and says why: one gate's mishap, whatever it raises, silences no other.
    """
    return [_asked(candidate, gate) for gate in gates]


def _asked(candidate: Candidate, gate: str) -> Verdict:
    try:
        return GATES[gate](candidate)
    except Exception as wrong:
        if not isinstance(
            wrong, PlatformError
        ):  # A defect of ours or of the model: for who mends it.
            LOG.exception("the gate %s of model %s could not be asked", gate, candidate.digest[:12])
        policy = getattr(candidate.pipeline.spec.model_gates, gate)
        why = f"0 measurements could be made: {in_words(wrong)}"
        return answer.refused(gate, policy.severity, None, why)


def _performance(of: Candidate) -> Verdict:
    policy = of.pipeline.spec.model_gates.performance
    about = (of.predicts, of.scores, of.digest, of.champion)
    seen = performance.performance(*about, policy, of.last_values)
    return of_performance.performance(seen, policy)


def _regression(of: Candidate) -> Verdict:
    spec = of.pipeline.spec
    policy = spec.model_gates.regression
    about = (of.predicts, of.rows, spec.groups, of.scores, of.digest, of.champion)
    return of_regression.regression(regression.regression(*about, policy), policy)


def _fairness(of: Candidate) -> Verdict:
    spec = of.pipeline.spec
    policy = spec.model_gates.fairness
    about = (of.predicts, of.rows, spec.groups, of.scores, of.digest, of.champion)
    return of_fairness.fairness(fairness.fairness(*about, policy), spec.groups, policy)


def _calibration(of: Candidate) -> Verdict:
    policy = of.pipeline.spec.model_gates.calibration
    seen = calibration.calibration(of.predicts, of.scores, of.digest)
    return of_calibration.calibration(seen, policy)


def _behaviour(of: Candidate) -> Verdict:
    policy = of.pipeline.spec.model_gates.behaviour
    predict = of.scorer.predictor.predict_table
    seen = behaviour.behaviour(of.pipeline, predict, of.filled, of.labels, policy)
    return of_behaviour.behaviour(seen, policy)


def _latency(of: Candidate) -> Verdict:
    policy = of.pipeline.spec.model_gates.latency
    return of_latency.latency(of.serving_cost.latency, policy)


def _throughput(of: Candidate) -> Verdict:
    policy = of.pipeline.spec.model_gates.throughput
    return of_throughput.throughput(of.serving_cost.throughput, policy)


def _artifact_size(of: Candidate) -> Verdict:
    artifact = of.lake.artifacts.open(of.digest)
    return size.artifact_size(artifact.size_bytes, of.pipeline.spec.model_gates.artifact_size)


def _data_integrity(of: Candidate) -> Verdict:
    up = of.upstream
    seen = integrity(of.lake, of.pipeline, of.model, up.said, up.required, up.let_through)
    return of_integrity.data_integrity(seen, of.pipeline.spec.model_gates.data_integrity)


def _reproducibility(of: Candidate) -> Verdict:
    seen = reproducibility(of.model, of.lake.artifacts.open(of.digest))
    policy = of.pipeline.spec.model_gates.reproducibility
    return of_reproducibility.reproducibility(seen, policy)


GATES: Mapping[str, Callable[[Candidate], Verdict]] = {
    "performance": _performance,
    "regression": _regression,
    "fairness": _fairness,
    "calibration": _calibration,
    "behaviour": _behaviour,
    "latency": _latency,
    "throughput": _throughput,
    "artifact_size": _artifact_size,
    "data_integrity": _data_integrity,
    "reproducibility": _reproducibility,
}
