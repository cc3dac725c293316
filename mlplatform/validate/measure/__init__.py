"""Scans become measures: everything that the gates on a dataset judge, as plain values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from mlplatform.measures import Anomaly, DataMeasured, LabelSeen, LeakSeen, RangeSeen
from mlplatform.spec import PipelineSpec
from mlplatform.validate import leakage
from mlplatform.validate.anomalies import Distance
from mlplatform.validate.label_views import LabelView
from mlplatform.validate.measure.content import missing, outliers, ranges, repeated
from mlplatform.validate.measure.shifts import not_compared, of_label, shifts
from mlplatform.validate.measure.ties import correlations
from mlplatform.validate.scan import Scan, View
from mlplatform.validate.sensitive import scrubbed, sensitive

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Views:
    """The rows of one dataset version: all, new, known before, those judged; and the reference's."""

    whole: View
    new: View
    known: View
    judged: View
    reference: View | None

    @property
    def judges_new(self) -> bool:
        """Whether comparisons are about the new rows alone."""
        return self.judged is self.new


def views(scan: Scan, new: Collection[int], reference: Scan | None, min_new_rows: int) -> Views:
    """Return the views that gates ask about; new rows are judged alone where they are enough."""
    whole, fresh = scan.view(), scan.view(new)
    known = scan.view([atom for atom in scan.atoms if atom not in new])
    enough = min_new_rows <= fresh.rows < whole.rows
    before = reference.view() if reference else None
    return Views(whole, fresh, known, fresh if enough else whole, before)


def measured(
    spec: PipelineSpec,
    scan: Scan,
    *,
    new: Collection[int],
    reference: Scan | None,
    accepted_rows: int | None,
    anomalies: Sequence[Anomaly] | None,
    distances: Sequence[Distance] | None,
    landed_at: datetime | None,
    late: Mapping[str, float] | None = None,
    by_label: Sequence[LabelView] | None = None,
) -> DataMeasured:
    """Return what the gates on a dataset want to know, but example rows.

    Args:
        spec: Whose limits and names count.
        scan: Of the dataset version, with `Plan.like` the reference's scan.
        new: Atoms of `scan` that hold the rows of files which the version accepted before did not
            have; every atom, where there is none before.
        reference: Scan of the reference; `None`: there is none yet, or it is this very dataset.
        accepted_rows: Of the version accepted before; `None`: none ever was.
        anomalies: TFDV's, against the accepted schema.
        distances: TFDV's, of the rows judged from the reference; `None`: TFDV was not asked, and
            nothing is missing that it would have measured.
        landed_at: When the newest file landed, for a spec without `event_time`.
        late: As `leakage.late_shares` returns it.
        by_label: As `label_views` returns it, of a label that has other than two classes.
    """
    seen = views(scan, new, reference, spec.data_gates.min_new_rows)
    whole, judged = seen.whole, seen.judged
    return DataMeasured(
        rows=whole.rows,
        new_rows=seen.new.rows,
        accepted_rows=accepted_rows,
        newest=_newest(spec, whole) if spec.event_time else landed_at,
        new_newest=_newest(spec, seen.new) if seen.known.rows else None,
        accepted_newest=_newest(spec, seen.known),
        judged=_told(seen),
        has_reference=seen.reference is not None,
        anomalies=_scrubbed(anomalies),
        missing=missing(seen),
        duplicates=repeated(seen, tuple(spec.key)),
        ranges=ranges(spec, seen),
        outliers=outliers(spec, seen),
        correlations=correlations(spec, judged, seen.reference),
        shifts=shifts(spec, judged, seen.reference, distances),
        not_compared=not_compared(spec, seen.reference),
        label=_label(spec, seen),
        leaks=_leaks(spec, seen, late, by_label),
        sensitive=sensitive(
            [whole.columns, judged.columns] if seen.judges_new else [whole.columns]
        ),
    )


def _told(seen: Views) -> str:
    rows, new = seen.whole.rows, seen.new.rows
    if seen.judges_new:
        return f"the {new:,} new rows of {rows:,}"
    return f"all {rows:,} rows" + (f" ({new:,} of them new)" if 0 < new < rows else "")


def _scrubbed(anomalies: Sequence[Anomaly] | None) -> list[Anomaly] | None:
    """TFDV quotes values, which may be personal."""
    if anomalies is None:
        return None
    return [replace(anomaly, detail=scrubbed(anomaly.detail)) for anomaly in anomalies]


def _newest(spec: PipelineSpec, view: View) -> datetime | None:
    if not spec.event_time or not view.rows:
        return None
    at = view.columns[spec.event_time].maximum
    try:
        return None if at is None else EPOCH + timedelta(microseconds=at)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _leaks(
    spec: PipelineSpec,
    seen: Views,
    late: Mapping[str, float] | None,
    by_label: Sequence[LabelView] | None,
) -> list[LeakSeen]:
    if by_label is not None:
        views, what = [one.view for one in by_label], [one.what for one in by_label]
        return leakage.leaks(spec, views, late, what)
    views = [seen.whole, seen.judged] if seen.judges_new else [seen.whole]
    return leakage.leaks(spec, views, late)


def _number(spec: PipelineSpec, seen: Views) -> LabelSeen:
    column = seen.whole.columns[spec.label.column]
    number = RangeSeen(
        column=spec.label.column,
        values=column.present,
        least=column.minimum,
        most=column.maximum,
        not_finite=column.not_finite,
    )
    shift = of_label(spec, seen.judged, seen.reference)
    return LabelSeen(classes={}, number=number, shift=shift)


def _label(spec: PipelineSpec, seen: Views) -> LabelSeen | None:
    if not seen.whole.rows or spec.label.column not in seen.whole.columns:
        return None
    if spec.label.task == "regression":
        return _number(spec, seen)
    before = seen.reference.label_counts if seen.reference else {}
    if seen.reference and seen.reference.scan.label != spec.label.column:
        before = {}
    return LabelSeen(
        classes=seen.judged.label_counts,
        reference=before,
        everything=seen.whole.label_counts,
        expected=tuple(spec.label.classes),
    )
