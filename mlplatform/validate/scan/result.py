"""What a scan counted: atoms of rows, any of which are looked at together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np
from numpy.typing import NDArray

from mlplatform.spec.section import ColumnType
from mlplatform.validate.scan.atom import Atom
from mlplatform.validate.scan.codes import Frame
from mlplatform.validate.scan.column import ColumnView, of_categories, of_numbers, of_vectors
from mlplatform.validate.scan.plan import is_number
from mlplatform.validate.scan.repeats import Repeated

PAIRS = 2  # Dimensions of moments of pairs.


@dataclass(frozen=True)
class RowsRepeated:
    """Rows that equal an earlier row, by content or by key; `None` where that was not counted.

    Without a key, `key_repeated` is about whole rows, where their content is less.
    """

    repeated: int | None
    key_repeated: int | None
    exact: bool  # Else estimated, unbiased, from a sample of the rows' hashes.


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The counts of every atom, and the frames that all of them share.

    Attributes:
        types: Type by column.
        frames: Bins by column of numbers that had a finite value.
        atoms: Counts by atom.
        repeated: Repeats by `content`, the columns hashed; `key_repeated` by the plan's identity.
    """

    types: Mapping[str, ColumnType]
    label: str | None
    positive: str | None
    key: tuple[str, ...]
    frames: Mapping[str, Frame]
    atoms: Mapping[int, Atom]
    repeated: Repeated | None
    key_repeated: Repeated | None
    content: tuple[str, ...] = ()

    def view(self, atoms: Iterable[int] | None = None) -> "View":
        """Return the rows of these atoms together; `None`: of all. Atoms without rows are none."""
        wanted = set(self.atoms if atoms is None else atoms)
        return View(self, tuple(sorted(atom for atom in wanted if atom in self.atoms)))

    def to_bytes(self) -> bytes:
        """Return the scan as bytes; equal scans give equal bytes."""
        from mlplatform.validate.scan.store import to_bytes

        return to_bytes(self)

    @staticmethod
    def from_bytes(content: bytes) -> "Scan":
        """Return the scan that `to_bytes` wrote.

        Raises:
            CorruptionError: If these are no such bytes.
        """
        from mlplatform.validate.scan.store import from_bytes

        return from_bytes(content)


class View:
    """Some atoms of a scan as one body of rows."""

    def __init__(self, scan: Scan, atoms: tuple[int, ...]) -> None:
        self.scan, self.atoms = scan, atoms

    @cached_property
    def _atom(self) -> Atom | None:
        found = [self.scan.atoms[atom] for atom in self.atoms]
        return reduce(Atom.merge, found) if found else None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._atom.rows if self._atom else 0

    @cached_property
    def columns(self) -> dict[str, ColumnView]:
        """Every column, in order; none when there are no rows."""
        return {name: self._column(name) for name in self.scan.types} if self._atom else {}

    @property
    def label_counts(self) -> dict[str, int]:
        """Rows by class of the label, by its text; missing labels are left out."""
        if self._atom is None or self.scan.label is None:
            return {}
        label = self._atom.label
        return dict(zip(label.values.to_pylist(), label.counts.sum(0).tolist(), strict=True))

    @property
    def duplicates(self) -> RowsRepeated:
        """Rows that equal an earlier one of these."""
        whole, key = self.scan.repeated, self.scan.key_repeated
        return RowsRepeated(
            whole.among(self.atoms) if whole else None,
            key.among(self.atoms) if key else None,
            exact=not any(part.halvings for part in (whole, key) if part),
        )

    def correlations(self) -> tuple[tuple[str, ...], "NDArray[np.float64]"]:
        """Return names of m columns, and Pearson's r of each pair, float64[m, m].

        Columns of numbers, and the label as 0 or 1, over the rows where both have a finite value;
        NaN where a column does not vary there, or there are fewer than two rows.
        """
        names = self.correlated
        if self._atom is None or not names:
            return names, np.full((len(names), len(names)), np.nan)
        chosen = [row for row, name in enumerate(self._names) if name in names]
        moments = self._atom.moments
        with np.errstate(all="ignore"):
            spread = np.sqrt(moments.square) * np.sqrt(moments.square.T)
            r = np.where(spread > 0, moments.cross / spread, np.nan)
        return names, np.clip(r, -1, 1)[np.ix_(chosen, chosen)]

    @property
    def correlated(self) -> tuple[str, ...]:
        """Names of the columns that `correlations` is about."""
        if self._atom is None or self._atom.moments.rows.ndim != PAIRS:
            return ()
        numbers = self._names[: -1 if self.scan.label else None]
        names = [name for name in numbers if name != self.scan.label]
        return (*names, self.scan.label) if self.scan.label else tuple(names)

    def pair_rows(self) -> "NDArray[np.float64]":
        """float64[m, m]: rows where both columns of `correlations` have a finite value."""
        chosen = [row for row, name in enumerate(self._names) if name in self.correlated]
        rows = self._atom.moments.rows if self._atom else np.zeros((0, 0))
        return rows[np.ix_(chosen, chosen)]

    @property
    def _names(self) -> list[str]:
        numbers = [name for name, type_ in self.scan.types.items() if is_number(type_)]
        return [*numbers, self.scan.label] if self.scan.label else numbers

    def _column(self, name: str) -> ColumnView:
        atom, type_ = self._atom, self.scan.types[name]
        assert atom is not None  # noqa: S101 - only asked of views with rows
        if not is_number(type_):
            if name in atom.vectors:
                return of_vectors(type_, atom.rows, atom.vectors[name])
            return of_categories(type_, atom.rows, atom.categories[name])
        row = self._names.index(name)
        moments = atom.moments
        place = (row, row) if moments.rows.ndim == PAIRS else (row, 0, 0)
        own = (moments.rows[place], moments.mean[place], moments.square[place])
        frame = self.scan.frames.get(name, Frame(0.0))
        return of_numbers(type_, atom.rows, atom.numbers[name], frame, own)
