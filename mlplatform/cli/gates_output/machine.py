"""Verdicts as JSON, for whatever comes next in a build."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlplatform.cli.gates_output.told import Told, counted, result, told
from mlplatform.verdict import Verdict


def as_json(
    name: str,
    verdicts: Sequence[Verdict],
    *,
    overrides: Sequence[Mapping[str, Any]] = (),
    about: Mapping[str, str] | None = None,
) -> str:
    """Return strict JSON: NaN and infinity are null.

    `result` is one of FAIL, INCONCLUSIVE, OVERRIDDEN, WARNING and PASS, for all gates and for each;
    `stops` says whether it ends the build.

    Args:
        name: Such as the pipeline's.
        verdicts: Of the gates.
        overrides: See `told`.
        about: What was judged: digests of model, baseline and policy.
    """
    said = told(verdicts, overrides)
    all_of_them = result(said)
    document = {
        "name": name,
        "result": all_of_them.value,
        "stops": all_of_them.stops,
        "because": counted(said),
        "about": dict(about or {}),
        "gates": [gate(one) for one in said],
    }
    return json.dumps(plain(document), indent=2, allow_nan=False)


def gate(one: Told) -> dict[str, Any]:
    """Return one verdict as a mapping."""
    verdict = one.verdict
    return {
        "gate": verdict.gate,
        "result": one.result.value,
        "outcome": verdict.outcome.value,
        "severity": verdict.severity.value,
        "stops": one.result.stops,
        "observed": verdict.observed,
        "interval": verdict.interval,
        "limit": verdict.limit,
        "baseline": verdict.baseline,
        "because": verdict.because,
        "override": one.override,
        "evidence": verdict.evidence,
    }


def plain(value: Any) -> Any:
    """Return `value` as strict JSON has it: arrays as lists, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)
