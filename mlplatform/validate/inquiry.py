"""From a profiled dataset version to what its gates judge, read from the lake alone."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mlplatform.spec import Pipeline, PipelineSpec
from mlplatform.validate import acceptance, reference
from mlplatform.validate.examples import examples, wanted_of
from mlplatform.validate.label_views import LabelView, is_counted_apart, label_views, sample
from mlplatform.validate.leakage import candidates, late_shares, times
from mlplatform.validate.measure import measured
from mlplatform.validate.profile import NEW, load_scan

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.lake import Lake, Table, Version
    from mlplatform.measures import DataMeasured
    from mlplatform.validate.record import Profile
    from mlplatform.validate.scan import Scan
    from mlplatform.verdict import Verdict


def measures_of(
    pipeline: Pipeline, lake: "Lake", dataset: "Version", seen: "Profile", landed_at: datetime
) -> "DataMeasured":
    """Return what the gates on `dataset` judge, but example rows.

    Args:
        pipeline: Whose limits and names count.
        lake: Holds the version, its profile, the reference and what was accepted before.
        dataset: The version.
        seen: Its profile.
        landed_at: When the newest of its files landed.
    """
    before = acceptance.before(lake, pipeline, dataset)
    spec, rows = pipeline.spec, lake.table(dataset.table)
    compared = [spec.event_time, *times(spec)] if spec.event_time else []
    by_label = None
    if is_counted_apart(spec.label):
        by_label = _by_label(spec, rows, dataset, seen)
    return measured(
        spec,
        load_scan(lake, seen.scan),
        new=NEW,
        reference=_reference(pipeline, lake, seen),
        accepted_rows=before.rows if before else None,
        anomalies=seen.anomalies,
        distances=seen.distances,
        landed_at=landed_at,
        late=late_shares(rows.batches(dataset, columns=compared), spec),
        by_label=by_label,
    )


def with_examples(
    pipeline: Pipeline,
    lake: "Lake",
    dataset: "Version",
    seen: "Profile",
    measures: "DataMeasured",
    verdicts: Sequence["Verdict"],
    now: datetime,
) -> "DataMeasured":
    """Return the measures with a few rows that show why gates failed: one more reading or two.

    Where new rows were judged, they are what is shown; only a repeat is looked for in all.
    """
    before = _reference(pipeline, lake, seen)
    wanted = wanted_of(verdicts, measures, pipeline.spec, before.view() if before else None, now)
    of_all = [one for one in wanted if seen.judged == "all" or one.gate == "duplicates"]
    of_new = [one for one in wanted if one not in of_all]
    table = lake.table(dataset.table)
    found = examples(table.batches(dataset) if of_all else (), of_all)
    new = _new(table.batches(dataset), seen.unchanged_files) if of_new else ()
    return replace(measures, examples={**found, **examples(new, of_new)})


def _by_label(
    spec: PipelineSpec, table: "Table", dataset: "Version", seen: "Profile"
) -> list[LabelView]:
    """Return views of all rows, and of those judged where these are the new ones."""
    names = [*candidates(spec), spec.label.column]
    parts = [sample(table.batches(dataset, columns=names), spec, dataset.rows)]
    if seen.judged != "all":
        rows = table.batches(dataset, columns=[*names, "source_file"])
        parts.append(sample(_new(rows, seen.unchanged_files), spec, dataset.rows))
    return [view for part in parts for view in label_views(spec, part)]


def _new(
    rows: "Iterator[pa.RecordBatch]", known_files: Collection[str]
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pa.array(sorted(known_files), pa.string())
    for batch in rows:
        mine = batch.filter(pc.invert(pc.is_in(batch["source_file"], known)))
        if mine.num_rows:
            yield mine


def _reference(pipeline: Pipeline, lake: "Lake", seen: "Profile") -> "Scan | None":
    pinned = reference.current(lake, pipeline) if seen.reference else None
    return reference.scan_of(lake, pinned) if pinned else None
