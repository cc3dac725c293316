"""Which gates a spec asks for, and the hash that ties a verdict to what was asked."""

import hashlib
import json
from typing import TYPE_CHECKING, Literal

from mlplatform.verdict import Severity

if TYPE_CHECKING:
    from mlplatform.spec import PipelineSpec

Subject = Literal["dataset", "model"]

# What a verdict's meaning depends on: the limits, the groups judged, and what counts as positive.
SECTIONS = ("data_gates", "model_gates", "groups", "label")


def policy_hash(spec: "PipelineSpec") -> str:
    """Return a sha256 over the spec's gates, groups and label, equal for equal content."""
    content = spec.model_dump(mode="json", include=set(SECTIONS))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def required(spec: "PipelineSpec") -> dict[str, Subject]:
    """Return the blocking gates of `spec` and what each judges.

    A gate with severity `warn` is shown and alerted but not asked for. Fairness is asked for only
    where the spec declares groups: with none there is nothing to compare.
    """
    gates: dict[str, Subject] = {}
    for name in type(spec.data_gates).model_fields:
        if getattr(spec.data_gates, name).severity is Severity.BLOCK:
            gates[name] = "dataset"
    for name in type(spec.model_gates).model_fields:
        if getattr(spec.model_gates, name).severity is Severity.BLOCK:
            gates[name] = "model"
    if not spec.groups:
        gates.pop("fairness", None)
    return gates
