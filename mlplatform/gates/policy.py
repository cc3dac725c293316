"""Which gates a spec asks for, and the hash that ties a verdict to what was asked."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from mlplatform.spec.section import Gate, Section
from mlplatform.verdict import Severity, Verdict

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

# The gates that no spec can turn off, and what each of them judges.
ALWAYS: Mapping[str, Subject] = {
    "files_landed": "source",
    "split_sound": "split",
    "features_finite": "features",
    "program_matches_training": "model",
}

# What a verdict's meaning depends on: the limits, the groups judged, what
# the label is, what is a key, and when things were known.
SECTIONS = (
    *JUDGED,
    "behaviour",
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

    A gate with severity `warn` is shown and alerted but not asked for; nor is one that does not
    apply, see `applying`.
    """
    return {
        name: ELSEWHERE.get(name, subject)
        for section, subject in JUDGED.items()
        for name, gate in applying(spec, section).items()
        if gate.severity is Severity.BLOCK
    }


def applying(spec: "PipelineSpec", section: str) -> dict[str, Gate]:
    """Return the gates of one section that this spec's label and groups give something to judge.

    Fairness is of declared groups: with none there is nothing to compare; of numbers it is judged
    where `max_error_ratio` is set. Behaviour needs a case, and each group column makes one.
    Throughput is of models that are served.
    """
    idle = set()
    numbers = spec.label.task == "regression"
    if not spec.groups or (numbers and not spec.model_gates.fairness.limits("regression")):
        idle.add("fairness")
    if not (spec.groups or spec.behaviour.cases or spec.behaviour.functions):
        idle.add("behaviour")
    if spec.model_gates.throughput.min_requests_per_second is None:
        idle.add("throughput")
    return {n: gate for n, gate in declared(getattr(spec, section)).items() if n not in idle}


def judging(spec: "PipelineSpec", subject: Subject) -> dict[str, Gate]:
    """Return the applying gates that judge this subject, blocking or not, by name."""
    return {
        name: gate
        for section, of in JUDGED.items()
        for name, gate in applying(spec, section).items()
        if ELSEWHERE.get(name, of) == subject
    }


def undecided(spec: "PipelineSpec", verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts, each with what its gate's policy says of an inconclusive one."""
    said = {
        name: gate.inconclusive
        for section in JUDGED
        for name, gate in declared(getattr(spec, section)).items()
    }
    return [replace(v, inconclusive=said.get(v.gate, v.inconclusive)) for v in verdicts]


def declared(section: Section) -> dict[str, Gate]:
    """Return the gates of a section of the spec by name, in its order."""
    fields = {name: getattr(section, name) for name in type(section).model_fields}
    return {name: value for name, value in fields.items() if isinstance(value, Gate)}
