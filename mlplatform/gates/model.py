"""Gates on a model, before it may be registered."""

from mlplatform.gates.accuracy import Outcomes, accuracy
from mlplatform.gates.answer import finite, refused
from mlplatform.gates.fairness import fairness
from mlplatform.spec.model_gates import LatencyGate, SizeGate
from mlplatform.verdict import Outcome, Verdict

__all__ = ["Outcomes", "accuracy", "artifact_size", "fairness", "latency"]

MIN_SAMPLES = 1_000  # The 99th percentile then rests on the 10 slowest answers.
BYTES_PER_MEGABYTE = 1_000_000


def latency(p99_ms: float | None, samples: int | None, policy: LatencyGate) -> Verdict:
    """Pass when the 99th percentile of one-row predictions is at most `max_p99_ms`.

    Fewer than 1,000 samples are inconclusive, whatever they show.
    """
    observed, limit = finite(p99_ms), policy.max_p99_ms
    if observed is None or observed < 0:
        why = f"the latency was not measured; at most {limit:g} ms pass"
        return refused("latency", policy.severity, limit, why)
    why = f"p99 {observed:.3g} ms over {samples} one-row predictions, limit {limit:g} ms"
    outcome = Outcome.PASS if observed <= limit else Outcome.FAIL
    if (finite(samples) or 0) < MIN_SAMPLES:
        outcome, why = Outcome.INCONCLUSIVE, f"{why}; {MIN_SAMPLES:,} samples are needed"
    return Verdict(
        gate="latency",
        outcome=outcome,
        severity=policy.severity,
        observed=observed,
        limit=limit,
        because=why,
        evidence={"samples": samples},
    )


def artifact_size(size_bytes: int | None, policy: SizeGate) -> Verdict:
    """Pass when the model artifact has at most `max_megabytes` (of 1,000,000 bytes), and any."""
    size, limit = finite(size_bytes), policy.max_megabytes
    if size is None or size <= 0:
        why = f"the artifact has no bytes to measure; at most {limit:g} MB pass"
        return refused("artifact_size", policy.severity, limit, why)
    megabytes = size / BYTES_PER_MEGABYTE
    return Verdict(
        gate="artifact_size",
        outcome=Outcome.PASS if megabytes <= limit else Outcome.FAIL,
        severity=policy.severity,
        observed=megabytes,
        limit=limit,
        because=f"the artifact has {megabytes:.3g} MB, limit {limit:g} MB",
        evidence={"bytes": int(size)},
    )
