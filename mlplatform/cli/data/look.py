"""One pass over an input: counted by our own scan, and handed to TFDV where that is asked for."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mlplatform.cli.data.input import Columns, Input
from mlplatform.errors import PlatformError
from mlplatform.measures import Example, Malformed
from mlplatform.spec import PipelineSpec
from mlplatform.validate.scan import Plan, Scan, Scanner, View
from mlplatform.validate.scan.plan import counted_by

if TYPE_CHECKING:
    from mlplatform.validate.client import TfdvWorker

EXAMPLES = 5
SEEDS = (1, 2)  # Two sums of 64 bits: rows that differ and agree in both are not met by chance.
ATOM = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one pass saw.

    Attributes:
        scan: Of the rows.
        malformed: Records that are no rows.
        content: Sums of the rows' hashes: equal for the same rows in any order.
        parquet: The rows as TFDV reads them, where asked for.
    """

    scan: Scan
    malformed: Malformed
    content: tuple[int, ...]
    parquet: Path | None = None

    @property
    def view(self) -> View:
        """Return all rows."""
        return self.scan.view()


@dataclass
class _Tally:
    """What is counted of chunks besides the scan."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    sums: list[int] = field(default_factory=lambda: [0] * len(SEEDS))


def look(given: Input, columns: Columns, plan: Plan, folder: Path | None = None) -> Look:
    """Return what one pass over the rows sees; with `folder`, they are kept there for TFDV.

    Raises:
        SourceError: If the input as a whole cannot be read in these types.
    """
    from mlplatform.validate.export import AtomFiles

    scanner, tally = Scanner(plan), _Tally()
    place = Path(tempfile.gettempdir()) if folder is None else folder
    with AtomFiles(place, plan.columns) as files:
        for rows in _rows(given, columns, tally):
            scanner.add(rows)
            if folder is not None:
                files.add(rows, np.full(rows.num_rows, ATOM, np.int8))
    rejected = sum(tally.reasons.values())
    total = tally.rows + rejected
    return Look(
        scan=scanner.result(),
        malformed=Malformed(
            rows=total,
            rejected=rejected,
            by_file={given.name: (rejected, total)},
            reasons=dict(tally.reasons.most_common()),
            examples=tally.examples,
        ),
        content=tuple(tally.sums),
        parquet=files.paths.get(ATOM),
    )


def _rows(given: Input, columns: Columns, tally: _Tally) -> Iterator[pa.RecordBatch]:
    from mlplatform.ingest.hashing import row_hashes

    for chunk in given.chunks(columns):
        tally.reasons.update(chunk.rejected["reason"].to_pylist())
        room = max(EXAMPLES - len(tally.examples), 0)
        tally.examples += chunk.rejected.slice(0, room).to_pylist()
        names = [name for name in chunk.rows.schema.names if name in columns]
        for at, seed in enumerate(SEEDS):
            hashes = row_hashes(chunk.rows, names, seed)
            tally.sums[at] = (tally.sums[at] + int(hashes.sum(dtype=np.uint64))) % 2**64
        tally.rows += chunk.rows.num_rows
        yield chunk.rows


def plan_for(columns: Columns, spec: PipelineSpec, like: Scan | None = None) -> Plan:
    """Return what to count of these columns for the gates of `spec`."""
    ranges = spec.data_gates.value_ranges
    label, positive = counted_by(spec.label) if spec.label.column in columns else (None, None)
    key = tuple(spec.key) if set(spec.key) <= set(columns) else ()
    return Plan(
        columns=columns,
        label=label,
        positive=positive,
        key=key,
        like=like,
        limits={name: limits for name, limits in ranges.columns.items() if name in columns},
        domains={name: values for name, values in ranges.domains.items() if name in columns},
        unused=tuple(name for name in spec.unused if name in columns),
    )


@contextmanager
def tfdv() -> Iterator["TfdvWorker"]:
    """Start a TFDV worker and end it; its imports take about 10 s, meanwhile others may work.

    Raises:
        WorkerError: If no interpreter has TFDV.
    """
    import os

    import mlplatform
    from mlplatform.cli.data.input import here
    from mlplatform.validate import interpreter
    from mlplatform.validate.client import TfdvWorker

    try:
        settings = here()
        explicit, root = settings.tfdv_python, settings.root
    except PlatformError:  # Not in a checkout: files can be looked at anywhere.
        named = os.environ.get("MLPLATFORM_TFDV_PYTHON")
        explicit = Path(named) if named else None
        root = Path(mlplatform.__file__).parents[1]
    with TfdvWorker(interpreter.find(explicit, root)) as worker:
        yield worker
