"""Gates on the steps between data and evaluation: is what was made whole, and what it should be?"""

from collections.abc import Mapping, Sequence
from typing import Any

from mlplatform.gates.answer import finite, refused
from mlplatform.verdict import Outcome, Severity, Verdict

PARTS = ("train", "validation", "test")
NAMED = 5  # Classes told of those that a part lacks.
# Of the loss, in nats or the label's deviations. Batch shapes change it in the 7th digit; a skew
# changes the 2nd.
PARITY = 1e-4


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


def split_sound(
    classes: Mapping[str, Mapping[str, int]] | None, expected: Sequence[str] = ()
) -> Verdict:
    """Pass when every part has rows of every class; whether parts share rows is asked of `overlap`.

    Args:
        classes: Rows by part and class, `{"train": {"0": 24_720, "1": 7_841}, …}`; of a number, rows
            of the part's least label and of larger ones.
        expected: The classes; any two if left out.
    """
    known = classes or {}
    lacking = {part: _lacks(known.get(part, {}), expected) for part in PARTS}
    counts = ", ".join(f"{part} {sum(known.get(part, {}).values()):,}" for part in PARTS)
    told = [f"{part} has {what}" for part, what in lacking.items() if what]
    why = "; ".join([f"{counts} rows", *told])
    return _verdict("split_sound", not told, float(len(told)), 0.0, why, {"classes": known})


def _lacks(classes: Mapping[str, int], expected: Sequence[str]) -> str:
    """Return what a part lacks, in words, or nothing."""
    held = [name for name, rows in classes.items() if rows > 0]
    if set(expected) == {"least", "more"}:
        return "" if set(expected) <= set(held) else "one label at most: it does not vary"
    if len(held) <= 1:
        return "fewer than 2 classes"
    absent = [name for name in expected if name not in held]
    return f"no row of {', '.join(absent[:NAMED])}" if absent else ""


def features_finite(rows: int | None, expected_rows: int, not_finite: int | None) -> Verdict:
    """Pass when there is a feature vector for every row and every number in it is finite."""
    bad = finite(not_finite)
    whole = rows == expected_rows and expected_rows > 0
    why = f"{rows} feature vectors for {expected_rows} rows, {not_finite} values not finite"
    return _verdict("features_finite", whole and bad == 0, bad, 0.0, why, {})


def program_matches_training(
    trained: float | None,
    served: float | None,
    saturated: float = 0.0,
    metric: str = "log_loss",
    unit: float = 1.0,
) -> Verdict:
    """Pass when the exported program has the validation loss the trainer saw, within `PARITY`.

    Args:
        trained: Validation loss of the network on the stored feature vectors.
        served: The same from the raw rows through the artifact, as a server computes it.
        saturated: Share of predictions that are exactly 0 or 1, whose loss float32 cannot tell.
        metric: What the loss is: `log_loss`, in nats, or `rmse` or `pinball`, in the label's unit.
        unit: What the gap is counted in: 1 nat, or the label's standard deviation.
    """
    what, mine, theirs = metric.replace("_", " "), finite(served), finite(trained)
    if theirs is None or mine is None or not unit > 0:
        why = f"validation {what} is {trained} in training and {served} as served"
        return refused("program_matches_training", Severity.BLOCK, PARITY, why)
    gap = abs(theirs - mine) / unit
    why = f"validation {what} {mine:.6g} as served, {theirs:.6g} in training, gap {gap:.1e}"
    why += f" of {unit:.4g}" if unit != 1 else ""
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
