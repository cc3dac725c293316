"""Do rows, or entities, of the test also train or validate? By 64-bit hashes, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import SourceError
from mlplatform.ingest.hashing import again, bits_of, row_hashes
from mlplatform.ingest.split import TEST
from mlplatform.measures import Example, OverlapSeen
from mlplatform.spec import PipelineSpec
from mlplatform.validate.label_counts import LabelCounts
from mlplatform.validate.scan.plan import content_of

Hashes = NDArray[np.uint64]
Parted = Iterable[tuple[pa.RecordBatch, pa.Array]]  # Rows, and the part that each is of.
CAP = 8_000_000  # Hashes kept: 64 MB. Beyond it a random share of the distinct ones is.
SEED = bits_of("sample of the distinct rows")  # No split is dealt by it.
SHOWN = 5  # Test rows shown that also train or validate.


def parted(dataset: Iterable[pa.RecordBatch], split: Iterable[pa.RecordBatch]) -> Parted:
    """Yield rows with the parts the split gives them, however the two are cut into batches.

    Both need `row_id`, `split` also `part`.

    Raises:
        SourceError: If the split is not about these rows in this order.
    """
    left = pa.table({"row_id": pa.array([], pa.int64()), "part": pa.array([], pa.string())})
    rest = iter(split)
    for batch in dataset:
        while left.num_rows < batch.num_rows:
            more = next(rest, None)
            if more is None:
                break
            left = pa.concat_tables([left, pa.table(more).select(["row_id", "part"])])
        mine, left = left.slice(0, batch.num_rows), left.slice(batch.num_rows)
        if mine["row_id"].combine_chunks() != batch["row_id"]:
            raise _other_rows()
        yield batch, mine["part"].combine_chunks()
    if left.num_rows or next(rest, None) is not None:
        raise _other_rows()


def _other_rows() -> SourceError:
    return SourceError("the split is not about the rows of this dataset; materialise it again")


def overlap(read: Callable[[], Parted], spec: PipelineSpec, cap: int = CAP) -> OverlapSeen:
    """Return how many test rows equal one that trains or validates, and how the label is shared out.

    `read` starts a reading of all rows with the declared columns, `source_file` and `source_line`:
    one counts, and where rows are shared a second one finds examples. `cap` bounds the hashes kept
    of each kind.

    Rows are compared whole, and by what they hold besides key and unused columns: a test row under
    a fresh key still trains. The latter may be equal by nature. The chance that a row drawn like
    those that train equals one of them is the share of these that are not the only one of their
    content (Good 1953, Biometrika 40:237); `content_by_chance` is that share.

    Raises:
        SourceError: As `read` does.
    """
    columns = list(spec.columns)
    content = list(content_of(columns, spec.key, spec.unused))
    rows, contents, entities = Sides(cap), Sides(cap), Sides(cap)
    entity = spec.split.group if spec.split.by == "group" else None
    labels = LabelCounts(spec.label)
    others = 0
    for batch, part in read():
        tests = np.asarray(pc.equal(part, TEST))
        others += int((~tests).sum())
        rows.add(row_hashes(batch, columns), tests)
        if len(content) < len(columns):
            contents.add(row_hashes(batch, content), tests)
        if entity:
            known = np.asarray(batch[entity].is_valid())
            entities.add(row_hashes(batch, [entity])[known], tests[known])
        labels.add(batch[spec.label.column], part)
    shared, alike = rows.shared(), contents.shared()
    distinct = entities.distinct_test()
    total = sum(labels.rows.values())
    meant = (alike, content) if len(alike) and not len(shared) else (shared, columns)
    return OverlapSeen(
        test_rows=labels.rows[TEST],
        shared_rows=rows.test_rows_of(shared),
        entity=entity or "",
        test_entities=entities.scaled(len(distinct)),
        shared_entities=entities.scaled(len(entities.shared())),
        content_shared=contents.test_rows_of(alike) if len(content) < len(columns) else None,
        content_by_chance=contents.met_by_chance(),
        training_rows=others,
        classes={part: dict(count) for part, count in labels.classes.items()},
        expected_classes=labels.expected,
        shares={part: rows / max(total, 1) for part, rows in labels.rows.items()},
        balance=labels.balance,
        examples=_examples(read(), *meant) if len(meant[0]) else (),
    )


class Side:
    """Distinct hashes of one side, with the rows that have each, and hashes not yet sorted in."""

    def __init__(self) -> None:
        self.hashes, self.rows = np.empty(0, np.uint64), np.empty(0, np.int64)
        self.waiting: list[Hashes] = []

    @property
    def held(self) -> int:
        """How many hashes there are."""
        return len(self.hashes) + sum(map(len, self.waiting))

    def settle(self) -> None:
        """Sort in what waits."""
        if not self.waiting:
            return
        fresh, rows = np.unique(np.concatenate(self.waiting), return_counts=True)
        self.waiting = []
        self.hashes, place = np.unique(np.concatenate([self.hashes, fresh]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.rows, rows]), len(self.hashes))
        self.rows = counts.astype(np.int64)

    def sample(self, halvings: int) -> None:
        """Keep one in 2^halvings of the distinct hashes."""
        kept = sampled(self.hashes, halvings)
        self.hashes, self.rows = self.hashes[kept], self.rows[kept]


def sampled(hashes: Hashes, halvings: int) -> "NDArray[np.bool_]":
    """Return which hashes are of a random sample of one in 2^halvings of the distinct ones.

    Drawn by another hash of these: splits, too, deal rows and entities by theirs.
    """
    if not halvings:
        return np.ones(len(hashes), bool)
    return np.asarray(again(hashes ^ SEED) >> np.uint64(64 - halvings) == 0)


class Sides:
    """Hashes of test rows, and of the others: all distinct ones, or a random sample if many.

    Counts within a sample, scaled, are unbiased. Between two sortings up to `cap` hashes are held;
    of distinct ones half as many, each with its count of rows.
    """

    def __init__(self, cap: int = CAP) -> None:
        self._cap, self._halvings = cap, 0
        self._test, self._other = Side(), Side()

    def add(self, hashes: Hashes, tests: "NDArray[np.bool_]") -> None:
        """Take the hash of each of some rows, and whether it is of the test."""
        kept = sampled(hashes, self._halvings)
        self._test.waiting.append(hashes[kept & tests])
        self._other.waiting.append(hashes[kept & ~tests])
        if self.held > self._cap:
            self._settle()
            while self.held > self._cap // 2:
                self._halvings += 1
                for side in (self._test, self._other):
                    side.sample(self._halvings)

    @property
    def held(self) -> int:
        """How many hashes are kept."""
        return self._test.held + self._other.held

    def shared(self) -> Hashes:
        """Return the distinct hashes kept that both sides have."""
        self._settle()
        both: Hashes = np.intersect1d(self._test.hashes, self._other.hashes, assume_unique=True)
        return both

    def distinct_test(self) -> Hashes:
        """Return the distinct hashes kept of the test."""
        self._settle()
        return self._test.hashes

    def test_rows_of(self, hashes: Hashes) -> int:
        """Return how many test rows have one of these hashes."""
        self._settle()
        return self.scaled(int(self._test.rows[np.isin(self._test.hashes, hashes)].sum()))

    def met_by_chance(self) -> float:
        """Return the share of the rows that are not of the test whose hash another one of them has."""
        self._settle()
        rows = self._other.rows
        return float(rows[rows > 1].sum() / rows.sum()) if len(rows) else 0.0

    def scaled(self, count: int) -> int:
        """Return a count among the hashes kept as one among all."""
        return count << self._halvings

    def _settle(self) -> None:
        self._test.settle()
        self._other.settle()


def _examples(rows: Parted, shared: Hashes, columns: list[str]) -> list[Example]:
    return list(islice(_found(rows, shared, columns), SHOWN))


def _found(rows: Parted, shared: Hashes, columns: list[str]) -> Iterator[Example]:
    for batch, part in rows:
        tests = np.asarray(pc.equal(part, TEST))
        mine = np.isin(row_hashes(batch, columns), shared) & tests
        found = batch.select(["source_file", "source_line"]).filter(pa.array(mine))
        yield from found.slice(0, SHOWN).to_pylist()
