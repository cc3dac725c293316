"""Gates on the steps between data and evaluation: is what was made whole, and what it should be?"""

from collections.abc import Mapping
from typing import Any

from mlplatform.gates.answer import finite, refused
from mlplatform.verdict import Outcome, Severity, Verdict

PARTS = ("train", "validation", "test")
PARITY = 1e-4  # Log loss, in nats. Batch shapes change it in the 7th digit; a skew changes the 2nd.


def files_landed(rows: int | None, files: Mapping[str, int] | None) -> Verdict:
    """Pass when every source file has at least one row in the table.

    Args:
        rows: Rows of the table.
        files: Rows by source file.
    """
    counted = files or {}
    empty = sorted(name for name, count in counted.items() if count < 1)
    whole = bool(counted) and not empty and sum(counted.values()) == rows
    why = f"{sum(counted.values()):,} rows from {len(counted)} files"
    why += f"; no rows from {', '.join(empty)}" if empty else ""
    return _verdict("files_landed", whole, finite(rows), 1.0, why, {"files": dict(counted)})


def split_sound(classes: Mapping[str, Mapping[str, int]] | None) -> Verdict:
    """Pass when every part has rows of both classes; whether parts share rows is asked of `overlap`.

    Args:
        classes: Rows by part and class, `{"train": {"0": 24_720, "1": 7_841}, …}`.
    """
    known = classes or {}
    lacking = [part for part in PARTS if sum(n > 0 for n in known.get(part, {}).values()) <= 1]
    counts = ", ".join(f"{part} {sum(known.get(part, {}).values()):,}" for part in PARTS)
    why = f"{counts} rows"
    why += f"; fewer than 2 classes in {', '.join(lacking)}" if lacking else ""
    lacked = float(len(lacking))
    return _verdict("split_sound", not lacking, lacked, 0.0, why, {"classes": known})


def features_finite(rows: int | None, expected_rows: int, not_finite: int | None) -> Verdict:
    """Pass when there is a feature vector for every row and every number in it is finite."""
    bad = finite(not_finite)
    whole = rows == expected_rows and expected_rows > 0
    why = f"{rows} feature vectors for {expected_rows} rows, {not_finite} values not finite"
    return _verdict("features_finite", whole and bad == 0, bad, 0.0, why, {})


def program_matches_training(
    trained_nats: float | None, served_nats: float | None, saturated: float = 0.0
) -> Verdict:
    """Pass when the exported program has the validation log loss the trainer saw, within `PARITY`.

    Args:
        trained_nats: Validation log loss, in nats, of the network on the stored feature vectors.
        served_nats: The same from the raw rows through the artifact, as a server computes it.
        saturated: Share of predictions that are exactly 0 or 1, whose loss float32 cannot tell.
    """
    trained, served = finite(trained_nats), finite(served_nats)
    if trained is None or served is None:
        why = f"validation log loss is {trained} in training and {served} as served"
        return refused("program_matches_training", Severity.BLOCK, PARITY, why)
    gap = abs(trained - served)
    why = f"validation log loss {served:.6f} as served, {trained:.6f} in training, gap {gap:.1e}"
    if gap > PARITY and saturated > 0:
        why += (
            f"; {saturated:.2%} of predictions are exactly 0 or 1: scale, log or clip what is large"
        )
    return _verdict("program_matches_training", gap <= PARITY, gap, PARITY, why, {})


def artifact_verified(verified_bytes: int | None, digest: str) -> Verdict:
    """Pass when every byte of the artifact was read and matches its digest; `None` if one did not."""
    size = finite(verified_bytes)
    why = f"{verified_bytes} bytes of artifact {digest[:12]} match their digests"
    return _verdict(
        "artifact_verified", bool(size and size > 0), size, 1.0, why, {"digest": digest}
    )


def _verdict(
    gate: str,
    passed: bool,  # noqa: FBT001  the answer itself
    observed: float | None,
    limit: float,
    because: str,
    evidence: Mapping[str, Any],
) -> Verdict:
    return Verdict(
        gate=gate,
        outcome=Outcome.PASS if passed else Outcome.FAIL,
        observed=observed,
        limit=limit,
        because=because,
        evidence=evidence,
    )
