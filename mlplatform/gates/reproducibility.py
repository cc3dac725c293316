"""Reproducibility gate: is on record what has to be known to make this very model again?"""

from mlplatform.gates.answer import Finding, refused, sentence, worst
from mlplatform.model_measures import ReproducibilitySeen
from mlplatform.spec.trust_gates import ReproducibilityGate
from mlplatform.verdict import Outcome, Verdict

GATE = "reproducibility"
LIMIT = 0.0  # Things that are not on record.
KINDS = 3  # Code, libraries, chance.
SHOWN = 12  # Digits of a digest.


def reproducibility(seen: ReproducibilitySeen | None, policy: ReproducibilityGate) -> Verdict:
    """Pass when code, libraries and seed are on record. `observed` counts what is not."""
    if seen is None:
        why = f"0 of {KINDS} things are on record: nobody looked for code, libraries and seed"
        return refused(GATE, policy.severity, LIMIT, why)
    findings = [_code(seen), _libraries(seen), _seed(seen)]
    lacking = sum(finding.outcome is Outcome.FAIL for finding in findings)
    told = sentence(findings)
    because = f"{lacking} of {KINDS} things are not on record: {told}" if lacking else told
    return Verdict(
        gate=GATE,
        outcome=worst(findings),
        severity=policy.severity,
        inconclusive=policy.inconclusive,
        observed=float(lacking),
        limit=LIMIT,
        because=because,
        evidence={
            "commit": seen.commit,
            "dirty": seen.dirty,
            "lock": seen.lock,
            "seed": seen.seed,
            "bits": seen.bits,
        },
    )


def _code(seen: ReproducibilitySeen) -> Finding:
    if not seen.commit:
        why = "it was trained outside of a git checkout, so its code is not on record"
        return Finding(outcome=Outcome.FAIL, because=why)
    commit = seen.commit[:SHOWN]
    if seen.dirty is None:
        why = f"nobody said whether files differed from commit {commit}"
        return Finding(outcome=Outcome.FAIL, because=why)
    if seen.dirty:
        why = f"files differed from commit {commit}; commit them and train again"
        return Finding(outcome=Outcome.FAIL, because=why)
    return Finding(outcome=Outcome.PASS, because=f"commit {commit}")


def _libraries(seen: ReproducibilitySeen) -> Finding:
    if not seen.lock:
        why = "the installed libraries are not on record; train again with this release"
        return Finding(outcome=Outcome.FAIL, because=why)
    return Finding(outcome=Outcome.PASS, because=f"libraries {seen.lock[:SHOWN]}")


def _seed(seen: ReproducibilitySeen) -> Finding:
    if seen.seed is None:
        return Finding(outcome=Outcome.FAIL, because="no seed is on record; set one in model.seed")
    return Finding(outcome=Outcome.PASS, because=f"seed {seen.seed}")
