"""What a report is made from, as plain values: the page, the Markdown, the JSON and the model card all read it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlplatform.evaluate.curves import Curves
from mlplatform.features.predicts import Predicts
from mlplatform.spec.card import Card
from mlplatform.verdict import Verdict

Bounds = Mapping[str, tuple[float, float]]  # By metric, a two-sided 95 % interval.
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Champion:
    """The model that was live when this one was judged, on the same test rows.

    `unscored` says why it gave no answers; then nothing else is known of it.
    """

    name: str
    metrics: Mapping[str, float]
    intervals: Bounds = field(default_factory=dict)
    curves: Curves = field(default_factory=Curves)
    unscored: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportInput:
    """Everything the report shows, as plain values.

    Attributes:
        pipeline: Name of the pipeline.
        model_version: How people call this model, "7" or its digest's beginning.
        model_digest: sha256 of the artifact.
        made_at: When the model was made; needs a time zone.
        metrics: From `tasks.measured`, on the test rows.
        curves: From `curves.curves_of`, on the same rows.
        intervals: Of `metrics`, those that have one.
        overall: The verdict over all gates; `None` while it is not decided. Its evidence names `overrides`.
        verdicts: Of each gate, data gates first; their evidence is shown where a section is about it.
        slices: Rows of the `evaluation` table about this model that are of a part of the test rows.
        champion: What it was compared with; `None` for a first model.
        provenance: What it was made from, in the order to show.
        description: The pipeline's, one or two sentences.
        predicts: What the model predicts.
        positive: Of two classes the value that is class 1.
        training: Facts of the training, in the order to show: family, parameters, epochs.
        card: What only people know of the model.
        owners: Of the pipeline.
        columns: What a row that is asked about holds, by type.
        split: In words, how the test rows were set apart.
        policy: Digest of the policy that it was judged under.
        evaluation: Table, version and content of the evaluation that this is about.
    """

    pipeline: str
    model_version: str
    model_digest: str
    made_at: datetime
    metrics: Mapping[str, float]
    curves: Curves
    intervals: Bounds = field(default_factory=dict)
    overall: Verdict | None = None
    verdicts: Sequence[Verdict] = ()
    slices: Sequence[Row] = ()
    champion: Champion | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    predicts: Predicts = field(default_factory=Predicts)
    positive: str = ""
    training: Mapping[str, str | float] = field(default_factory=dict)
    card: Card = field(default_factory=Card)
    owners: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    policy: str = ""
    evaluation: str = ""

    @property
    def about(self) -> dict[str, str]:
        """What the verdict is about, digests in full: every file of the report has this."""
        champion = (
            self.champion.digest or self.champion.name if self.champion else "none: the first"
        )
        return {
            "model artifact": self.model_digest,
            "champion's artifact": champion,
            "policy": self.policy or "not recorded",
            "evaluation": self.evaluation or "not recorded",
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """What the classes are called, in the order of the confusion matrix."""
        if self.predicts.task != "binary":
            return self.predicts.classes
        return (f"not {self.positive}", self.positive) if self.positive else ("class 0", "class 1")

    def verdict(self, gate: str) -> Verdict | None:
        """Return the verdict of one gate, if there is one."""
        return next((v for v in self.verdicts if v.gate == gate), None)

    def evidence(self, gate: str, name: str) -> list[Row]:
        """Return a list of mappings in a gate's evidence; of anything else, or without it, nothing."""
        verdict = self.verdict(gate)
        return mappings(verdict.evidence.get(name)) if verdict else []

    @property
    def overrides(self) -> list[Row]:
        """Who let a gate pass, as `gate_verdict` records it."""
        return mappings(self.overall.evidence.get("overrides")) if self.overall else []


def mappings(value: object) -> list[Row]:
    """Return the mappings in a list, and of anything else none: evidence comes from a table, by any version."""
    return (
        [each for each in value if isinstance(each, Mapping)]
        if isinstance(value, list | tuple)
        else []
    )


def kind_of(row: Row) -> str:
    """Return of what kind a row of the `evaluation` table is: all, group, intersection or weak."""
    return str(row.get("kind") or ("group" if row.get("group") else "all"))


def finite(row: Row, name: str) -> float | None:
    """Return a number of a mapping, or None where there is none that can be drawn."""
    return real(row.get(name))


def real(value: object) -> float | None:
    """Return a finite number as a float, and of anything else nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < math.inf else None  # False of NaN too.
