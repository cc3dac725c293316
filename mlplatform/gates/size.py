"""Size gate: how many bytes is what is shipped?"""

from mlplatform.gates.answer import finite
from mlplatform.spec.serving_gates import SizeGate
from mlplatform.verdict import Outcome, Verdict

BYTES_PER_MEGABYTE = 1_000_000


def artifact_size(size_bytes: int | None, policy: SizeGate) -> Verdict:
    """Pass when the model artifact has at most `max_megabytes` (of 1,000,000 bytes), and any."""
    size, limit = finite(size_bytes), policy.max_megabytes
    if size is None or size <= 0:
        observed, outcome = None, Outcome.FAIL
        why = f"the artifact has no bytes to measure; at most {limit:g} MB pass"
    else:
        observed = size / BYTES_PER_MEGABYTE
        outcome = Outcome.PASS if observed <= limit else Outcome.FAIL
        why = f"the artifact has {observed:.3g} MB, limit {limit:g} MB"
    return Verdict(
        gate="artifact_size",
        outcome=outcome,
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=observed,
        limit=limit,
        because=why,
        evidence={"bytes": int(size)} if observed is not None and size is not None else {},
    )
