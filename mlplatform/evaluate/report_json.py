"""The report for machines: everything on the page as strict JSON, documented in docs/report.md."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from mlplatform.evaluate.report_input import ReportInput
from mlplatform.verdict import Verdict

SCHEMA_VERSION = 1  # Grows when a field changes its meaning or goes; new fields do not change it.


def report_json(given: ReportInput) -> bytes:
    """Return the report as UTF-8 JSON; NaN and infinity are null."""
    said = plain(report(given))
    return json.dumps(said, indent=1, ensure_ascii=False, allow_nan=False).encode()


def report(given: ReportInput) -> dict[str, Any]:
    """Return the report as values; see docs/report.md."""
    champion = given.champion
    return {
        "schema_version": SCHEMA_VERSION,
        "pipeline": given.pipeline,
        "description": given.description,
        "owners": given.owners,
        "model": {"version": given.model_version, "digest": given.model_digest, "made_at": given.made_at},
        "predicts": {**asdict(given.predicts), "positive": given.positive},
        "verdict": _verdict(given.overall) if given.overall else None,
        "overrides": given.overrides,
        "gates": [_verdict(v) for v in given.verdicts],
        "metrics": _metrics(given),
        "champion": {n: getattr(champion, n) for n in ("name", "digest", "unscored")} if champion else None,
        "policy": given.policy,
        "evaluation": given.evaluation,
        "curves": given.curves,
        "champion_curves": champion.curves if champion else None,
        "slices": given.slices,
        "training": given.training,
        "provenance": given.provenance,
    }  # fmt: skip


def _verdict(v: Verdict) -> dict[str, Any]:
    return {
        **{name: getattr(v, name) for name in ("gate", "outcome", "severity", "inconclusive")},
        **{name: getattr(v, name) for name in ("observed", "limit", "baseline", "interval")},
        "because": v.because,
        "evidence": v.evidence,
    }


def _metrics(given: ReportInput) -> list[dict[str, Any]]:
    champion = given.champion
    return [
        {
            "metric": metric,
            "observed": value,
            **_bounds(given.intervals.get(metric)),
            "champion": {"observed": champion.metrics[metric], **_bounds(champion.intervals.get(metric))}
            if champion and metric in champion.metrics
            else None,
        }
        for metric, value in given.metrics.items()
    ]  # fmt: skip


def _bounds(bounds: tuple[float, float] | None) -> dict[str, float | None]:
    lower, upper = bounds or (None, None)
    return {"lower": lower, "upper": upper}


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON has no word for becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _several(value)


def _several(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, datetime):
        return value.isoformat()
    return plain(value.tolist()) if hasattr(value, "tolist") else str(value)
