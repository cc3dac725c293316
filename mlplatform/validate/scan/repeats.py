"""How many rows repeat an earlier one, by 64-bit hashes, in bounded memory.

Every hash is kept while they are few. Beyond the cap only hashes below a falling threshold are: a
random sample of the distinct rows with all of their copies (Gibbons 2001, "Distinct sampling"), so
counts in the sample, scaled, are unbiased. What is kept depends on the rows alone, not their order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlplatform.validate.scan.distinct import unique

Hashes = NDArray[np.uint64]
CAP = 8_000_000  # Hashes kept: 64 MB.


@dataclass(frozen=True)
class Repeated:
    """Rows kept by atom, and distinct rows kept by the set of atoms (as bits) that have them."""

    rows: Mapping[int, int]
    distinct: Mapping[int, int]
    halvings: int = 0  # One in 2^halvings of the hashes was kept.

    def among(self, atoms: Iterable[int]) -> int:
        """Return how many rows of these atoms equal an earlier one of them."""
        wanted = list(atoms)
        bits = sum(1 << atom for atom in wanted)
        distinct = sum(count for mask, count in self.distinct.items() if mask & bits)
        return (sum(self.rows.get(atom, 0) for atom in wanted) - distinct) << self.halvings


class Repeats:
    """Hashes seen so far, by atom."""

    def __init__(self, cap: int = CAP) -> None:
        self._cap, self._halvings, self._held = cap, 0, 0
        self._seen: dict[int, list[Hashes]] = {}

    def add(self, hashes: Hashes, atom: int) -> None:
        """Take the hash of each of some rows."""
        kept = self._sampled(hashes)
        self._seen.setdefault(atom, []).append(kept)
        self._held += len(kept)
        while self._held > self._cap:
            self._halvings += 1
            self._seen = {
                atom: [self._sampled(np.concatenate(parts))] for atom, parts in self._seen.items()
            }
            self._held = sum(len(part) for parts in self._seen.values() for part in parts)

    def result(self) -> Repeated:
        """Return what was counted."""
        joined = {atom: np.concatenate(parts) for atom, parts in sorted(self._seen.items())}
        rows = {atom: len(hashes) for atom, hashes in joined.items()}
        return Repeated(rows, _by_atoms(joined), self._halvings)

    def _sampled(self, hashes: Hashes) -> Hashes:
        if not self._halvings:
            return hashes
        kept: Hashes = hashes[hashes >> np.uint64(64 - self._halvings) == 0]
        return kept


def _by_atoms(joined: Mapping[int, Hashes]) -> dict[int, int]:
    distinct = {atom: unique(hashes) for atom, hashes in joined.items()}
    if len(distinct) <= 1:
        return {1 << atom: len(hashes) for atom, hashes in distinct.items() if len(hashes)}
    hashes = np.concatenate(list(distinct.values()))
    bits = np.repeat([1 << atom for atom in distinct], [len(h) for h in distinct.values()])
    if not len(hashes):
        return {}
    order = np.argsort(hashes, kind="stable")  # Of sorted parts, which it merges.
    hashes, bits = hashes[order], bits[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    masks, counts = np.unique(np.bitwise_or.reduceat(bits, starts), return_counts=True)
    return dict(zip(masks.tolist(), counts.tolist(), strict=True))
