"""What a dataset version looks like, how it breaks the accepted schema, how far it has moved.

One pass over the rows feeds our own scan and the files TFDV reads; everything is kept in
`<pipeline>/statistics` and in artifacts, so the next who asks reads it there, without a worker.
"""

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError, LakeError, SourceError
from mlplatform.ingest.source import identities_of
from mlplatform.ingest.split import held_out
from mlplatform.spec import Pipeline, PipelineSpec, spec_digest
from mlplatform.validate import acceptance, facets, reference, schema
from mlplatform.validate.anomalies import Distance, describe, distances
from mlplatform.validate.export import ALL, NEW, SOURCE_FILE, TRAINING, AtomFiles, Atoms
from mlplatform.validate.record import (
    SCAN,
    FileSeen,
    Profile,
    load_scan,
    profiles_of,
    to_table,
    unchanged,
)
from mlplatform.validate.schema_rules import constrained, known_to_tfdv
from mlplatform.validate.sensitive import sensitive
from mlplatform.validate.summary import summarised

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.validate.client import TfdvWorker
    from mlplatform.validate.reference import Reference
    from mlplatform.validate.scan import Plan, Scan

__all__ = ["ALL", "NEW", "TRAINING", "Profile", "load_scan", "plan_of", "profile"]

PAGE = "facets.html"
VIEWS = {"all": ALL, "training": TRAINING, "new": NEW}  # Of which TFDV makes statistics.
FORM = "5"  # Of what is measured and kept: another one is measured anew.


def profile(
    pipeline: Pipeline,
    worker: "TfdvWorker",
    lake: "Lake",
    dataset: "Version",
    lineage: "Lineage",
) -> Profile:
    """Return the profile of a dataset version, computing only what the lake does not hold.

    Raises:
        SourceError: If there is no row, or none that trains: nothing to infer a schema of.
        SpecError: If the pipeline's `schema.pbtxt` holds no schema.
        WorkerError: If TFDV fails, dies or hangs; nothing is written then.
    """
    asked = _asked(pipeline, lake, dataset)
    kept = [k for k in profiles_of(lake, pipeline, dataset) if asked.fits(k) and _whole(lake, k)]
    for known in kept:
        if known.schema == _schema_for(lake, pipeline, known):
            return known
    measured = kept[0] if kept else _measured(pipeline, worker, lake, dataset, asked)
    judged = _judged(worker, lake, pipeline, measured)
    _keep(pipeline, lake, judged, replace(lineage, inputs={dataset.table: dataset.reference}))
    return judged


def plan_of(spec: PipelineSpec, atoms: Atoms | None = None, like: "Scan | None" = None) -> "Plan":
    """Return what a scan measures for this spec: every declared column, limits, domains, label."""
    from mlplatform.validate.scan import Plan
    from mlplatform.validate.scan.plan import counted_by

    ranges = spec.data_gates.value_ranges
    label, positive = counted_by(spec.label)
    return Plan(
        columns=spec.columns,
        label=label,
        positive=positive,
        key=tuple(spec.key),
        unused=tuple(spec.unused),
        like=like,
        limits=ranges.columns,
        domains=ranges.domains,
        atoms=atoms,
    )


@dataclass(frozen=True)
class _Asked:
    """What decides the measurements of one dataset version, besides its content.

    `like` is the scan whose bins are taken: the reference's, also for the reference itself, so that
    the two can be compared.
    """

    plan: str
    known_files: tuple[FileSeen, ...]
    reference: "Reference | None"
    like: str

    @property
    def reference_digest(self) -> str:
        return self.reference.digest if self.reference else ""

    def fits(self, kept: Profile) -> bool:
        mine = self.plan, self.known_files, self.reference_digest
        same = mine == (kept.plan, kept.known_files, kept.reference)
        return same and self.like in (kept.like, kept.scan)


def _asked(pipeline: Pipeline, lake: "Lake", dataset: "Version") -> _Asked:
    before = acceptance.before(lake, pipeline, dataset)
    pinned = reference.current(lake, pipeline)
    itself = pinned is not None and pinned.dataset_digest == dataset.digest
    return _Asked(
        plan=_plan_digest(pipeline.spec),
        known_files=before.files if before else (),
        reference=None if itself else pinned,  # The reference is at no distance from itself.
        like=_bins_of(lake, pinned),
    )


def _bins_of(lake: "Lake", pinned: "Reference | None") -> str:
    """Return the scan whose bins are taken: none of a reference that cannot be read.

    So that what is measured now can be promoted instead of it.
    """
    if pinned is not None:
        with suppress(CorruptionError):
            reference.scan_of(lake, pinned)
            return pinned.scan
    return ""


def _whole(lake: "Lake", kept: Profile) -> bool:
    """Tell whether the artifacts a profile names are undamaged; measuring again mends them."""
    try:
        for digest in (kept.statistics, kept.scan, kept.proposed_schema, kept.page):
            lake.artifacts.open(digest).verify()
    except LakeError:
        return False
    return True


def _plan_digest(spec: PipelineSpec) -> str:
    """Return a sha256 over what in the spec decides the measurements, and their form."""
    from mlplatform.validate.scan import store

    ranges = spec.data_gates.value_ranges
    says = [
        *(
            FORM,
            store.MAGIC.decode(),
            spec_digest(spec, "columns", "label", "key", "unused", "event_time", "split"),
        ),
        *(ranges.columns, ranges.domains, spec.data_gates.min_new_rows),
    ]
    return hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()


def _measured(
    pipeline: Pipeline, worker: "TfdvWorker", lake: "Lake", dataset: "Version", asked: _Asked
) -> Profile:
    """Return the profile without its judgement by a schema."""
    spec = pipeline.spec
    identities = _identities(pipeline, lake, dataset)
    atoms = Atoms(unchanged(asked.known_files, identities), lambda batch: held_out(batch, spec))
    like = load_scan(lake, asked.like) if asked.like else None
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        with AtomFiles(Path(folder), spec.columns) as files:
            scan = _pass(lake, dataset, plan_of(spec, atoms, like), atoms, files)
        _require_rows(dataset, files)
        views = {name: files.of(wanted) for name, wanted in VIEWS.items()}
        statistics = worker.statistics(views, list(known_to_tfdv(spec.columns)))
    personal = {s.column for s in sensitive([scan.view(atoms).columns for atoms in (ALL, NEW)])}
    judges_new = spec.data_gates.min_new_rows <= files.count(NEW) < files.count(ALL)
    judged = "new" if judges_new else "all"
    proposed = constrained(worker.infer_schema(statistics["training"]), spec)
    proposed = schema.without_values(proposed, personal - {spec.label.column})
    return Profile(
        dataset=dataset.reference,
        dataset_digest=dataset.digest,
        rows=files.count(ALL),
        training_rows=files.count(TRAINING),
        new_rows=files.count(NEW),
        judged=judged,
        files=tuple(FileSeen(name=n, identity=identities.get(n, "")) for n in sorted(atoms.files)),
        known_files=asked.known_files,
        columns=summarised(scan.view(ALL), personal),
        anomalies=(),
        distances=_distances(worker, lake, statistics[judged], asked.reference),
        plan=asked.plan,
        statistics=lake.artifacts.put({f"{n}.pb": content for n, content in statistics.items()}),
        scan=lake.artifacts.put({SCAN: scan.to_bytes()}),
        schema="",
        proposed_schema=schema.store(lake, proposed),
        reference=asked.reference_digest,
        like=asked.like,
        anomalies_artifact="",
        page=_page(lake, dataset, statistics["all"], asked.reference, personal),
    )


def _identities(pipeline: Pipeline, lake: "Lake", dataset: "Version") -> Mapping[str, str]:
    """Return the identities of the files it was made from; none if that is not to be told."""
    source = lake.table(pipeline.table("source"))
    made_from = dataset.lineage.inputs.get(source.name)
    history = source.history() if made_from and source.exists() else []
    version = next((v for v in history if v.reference == made_from), None)
    return identities_of(source, version) if version else {}


def _pass(lake: "Lake", dataset: "Version", plan: "Plan", atoms: Atoms, files: AtomFiles) -> "Scan":
    from mlplatform.validate.scan import Scanner

    scanner = Scanner(plan)
    columns = [*plan.columns, SOURCE_FILE]
    for batch in lake.table(dataset.table).batches(dataset, columns=columns):
        scanner.add(batch)
        files.add(batch, atoms(batch))
    return scanner.result()


def _require_rows(dataset: "Version", files: AtomFiles) -> None:
    where = f"{dataset.table} {dataset.reference}"
    if not files.count(ALL):
        raise SourceError(f"{where}: the dataset has no rows; there is nothing to profile")
    if not files.count(TRAINING):
        raise SourceError(f"{where}: every row is of the test, none trains; see `split`")


def _distances(
    worker: "TfdvWorker", lake: "Lake", statistics: bytes, pinned: "Reference | None"
) -> tuple[Distance, ...]:
    if pinned is None:
        return ()
    before = lake.artifacts.open(pinned.statistics).read("all.pb")
    return tuple(distances(worker.drift(statistics, before)))


def _page(
    lake: "Lake",
    dataset: "Version",
    current: bytes,
    pinned: "Reference | None",
    personal: Collection[str],
) -> str:
    before = lake.artifacts.open(pinned.statistics).read("all.pb") if pinned else None
    names = (
        f"{dataset.table} {dataset.reference}",
        f"reference {pinned.dataset if pinned else ''}",
    )
    return lake.artifacts.put({PAGE: facets.page(current, before, names=names, personal=personal)})


def _schema_for(lake: "Lake", pipeline: Pipeline, measured: Profile) -> str:
    """Digest of the schema that judges this version: it may depend on what the version proposes."""
    proposed = lake.artifacts.open(measured.proposed_schema).read(schema.BINARY)
    return schema.store(lake, schema.in_force(lake, pipeline, proposed))


def _judged(worker: "TfdvWorker", lake: "Lake", pipeline: Pipeline, measured: Profile) -> Profile:
    judging = _schema_for(lake, pipeline, measured)
    content = lake.artifacts.open(judging).read(schema.BINARY)
    environment = schema.environment_of(content)
    views = ["all", "new"] if measured.judged == "new" else ["all"]
    found = {
        f"{view}.pb": worker.anomalies(_statistics(lake, measured, view), content, environment)
        for view in views
    }
    # A value that no row had before drowns in all rows; few new rows show it.
    reasons = {(a.column, a.reason): a for each in found.values() for a in describe(each)}
    return replace(
        measured,
        schema=judging,
        anomalies=tuple(reasons[key] for key in sorted(reasons)),
        anomalies_artifact=lake.artifacts.put(found),
    )


def _statistics(lake: "Lake", measured: Profile, view: str) -> bytes:
    return lake.artifacts.open(measured.statistics).read(f"{view}.pb")


def _keep(pipeline: Pipeline, lake: "Lake", judged: Profile, lineage: "Lineage") -> None:
    # Of all it says: what is measured anew and differs, as artifacts mended do, is kept as well.
    says = asdict(replace(judged, dataset=""))
    token = hashlib.sha256(json.dumps(says, sort_keys=True).encode()).hexdigest()
    lake.table(pipeline.table("statistics")).append(to_table(judged), lineage, token=token)
