"""The one pass over the data: batches in, a `Scan` out; memory does not grow with the rows."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import arrow_type
from mlplatform.ingest.hashing import row_hashes
from mlplatform.validate.scan.atom import UNLABELLED, AtomCounter, Block
from mlplatform.validate.scan.codes import Frame, frame_of
from mlplatform.validate.scan.numbers import numbers_of
from mlplatform.validate.scan.plan import Plan
from mlplatform.validate.scan.repeats import Repeats
from mlplatform.validate.scan.result import Scan

BLOCK_ROWS = 65_536  # Counted at a time: one column's arrays in between fit a core's cache.
BLOCK_VALUES = 2_000_000  # Of all columns of numbers together: 16 MB.
MAX_ATOMS = 63  # A set of atoms is the bits of an int64.


class Scanner:
    """Counts batches by a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._frames: dict[str, Frame] = dict(plan.like.frames) if plan.like else {}
        self._frames = {n: f for n, f in self._frames.items() if n in plan.numbers}
        self._atoms: dict[int, AtomCounter] = {}
        self._rows, self._keys = Repeats(), Repeats()
        self._identified = bool(plan.key or (plan.duplicates and plan.identity))
        wide = max(len(plan.numbers), 1)
        self._block_rows = max(min(BLOCK_ROWS, BLOCK_VALUES // wide), 1024)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch.

        Raises:
            SourceError: If a column is missing or not of its declared type.
        """
        if not batch.num_rows:
            return
        lacking = [name for name in self._plan.columns if name not in batch.schema.names]
        if lacking:
            raise SourceError(f"there is no column {lacking[0]!r} in these rows; land them again")
        rows = pa.record_batch({name: self._column(batch, name) for name in self._plan.columns})
        for atom, part in self._parts(batch, rows):
            self._add(atom, part)

    def result(self) -> Scan:
        """Return what was counted so far."""
        return Scan(
            types=dict(self._plan.columns),
            label=self._plan.label,
            positive=self._plan.positive,
            key=self._plan.key,
            frames=dict(self._frames),
            atoms={atom: counter.result() for atom, counter in sorted(self._atoms.items())},
            repeated=self._rows.result() if self._plan.duplicates else None,
            key_repeated=self._keys.result() if self._identified else None,
            content=self._plan.content,
        )

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        column, type_ = batch.column(name), self._plan.columns[name]
        kind = arrow_type(type_)
        if column.type == kind:
            return column
        if pa.types.is_dictionary(column.type) and type_ == "string":
            texts = pa.types.is_string(column.type.value_type)
            plain = column.dictionary.null_count or not texts
            return column.cast(pa.string()) if plain else column
        try:
            return column.cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as wrong:
            why = str(wrong).split("\n")[0]
            raise SourceError(f"column {name!r} holds {column.type}, not {type_}: {why}") from None

    def _parts(
        self, batch: pa.RecordBatch, rows: pa.RecordBatch
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield each atom of the batch with its part of the rows."""
        if self._plan.atoms is None:
            yield 0, rows
            return
        atoms = np.asarray(self._plan.atoms(batch))
        found = np.unique(atoms).tolist()
        if len(atoms) != len(rows) or found[0] < 0 or found[-1] >= MAX_ATOMS:
            raise ValueError(f"{len(rows)} rows need an atom in [0, {MAX_ATOMS}) each: {found}")
        for atom in found:
            yield atom, rows if len(found) == 1 else rows.filter(pa.array(atoms == atom))

    def _add(self, atom: int, rows: pa.RecordBatch) -> None:
        numbers = {name: numbers_of(rows.column(name)) for name in self._plan.numbers}
        for name, (values, null) in numbers.items():
            if name not in self._frames:
                present = values if null is None else values[~null]
                head = present[: self._block_rows].astype(np.float64)
                frame = frame_of(head[np.isfinite(head)], whole=values.dtype == np.int64)
                if frame is not None:
                    self._frames[name] = frame
        if atom not in self._atoms:
            self._atoms[atom] = AtomCounter(self._plan)
        counter = self._atoms[atom]
        classes = self._classes(rows)
        counter.add_others(rows, classes)
        for first in range(0, rows.num_rows, self._block_rows):
            part = slice(first, first + self._block_rows)
            block = Block(
                rows=min(self._block_rows, rows.num_rows - first),
                numbers={
                    n: (v[part], m if m is None else m[part]) for n, (v, m) in numbers.items()
                },
                classes=None if classes is None else classes[part],
            )
            counter.add_numbers(block, self._frames)
        if self._plan.duplicates:
            self._rows.add(row_hashes(rows, list(self._plan.content)), atom)
        if self._identified:
            self._keys.add(row_hashes(rows, list(self._plan.identity)), atom)

    def _classes(self, rows: pa.RecordBatch) -> "NDArray[np.intp] | None":
        """intp[rows]: 0, 1 for `positive`, 2 without a label."""
        if self._plan.label is None:
            return None
        label = rows.column(self._plan.label)
        if pa.types.is_dictionary(label.type):
            place = pc.index(label.dictionary, _scalar(self._plan.positive, pa.string())).as_py()
            label, positive = label.indices, pa.scalar(place, label.indices.type)
        else:
            positive = _scalar(self._plan.positive, label.type)
        classes = pc.equal(label, positive).cast(pa.int8())
        return np.asarray(classes.fill_null(UNLABELLED)).astype(np.intp)


def _scalar(text: str | None, type_: pa.DataType) -> pa.Scalar:
    try:
        return pa.scalar(text, pa.string()).cast(type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        why = f"label.positive is {text!r}, which the label's type {type_} cannot hold"
        raise SourceError(why) from None


def scan(batches: Iterable[pa.RecordBatch], plan: Plan) -> Scan:
    """Return what one pass over the batches counts."""
    scanner = Scanner(plan)
    for batch in batches:
        scanner.add(batch)
    return scanner.result()
