"""What changed from one registered model to another: data, code, parameters, surroundings, metrics, gates."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.errors import LakeError
from mlplatform.provenance import environment
from mlplatform.provenance.changes import Change, changes, library_changes
from mlplatform.provenance.code_difference import CodeChange, code_change
from mlplatform.provenance.data_difference import TableChange, landed_between, table_changes
from mlplatform.provenance.judged import Gate, Metric
from mlplatform.provenance.steps import LandedFile
from mlplatform.provenance.story import Story, plain

if TYPE_CHECKING:
    from mlplatform.lake import Lake

FORMAT = 1  # Of the JSON; raised when a reader of the old form would misread the new one.

MEASURED = {"dataset", "split"}  # What decides which rows are test rows.


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """One metric of both, each with its interval."""

    metric: str
    before: Metric | None
    after: Metric | None


@dataclass(frozen=True, kw_only=True)
class GateChange:
    """One gate that answered otherwise; None where it did not judge that model."""

    gate: str
    before: Gate | None
    after: Gate | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed from the first model to the second; a list that is `None` cannot be told: one side is not on record.

    Attributes:
        format: Of this JSON.
        before: The first, as `pipeline@version`.
        after: The second.
        tables: Versions and rows of each table.
        landed: Files that landed in the source tables between.
        landed_note: What to know of them.
        code: Files by git, and the team's own.
        spec: Leaves of the resolved spec.
        hyperparameters: Of the trainings.
        training: What the trainings came to: epochs, steps, versions that decide bits.
        libraries: That came, went or changed.
        surroundings: Interpreter, lock, CUDA, driver, hardware, flags.
        same_rows: Whether both were measured on the same test rows; None where that is not known.
        metrics: Of both.
        gates: Those with another outcome or number.
        same_gates: How many said the same.
        problems: What could not be read of either.
    """

    format: int
    before: str
    after: str
    tables: Sequence[TableChange]
    landed: Sequence[LandedFile]
    landed_note: str
    code: CodeChange
    spec: Sequence[Change] | None
    hyperparameters: Sequence[Change] | None
    training: Sequence[Change] | None
    libraries: Sequence[Change] | None
    surroundings: Sequence[Change] | None
    same_rows: bool | None
    metrics: Sequence[MetricChange]
    gates: Sequence[GateChange]
    same_gates: int
    problems: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON-able data; instants in ISO 8601."""
        told: dict[str, Any] = plain(dataclasses.asdict(self))
        return told


def differ(lake: "Lake", root: Path | None, one: Story, other: Story) -> Difference:
    """Return what changed from `one` to `other`; `root` is a checkout to ask git in, or `None`."""
    tables = table_changes(lake, one, other)
    landed, note = landed_between(lake, one, other)
    gates = _gates(one, other)
    problems = list(dict.fromkeys([*one.problems, *other.problems]))
    return Difference(
        format=FORMAT,
        before=f"{one.pipeline}@{one.version}",
        after=f"{other.pipeline}@{other.version}",
        tables=tables,
        landed=landed,
        landed_note=note,
        code=code_change(lake, root, one.code, other.code),
        spec=changes(one.spec, other.spec),
        hyperparameters=changes(one.hyperparameters, other.hyperparameters),
        training=changes(one.training, other.training),
        libraries=_libraries(lake, one, other, problems),
        surroundings=changes(one.surroundings, other.surroundings),
        same_rows=_same_rows(tables),
        metrics=_metrics(one, other),
        gates=[gate for gate in gates if _answer(gate.before) != _answer(gate.after)],
        same_gates=sum(_answer(gate.before) == _answer(gate.after) for gate in gates),
        problems=problems,
    )


def _same_rows(tables: Sequence[TableChange]) -> bool | None:
    """Whether dataset and split are the same; None where neither differs and not both could be compared."""
    deciding = [each for each in tables if each.table in MEASURED and None not in each.rows]
    if not all(each.same for each in deciding):
        return False
    return True if len(deciding) == len(MEASURED) else None


def _libraries(lake: "Lake", one: Story, other: Story, problems: list[str]) -> list[Change] | None:
    if one.libraries is None or other.libraries is None:
        return None
    if one.libraries == other.libraries:
        return []
    try:
        old, new = (
            lake.artifacts.open(story.libraries or "").read(environment.FILE).decode().splitlines()
            for story in (one, other)
        )
    except LakeError as wrong:
        problems.append(str(wrong))
        return None
    return library_changes(old, new)


def _metrics(one: Story, other: Story) -> list[MetricChange]:
    before = {metric.metric: metric for metric in one.judged.metrics}
    after = {metric.metric: metric for metric in other.judged.metrics}
    names = dict.fromkeys([*before, *after])
    return [MetricChange(metric=n, before=before.get(n), after=after.get(n)) for n in names]


def _gates(one: Story, other: Story) -> list[GateChange]:
    before = {gate.gate: gate for gate in one.judged.gates}
    after = {gate.gate: gate for gate in other.judged.gates}
    names = dict.fromkeys([*after, *before])
    return [GateChange(gate=n, before=before.get(n), after=after.get(n)) for n in names]


def _answer(gate: Gate | None) -> tuple[str, float | None] | None:
    return (gate.outcome, gate.observed) if gate else None
