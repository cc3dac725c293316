"""Which gates a spec asks for, and the hash that ties a verdict to what was asked."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from mlplatform.spec.section import Gate, Section
from mlplatform.verdict import Severity

if TYPE_CHECKING:
    from mlplatform.spec import PipelineSpec

Subject = Literal["source", "dataset", "split", "features", "model", "evaluation"]

# What the gates of a section judge, and those of them that judge something else.
JUDGED: Mapping[str, Subject] = {
    "data_gates": "dataset",
    "feature_gates": "features",
    "model_gates": "evaluation",
}
ELSEWHERE: Mapping[str, Subject] = {
    "malformed_rows": "source",
    "overlap": "split",
    "training_serving_skew": "model",
    "request_skew": "model",
    "budget": "model",
}

# What a verdict's meaning depends on: the limits, what training may use up, the groups judged, what
# counts as positive, what is a key, and when things were known.
SECTIONS = (
    *JUDGED,
    "budget",
    "groups",
    "label",
    "key",
    "event_time",
    "unused",
    "known_after",
    "known_at",
    "events",
)


def policy_hash(spec: "PipelineSpec") -> str:
    """Return a sha256 over the spec's gates and what they refer to, equal for equal content."""
    content = spec.model_dump(mode="json", include=set(SECTIONS))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def required(spec: "PipelineSpec") -> dict[str, Subject]:
    """Return the blocking gates of `spec` and what each judges.

    A gate with severity `warn` is shown and alerted but not asked for. Fairness is asked for only
    where the spec declares groups: with none there is nothing to compare.
    """
    gates: dict[str, Subject] = {}
    for section, subject in JUDGED.items():
        for name, gate in declared(getattr(spec, section)).items():
            if gate.severity is Severity.BLOCK:
                gates[name] = ELSEWHERE.get(name, subject)
    if not spec.groups:
        gates.pop("fairness", None)
    return gates


def declared(section: Section) -> dict[str, Gate]:
    """Return the gates of a section of the spec by name, in its order."""
    fields = {name: getattr(section, name) for name in type(section).model_fields}
    return {name: value for name, value in fields.items() if isinstance(value, Gate)}
