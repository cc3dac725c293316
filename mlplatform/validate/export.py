"""Hands a dataset version to TFDV: one Parquet file an atom, that any pyarrow since 10 reads.

Rows fall into four atoms: those of files that the version accepted before had as they are (known)
or not (new), and those that the split gives to the test or not: nothing learns from a test row. What anyone asks
of the data is a union of atoms.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlplatform.spec.section import ColumnType
from mlplatform.validate.schema_rules import known_to_tfdv

KNOWN_TRAINING, KNOWN_TEST, NEW_TRAINING, NEW_TEST = range(4)
ALL = (KNOWN_TRAINING, KNOWN_TEST, NEW_TRAINING, NEW_TEST)
TRAINING = (KNOWN_TRAINING, NEW_TRAINING)
NEW = (NEW_TRAINING, NEW_TEST)
MICROS = 1_000_000  # In a second.
SOURCE_FILE = "source_file"


class Atoms:
    """Says of each row which atom it is of; callable, and remembers the files it has seen."""

    def __init__(
        self, known_files: Iterable[str], tested: Callable[[pa.RecordBatch], np.ndarray]
    ) -> None:
        self._known = pa.array(sorted(known_files), pa.string())
        self._tested = tested
        self.files: set[str] = set()

    def __call__(self, batch: pa.RecordBatch) -> np.ndarray:
        """Return one of `ALL` a row, as int8."""
        files = batch[SOURCE_FILE].dictionary_encode()
        names = files.dictionary
        self.files.update(names.to_pylist())
        new = pc.invert(pc.is_in(names, self._known)).cast(pa.int8()).to_numpy()
        atoms = 2 * new[files.indices.to_numpy()] + self._tested(batch)
        return np.asarray(atoms.astype(np.int8))


class AtomFiles:
    """Writes batches to a Parquet file an atom in `folder`, in constant memory; a context manager.

    `paths` and `rows` are by atom, of those that have rows. Columns are as TFDV can take them: bools
    as the words false and true, times as whole seconds since 1970; vectors are left out.
    """

    def __init__(self, folder: Path, columns: Mapping[str, ColumnType]) -> None:
        self._folder, self._columns = folder, known_to_tfdv(columns)
        self._stack = ExitStack()
        self._writers: dict[int, pq.ParquetWriter] = {}
        self.paths: dict[int, Path] = {}
        self.rows: dict[int, int] = {}

    def add(self, batch: pa.RecordBatch, atoms: np.ndarray) -> None:
        """Write the rows, each to the file of its atom."""
        if not self._columns:
            return
        shown = pa.table(
            {name: _for_tfdv(batch[name], kind) for name, kind in self._columns.items()}
        )
        for atom in np.unique(atoms).tolist():
            mine = atoms == atom
            rows = shown if mine.all() else shown.filter(pa.array(mine))
            self._writer(atom, rows.schema).write_table(rows)
            self.rows[atom] = self.rows.get(atom, 0) + rows.num_rows

    def of(self, atoms: Collection[int]) -> list[Path]:
        """Return the files that hold rows of these atoms."""
        return [path for atom, path in sorted(self.paths.items()) if atom in atoms]

    def count(self, atoms: Collection[int]) -> int:
        """Return how many rows were of these atoms."""
        return sum(rows for atom, rows in self.rows.items() if atom in atoms)

    def __enter__(self) -> "AtomFiles":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _writer(self, atom: int, schema: pa.Schema) -> pq.ParquetWriter:
        if atom not in self._writers:
            path = self.paths[atom] = self._folder / f"atom-{atom}.parquet"
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            # Without Arrow's own schema, which names types that older readers do not know.
            writer = pq.ParquetWriter(
                path, schema, store_schema=False, use_dictionary=texts or False
            )
            self._writers[atom] = self._stack.enter_context(writer)
        return self._writers[atom]


def _for_tfdv(column: pa.Array, kind: ColumnType) -> pa.Array:
    if kind == "bool":
        return column.cast(pa.string())
    if kind == "timestamp":
        micros = column.cast(pa.int64())
        seconds = micros.fill_null(0).to_numpy(zero_copy_only=False) // MICROS  # Also before 1970.
        return pa.array(seconds, mask=micros.is_null().to_numpy(zero_copy_only=False))
    return column.cast(pa.string()) if kind == "string" else column
