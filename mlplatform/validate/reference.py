"""The reference baseline: the dataset version that new data is compared with, `<pipeline>/reference`.

One row a promotion, the last one in force. The first version that passes its gates becomes the
reference by itself; every other one is promoted by a person, who says why.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.validate import acceptance
from mlplatform.validate.record import load_scan, profiles_of

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Lineage, Version
    from mlplatform.spec import Pipeline
    from mlplatform.validate.acceptance import Acceptance
    from mlplatform.validate.record import Profile
    from mlplatform.validate.scan import Scan

FIRST = "the first version that passed its gates"
PLATFORM = "mlplatform"  # Who promoted the first.
REFERENCE_SCHEMA = pa.schema(
    {
        "dataset": pa.string(),
        "dataset_digest": pa.string(),
        "rows": pa.int64(),
        "statistics": pa.string(),
        "scan": pa.string(),
        "because": pa.string(),
        "by": pa.string(),
    }
)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A dataset version, the artifacts of its profile, and why it is what others are compared with.

    `statistics` and `scan` hold what the artifacts of these names in `Profile` do; `version` is that
    of `<pipeline>/reference` which put it in force.
    """

    dataset: str
    dataset_digest: str
    rows: int
    statistics: str
    scan: str
    because: str
    by: str
    version: "Version"

    @property
    def since(self) -> datetime:
        """When it was promoted."""
        return self.version.committed_at

    @property
    def digest(self) -> str:
        """A sha256 of what comparisons depend on."""
        says = "-".join([self.dataset_digest, self.statistics, self.scan])
        return hashlib.sha256(says.encode()).hexdigest()


def current(lake: "Lake", pipeline: "Pipeline") -> Reference | None:
    """Return the reference in force, or `None` before the first."""
    return next(iter(history(lake, pipeline)), None)


def history(lake: "Lake", pipeline: "Pipeline") -> list[Reference]:
    """Return every reference there ever was, newest first."""
    table = lake.table(pipeline.table("reference"))
    if not table.exists():
        return []
    versions = table.history()
    rows = table.read(versions[0]).to_pylist()  # Each version added one row.
    newest_first = zip(versions, reversed(rows), strict=True)
    return [Reference(**row, version=version) for version, row in newest_first]


def scan_of(lake: "Lake", pinned: Reference) -> "Scan":
    """Return the scan of a reference.

    Raises:
        CorruptionError: If it is damaged, or of another format than this version of the code reads.
    """
    try:
        return load_scan(lake, pinned.scan)
    except CorruptionError as wrong:
        raise CorruptionError(
            f"the reference, dataset {pinned.dataset} since version {pinned.version.number} of "
            f"{pinned.version.table}, cannot be read: {wrong}; run the checks of dataset, then "
            "`mlplatform reference promote` renews it"
        ) from None


def pin_first(
    lake: "Lake", pipeline: "Pipeline", dataset: "Version", lineage: "Lineage"
) -> Reference:
    """Return the reference in force; without one, make it the accepted version `dataset`.

    What a person promotes meanwhile stays in force.

    Raises:
        LakeError: If there is no reference and `dataset` never passed its gates.
    """
    pinned = current(lake, pipeline)
    if pinned is not None:
        return pinned
    passed = acceptance.of(lake, pipeline, dataset)
    if passed is None:
        raise LakeError(
            f"{dataset.table} {dataset.reference} has not passed its gates, so it cannot be the "
            "reference; run the checks of dataset first"
        )
    with suppress(ConcurrentWriteError):  # Then there is one.
        _write(lake, pipeline, _row(passed, dataset, FIRST, PLATFORM), lineage, "first", None)
    return history(lake, pipeline)[0]


def promote(
    lake: "Lake",
    pipeline: "Pipeline",
    dataset: "Version",
    because: str,
    by: str,
    lineage: "Lineage",
) -> "Version":
    """Make a profiled dataset version the reference, and return the version that says so.

    The version need not have passed its gates: when the world has changed, a comparison with the
    old reference is the very gate that fails. Promoting what is in force changes nothing, unless
    its scan cannot be read any more.

    Raises:
        LakeError: If nobody or no reason is named, or the version has no profile that can be read.
        ConcurrentWriteError: If another one was promoted meanwhile; nothing changes then.
    """
    for name, said in (("because", because), ("by", by)):
        if not said.strip():
            raise LakeError(f"promoting a reference needs {name!r}; say it in a few words")
    now = current(lake, pipeline)
    if now is not None and now.dataset_digest == dataset.digest and _reads(lake, now.scan):
        return now.version
    profiles = profiles_of(lake, pipeline, dataset)
    profile = next((p for p in profiles if _reads(lake, p.scan)), None)
    if profile is None:
        raise LakeError(
            f"{dataset.table} {dataset.reference} has no statistics that this version reads; run "
            "the checks of dataset first"
        )
    token = f"{dataset.digest}-after-{now.version.number if now else -1}"
    return _write(lake, pipeline, _row(profile, dataset, because, by), lineage, token, now)


def _reads(lake: "Lake", scan: str) -> bool:
    with suppress(CorruptionError):
        load_scan(lake, scan)
        return True
    return False


def _row(
    measured: "Profile | Acceptance", dataset: "Version", because: str, by: str
) -> dict[str, Any]:
    return {
        "dataset": dataset.reference,
        "dataset_digest": dataset.digest,
        "rows": measured.rows,
        "statistics": measured.statistics,
        "scan": measured.scan,
        "because": because,
        "by": by,
    }


def _write(
    lake: "Lake",
    pipeline: "Pipeline",
    row: dict[str, Any],
    lineage: "Lineage",
    token: str,
    instead_of: Reference | None,
) -> "Version":
    lineage = replace(lineage, inputs={pipeline.table("dataset"): row["dataset"]})
    rows = pa.Table.from_pylist([row], REFERENCE_SCHEMA)
    expected = instead_of.version.number if instead_of else -1
    table = lake.table(pipeline.table("reference"))
    return table.append(rows, lineage, token=token, expected=expected)
