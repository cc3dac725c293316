"""`mlplatform data validate`: the data gates, for files and tables outside a run."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplatform.cli.data.changes import readable_as, schema_changes
from mlplatform.cli.data.difference import compared
from mlplatform.cli.data.input import Columns, Input, open_input
from mlplatform.cli.data.look import ATOM, Look, look, plan_for, tfdv
from mlplatform.cli.data.policy import read_policy
from mlplatform.cli.data.show import heading, verdicts
from mlplatform.cli.data.text import say, unreadable
from mlplatform.errors import SourceError
from mlplatform.ingest.infer import spec_of
from mlplatform.measures import Anomaly, DataMeasured
from mlplatform.spec import PipelineSpec
from mlplatform.spec.label import Label
from mlplatform.spec.source import ParquetSource
from mlplatform.verdict import Verdict

if TYPE_CHECKING:
    from mlplatform.validate.anomalies import Distance
    from mlplatform.validate.client import TfdvWorker
    from mlplatform.validate.label_views import LabelView

PASSED, REFUSED = 0, 1
COMPARING = ("data_schema", "outliers", "correlations", "distribution")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person says about the data; what is left out is the pipeline's, where there is one."""

    label: str | None = None
    positive: str | None = None
    key: Sequence[str] = ()
    event_time: str | None = None
    policy: Path | None = None


@dataclass(frozen=True)
class _Tfdv:
    """What TFDV said, or nothing."""

    anomalies: Sequence[Anomaly] | None = ()  # None: it was asked and could not answer.
    distances: Sequence["Distance"] | None = None  # None: it was not asked.


def run(what: str, reference: str | None, asked: Asked, *, with_tfdv: bool) -> int:
    """Print the verdict of every gate that can be asked, and return the exit code."""
    with unreadable(), ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlplatform-")))
        given = open_input(what)
        before = open_input(reference) if reference is not None else None
        declared = _spec(before or given, given, asked)
        # Without a reference there is no schema to break and nothing to be at a distance from.
        worker = stack.enter_context(tfdv()) if with_tfdv and before is not None else None
        old = _look(before, before.columns, declared, folder / "before") if before else None
        columns = readable_as(given, before.columns) if before else given.columns
        spec = _of_columns(declared, columns)
        new = _look(given, columns, spec, folder / "after", old)
        _require_positive(spec, new)
        said = _tfdv(worker, spec, old, new)
        changed = schema_changes(before.columns, columns) if before else []
        if said.anomalies is not None:
            said = replace(said, anomalies=[*changed, *said.anomalies])
        found = _judged(_measured(spec, given, new, old, said), given, new, old, spec)
    heading(given, new.view.rows, new.malformed)
    verdicts(found)
    _left_out(spec, has_reference=old is not None, with_tfdv=with_tfdv)
    if before is not None and old is not None:
        say("changes since the reference:")
        for line in compared((before, old), (given, new), columns):
            say(f"  {line}")
    return REFUSED if any(verdict.stops for verdict in found) else PASSED


def _of_columns(spec: PipelineSpec, columns: Columns) -> PipelineSpec:
    """Return what `spec` says about these columns; the rest cannot be asked about."""
    nothing = Label.model_construct(column="", positive="", strip="")
    said: dict[str, Any] = {"columns": dict(columns)}
    said["label"] = spec.label if spec.label.column in columns else nothing
    said["key"] = spec.key if set(spec.key) <= set(columns) else []
    said["event_time"] = spec.event_time if spec.event_time in columns else None
    return spec.model_copy(update=said)


def _spec(declared: Input, given: Input, asked: Asked) -> PipelineSpec:
    """Return what is declared about the data: by its pipeline, then by what a person says."""
    base = given.spec or declared.spec
    columns = {**given.columns, **declared.columns}
    said: dict[str, Any] = {}
    if base is not None:
        names = ("label", "key", "event_time", "groups", "unused", "known_after", "data_gates")
        said = {name: getattr(base, name) for name in names}
    own = {old: new for new, old in {**given.names, **declared.names}.items()}
    if asked.label is not None:
        if own.get(asked.label, asked.label) not in columns:
            raise SourceError(
                f"--label {asked.label!r} is no column; columns: {', '.join(columns)}"
            )
        if asked.positive is None:
            raise SourceError("--label needs --positive: the label's value that is class 1")
        label = own.get(asked.label, asked.label)
        said["label"] = Label.model_construct(column=label, positive=asked.positive, strip="")
    if asked.key:
        said["key"] = [own.get(name, name) for name in asked.key]
    if asked.event_time is not None:
        said["event_time"] = own.get(asked.event_time, asked.event_time)
    if asked.policy is not None:
        said["data_gates"] = read_policy(asked.policy, columns)
    return spec_of(columns, ParquetSource(kind="parquet", files=["-"]), **said)


def _look(
    given: Input, columns: Columns, spec: PipelineSpec, folder: Path, like: Look | None = None
) -> Look:
    folder.mkdir()
    plan = plan_for(columns, spec, like.scan if like else None)
    seen = look(given, columns, plan, folder)
    if not seen.malformed.rows:
        raise SourceError(f"{given.name}: there are no rows")
    return seen


def _require_positive(spec: PipelineSpec, new: Look) -> None:
    """Refuse a label of which no row is positive: nothing could be said about it."""
    from mlplatform.validate.sensitive import shown

    if not spec.label.column or spec.label.task != "binary":
        return
    seen = new.view.label_counts
    if not seen.get(spec.label.positive):
        values = ", ".join(repr(shown(value)) for value in list(seen)[:5])
        raise SourceError(
            f"no row has {spec.label.column} = {spec.label.positive!r}; its values are {values}"
        )


def _tfdv(worker: "TfdvWorker | None", spec: PipelineSpec, old: Look | None, new: Look) -> _Tfdv:
    """Ask TFDV how the rows break the schema that the reference proposes, and how far they lie."""
    from mlplatform.validate.anomalies import describe, distances
    from mlplatform.validate.schema_rules import constrained, known_to_tfdv

    if worker is None or old is None:
        return _Tfdv()
    if not (old.parquet and new.parquet):
        return _Tfdv(None, ())
    types = {n: k for n, k in new.scan.types.items() if old.scan.types.get(n) == k}
    both = {"before": [old.parquet], "after": [new.parquet]}
    seen = worker.statistics(both, list(known_to_tfdv(types)))
    declared = spec.model_copy(update={"columns": types})
    schema = constrained(worker.infer_schema(seen["before"]), declared)
    return _Tfdv(
        describe(worker.anomalies(seen["after"], schema)),
        distances(worker.drift(seen["after"], seen["before"])),
    )


def _measured(
    spec: PipelineSpec, given: Input, new: Look, old: Look | None, said: _Tfdv
) -> DataMeasured:
    from mlplatform.validate.label_views import is_counted_apart
    from mlplatform.validate.leakage import late_shares
    from mlplatform.validate.measure import measured

    return measured(
        spec,
        new.scan,
        new=[ATOM],
        reference=old.scan if old else None,
        accepted_rows=None,
        anomalies=said.anomalies,
        distances=said.distances,
        landed_at=None,
        late=late_shares((chunk.rows for chunk in given.chunks(spec.columns)), spec),
        by_label=_by_label(spec, given, new) if is_counted_apart(spec.label) else None,
    )


def _by_label(spec: PipelineSpec, given: Input, new: Look) -> "list[LabelView]":
    from mlplatform.validate.label_views import label_views, sample

    rows = (chunk.rows for chunk in given.chunks(spec.columns))
    return label_views(spec, sample(rows, spec, new.view.rows))


def _judged(
    measures: DataMeasured, given: Input, new: Look, old: Look | None, spec: PipelineSpec
) -> list[Verdict]:
    """Return the verdicts, with a few rows that show why gates refused."""
    from mlplatform.gates.data import judged, malformed_rows
    from mlplatform.validate.examples import examples, wanted_of

    now, gates = datetime.now(UTC), spec.data_gates
    skipped = _not_asked(spec, has_reference=old is not None)
    found = [v for v in judged(measures, gates, now) if v.gate not in skipped]
    wanted = wanted_of(found, measures, spec, old.view if old else None, now)
    if wanted:
        rows = (chunk.rows for chunk in given.chunks(new.scan.types))
        shown = replace(measures, examples=examples(rows, wanted))
        found = [v for v in judged(shown, gates, now) if v.gate not in skipped]
    return [malformed_rows(new.malformed, gates.malformed_rows), *found]


def _not_asked(spec: PipelineSpec, *, has_reference: bool) -> dict[str, str]:
    """Gates that cannot be asked, each with what it needs: compared with nothing is no pass."""
    found = {} if has_reference else dict.fromkeys(COMPARING, "--reference")
    if not spec.event_time:
        found["freshness"] = "--event-time"
    if not spec.label.column:
        found |= dict.fromkeys(("label_balance", "label_leakage"), "--label and --positive")
    return found


def _left_out(spec: PipelineSpec, *, has_reference: bool, with_tfdv: bool) -> None:
    for gate, needed in _not_asked(spec, has_reference=has_reference).items():
        say(f"not judged: {gate}; it needs {needed}")
    if has_reference and not with_tfdv:
        say(
            "not checked without TFDV: values outside the reference's categories, L-infinity and Jensen-Shannon"
        )
