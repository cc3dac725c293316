"""How far each column of a window has moved from the drift reference."""

from dataclasses import dataclass

import pyarrow as pa

from mlplatform.errors import PlatformError
from mlplatform.monitor.histogram import Histogram
from mlplatform.monitor.reference import Reference
from mlplatform.validate.distance import EmptyWindowError, expected_psi, psi


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """One column's histograms, and its PSI in nats: as measured, and expected with no drift."""

    column: str
    reference: Histogram
    current: Histogram
    psi: float
    expected: float

    @property
    def excess(self) -> float:
        """The PSI beyond what chance gives at these row counts, at least 0."""
        return max(self.psi - self.expected, 0.0)


def measure(reference: Reference, current: pa.Table) -> list[ColumnDrift]:
    """Return each column of `reference` in `current`, the furthest moved first.

    Raises:
        EmptyWindowError: If `current` has no rows: no traffic is not a calm day.
        PlatformError: If a column is missing, or holds what is no number where numbers were cut.
    """
    if not current.num_rows:
        raise EmptyWindowError("no rows in this window; drift cannot be measured")
    drifts = [_column(name, histogram, current) for name, histogram in reference.items()]
    return sorted(drifts, key=lambda drift: (-drift.excess, drift.column))


def psi_by_column(reference: Reference, current: pa.Table) -> dict[str, float]:
    """Return the PSI of each column beyond its no-drift expectation, in nats, largest first.

    Raises:
        EmptyWindowError: If `current` has no rows.
        PlatformError: If a column is missing, or holds what is no number where numbers were cut.
    """
    return {drift.column: drift.excess for drift in measure(reference, current)}


def _column(name: str, reference: Histogram, current: pa.Table) -> ColumnDrift:
    if name not in current.column_names:
        raise PlatformError(f"the window has no column {name!r}; drift cannot be measured")
    try:
        counted = reference.bins.count(current[name])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
        raise PlatformError(f"column {name!r} of the window: {wrong}".split("\n")[0]) from None
    return ColumnDrift(
        column=name,
        reference=reference,
        current=counted,
        psi=psi(reference.counts, counted.counts),
        expected=expected_psi(reference.counts, counted.counts),
    )
