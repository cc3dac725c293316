"""What a model was made from: is all of it on record, did it pass its gates, may the model read it?"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlplatform.errors import PlatformError
from mlplatform.gates import record
from mlplatform.model_measures import IntegritySeen
from mlplatform.provenance.ancestry import content, number
from mlplatform.verdict import Inconclusive, Outcome, Verdict

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.features.encoder import Encoder
    from mlplatform.lake import Lake, Version
    from mlplatform.spec import Pipeline, PipelineSpec

NOUNS = (
    "source",
    "dataset",
    "split",
    "features",
)  # Without them nobody knows what it was made from.
ARTIFACTS = ("artifact", "state")  # Facts that name bytes it was made from, or is.
# Gates whose verdicts name columns, and what each is about. They count also where they only warn.
OF_COLUMNS = {"label_leakage": "dataset", "sensitive_data": "dataset"}
OF_FEATURES = "feature_leakage"


@dataclass(frozen=True)
class Said:
    """The rows of the `gates` table, and the policy in force."""

    rows: "pa.Table"
    policy_hash: str

    def about(self, gate: str, digest: str) -> Verdict | None:
        """Return the last verdict of a gate about these very bytes under this policy.

        Raises:
            ValueError: If the row holds no verdict.
        """
        ours = [
            row
            for row in self._listed
            if (row["gate"], row["subject_digest"]) == (gate, digest)
            and row["policy_hash"] == self.policy_hash
        ]
        if not digest or not ours:
            return None
        return record.verdict(ours[-1])

    @cached_property
    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.rows.to_pylist()
        return found


def integrity(
    lake: "Lake",
    pipeline: "Pipeline",
    model: "Version",
    said: Said,
    required: Mapping[str, str],
    let_through: Collection[str] = (),
) -> IntegritySeen:
    """Return what is on record of everything that a version of the `model` table was made from.

    What cannot be read is told, and raises nothing.

    Args:
        lake: With the tables and the model's files.
        pipeline: Whose spec says what a model may read.
        model: What is judged.
        said: What gates said.
        required: Every gate on data and features that has to have passed, and the digest that it is
            about, as of the versions this model was made from.
        let_through: Gates that an override lets through.
    """
    versions, missing = _ancestors(lake, model)
    of = {noun: versions.get(pipeline.table(noun)) for noun in NOUNS}
    missing += [f"the lineage names no {pipeline.table(n)}" for n, v in of.items() if v is None]
    encoder, unread = _encoder(lake, model)
    forbidden = {} if encoder is None else _forbidden(pipeline.spec, encoder)
    flagged, unknown = ({}, []) if encoder is None else _flagged(encoder, said, of)
    refused = [
        why
        for gate, digest in required.items()
        if gate not in let_through and (why := _refusal(said, gate, digest))
    ]
    return IntegritySeen(
        versions={table: version.reference for table, version in versions.items()},
        missing=[*missing, *unread, *unknown],
        refused=refused,
        forbidden={**flagged, **forbidden},
    )


def _ancestors(lake: "Lake", model: "Version") -> tuple[dict[str, "Version"], list[str]]:
    """Return every version that it was made from, itself first, and what is wrong with the record."""
    found, missing, waiting = {model.table: model}, [], [model]
    named = {model.table: model.reference}
    while waiting:
        version = waiting.pop(0)
        missing += _unrecorded(lake, version)
        for table, reference in version.lineage.inputs.items():
            known = named.get(table)
            if known is not None:
                if content(known) != content(reference):
                    missing.append(
                        f"{version.table} was made from {table} {reference}, and something else from {known}"
                    )
                continue
            named[table] = reference
            try:
                found[table] = _named(lake, table, reference)
            except (PlatformError, ValueError) as wrong:
                missing.append(f"{version.table} was made from {table} {reference}: {_line(wrong)}")
                continue
            waiting.append(found[table])
    return found, missing


def _named(lake: "Lake", table: str, reference: str) -> "Version":
    """Return the version of a reference, its log being whole.

    Raises:
        PlatformError: If it is gone, damaged, or something else.
    """
    version = lake.table(table).version(number(reference))
    lake.table(table).files(version)
    if version.reference != reference:
        raise PlatformError(f"the lake holds {version.reference} there")
    return version


def _unrecorded(lake: "Lake", version: "Version") -> list[str]:
    """Return what a commit does not say, or what it names and is gone."""
    lineage, which = version.lineage, f"{version.table} {version.reference}"
    # A source is landed file by file and has no recipe; by which code everything has.
    missing = [] if lineage.code_version else [f"{which} has no code version"]
    for fact in ARTIFACTS:
        if fact in lineage.facts:
            try:
                lake.artifacts.open(lineage.facts[fact])
            except PlatformError as wrong:
                missing.append(f"{which}: {_line(wrong)}")
    return missing


def _encoder(lake: "Lake", model: "Version") -> tuple["Encoder | None", list[str]]:
    """Return what the model reads; or None, and why it is not known."""
    from mlplatform.features.encoder import Encoder

    digest = model.lineage.facts.get("artifact", "")
    if not digest:
        return None, [f"{model.table} {model.reference} names no artifact"]
    try:
        return Encoder.from_json(lake.artifacts.open(digest).read("features.json")), []
    except PlatformError as wrong:
        return None, [f"what the model reads is not known: {_line(wrong)}"]


def _forbidden(spec: "PipelineSpec", encoder: "Encoder") -> dict[str, str]:
    """Return the columns that the model reads of a row and must not, each with the reason."""
    barred = {name: f"unused: {reason}" for name, reason in spec.unused.items()}
    barred |= {name: f"known_after: {reason}" for name, reason in spec.known_after.items()}
    if spec.label.weight:
        barred[spec.label.weight] = "it is the weight of the label"
    barred[spec.label.column] = "it is the label"
    return {name: barred[name] for name in encoder.asked if name in barred}


def _flagged(
    encoder: "Encoder",
    said: Said,
    of: Mapping[str, "Version | None"],
) -> tuple[dict[str, str], list[str]]:
    """Return what the model reads and a gate has flagged, and which gates have said nothing.

    What the policy allows is not flagged.
    """
    found: dict[str, str] = {}
    unknown = []
    features = {state.name for state in encoder.states}
    for gate, noun in {**OF_COLUMNS, OF_FEATURES: "features"}.items():
        version = of[noun]
        if version is None:  # That is told already.
            continue
        reads = features if gate == OF_FEATURES else set(encoder.asked)
        try:
            verdict = said.about(gate, version.digest)
        except ValueError as wrong:
            verdict = None
            unknown.append(f"{gate}: {_line(wrong)}")
        if verdict is None:
            unknown.append(f"{gate} has not judged {version.table} {version.reference}")
            continue
        broken = _broken(verdict)
        if not verdict.passed and not broken:
            unknown.append(f"{gate}: {verdict.because}")
        found |= {name: f"{gate}: {measure}" for name, measure in broken.items() if name in reads}
    return found, unknown


def _broken(verdict: Verdict) -> dict[str, str]:
    """Return the columns that a verdict flags, each with its number against the limit."""
    columns = verdict.evidence.get("columns", [])
    flagged: dict[str, str] = {}
    for one in columns:
        if one.get("broken"):
            observed = "not measured" if one["observed"] is None else f"{one['observed']:.4g}"
            told = f"{one['measure']} {observed}, limit {one['limit']:g}"
            flagged.setdefault(one["column"], told)
    return flagged


def _refusal(said: Said, gate: str, digest: str) -> str:
    """Return why a required gate does not let these bytes through; empty: it does."""
    try:
        verdict = said.about(gate, digest)
    except ValueError as wrong:
        return f"{gate}: {_line(wrong)}"
    if verdict is None:
        return f"{gate} has no verdict about {digest[:12] or 'a known digest'} under this policy"
    warned = verdict.inconclusive is Inconclusive.WARN
    if verdict.passed or (verdict.outcome is Outcome.INCONCLUSIVE and warned):
        return ""
    return f"{gate} {verdict.outcome.value}: {verdict.because}"


def _line(wrong: Exception) -> str:
    told = f"no JSON: {wrong}" if isinstance(wrong, json.JSONDecodeError) else str(wrong)
    return " ".join(told.split())
