"""Do rows, or entities, of the test also train or validate? By 64-bit hashes, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplatform.errors import SourceError
from mlplatform.ingest.hashing import row_hashes
from mlplatform.ingest.split import PARTS, TEST
from mlplatform.measures import Example, OverlapSeen
from mlplatform.spec import PipelineSpec

Hashes = NDArray[np.uint64]
Parted = Iterable[tuple[pa.RecordBatch, pa.Array]]  # Rows, and the part that each is of.
CAP = 8_000_000  # Hashes kept: 64 MB. Beyond it a random share of the distinct ones is.
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


def overlap(read: Callable[[], Parted], spec: PipelineSpec) -> OverlapSeen:
    """Return how many test rows equal one that trains or validates, and how the label is shared out.

    `read` starts a reading of all rows with the declared columns, `source_file` and `source_line`:
    one counts, and where rows are shared a second one finds examples.

    Raises:
        SourceError: As `read` does.
    """
    rows, entities = Sides(), Sides()
    entity = spec.split.group if spec.split.by == "group" else None
    classes = {part: {"positive": 0, "other": 0} for part in PARTS}
    for batch, part in read():
        tests = np.asarray(pc.equal(part, TEST))
        rows.add(row_hashes(batch, list(spec.columns)), tests)
        if entity:
            known = np.asarray(batch[entity].is_valid())
            entities.add(row_hashes(batch, [entity])[known], tests[known])
        _count(classes, batch[spec.label.column], part, spec.label.positive)
    shared = rows.shared()
    distinct = entities.distinct_test()
    total = sum(sum(count.values()) for count in classes.values())
    return OverlapSeen(
        test_rows=sum(classes[TEST].values()),
        shared_rows=rows.test_rows_of(shared),
        entity=entity or "",
        test_entities=entities.scaled(len(distinct)),
        shared_entities=entities.scaled(len(entities.shared())),
        classes=classes,
        shares={part: sum(count.values()) / max(total, 1) for part, count in classes.items()},
        balance={
            part: count["positive"] / sum(count.values())
            for part, count in classes.items()
            if sum(count.values())
        },
        examples=_examples(read(), shared, spec) if len(shared) else (),
    )


class Sides:
    """Hashes of test rows, and of the others; of a random share of the distinct ones if many."""

    def __init__(self, cap: int = CAP) -> None:
        self._cap, self._halvings = cap, 0
        self._sides: dict[bool, list[Hashes]] = {False: [], True: []}

    def add(self, hashes: Hashes, tests: "NDArray[np.bool_]") -> None:
        """Take the hash of each of some rows, and whether it is of the test."""
        for side, kept in self._sides.items():
            kept.append(self._sampled(hashes[tests == side]))
        while sum(len(part) for kept in self._sides.values() for part in kept) > self._cap:
            self._halvings += 1
            for side, kept in self._sides.items():
                self._sides[side] = [self._sampled(np.concatenate(kept))]

    def shared(self) -> Hashes:
        """Return the distinct hashes kept that both sides have."""
        both: Hashes = np.intersect1d(self._side(test=True), self._side(test=False))
        return both

    def distinct_test(self) -> Hashes:
        """Return the distinct hashes kept of the test."""
        return np.unique(self._side(test=True))

    def test_rows_of(self, hashes: Hashes) -> int:
        """Return how many test rows have one of these hashes."""
        return self.scaled(int(np.isin(self._side(test=True), hashes).sum()))

    def scaled(self, count: int) -> int:
        """Return a count among the hashes kept as one among all."""
        return count << self._halvings

    def _side(self, *, test: bool) -> Hashes:
        kept: Hashes = np.concatenate([np.empty(0, np.uint64), *self._sides[test]])
        return kept

    def _sampled(self, hashes: Hashes) -> Hashes:
        if not self._halvings:
            return hashes
        return np.asarray(hashes[hashes >> np.uint64(64 - self._halvings) == 0])


def _count(
    classes: dict[str, dict[str, int]], label: pa.Array, part: pa.Array, positive: str
) -> None:
    is_positive = np.asarray(pc.equal(label.cast(pa.string()), positive).fill_null(False))  # noqa: FBT003 - a value
    known = np.asarray(label.is_valid())
    for name, count in classes.items():
        mine = np.asarray(pc.equal(part, name))
        count["positive"] += int((mine & is_positive).sum())
        count["other"] += int((mine & known & ~is_positive).sum())


def _examples(rows: Parted, shared: Hashes, spec: PipelineSpec) -> list[Example]:
    return list(islice(_found(rows, shared, spec), SHOWN))


def _found(rows: Parted, shared: Hashes, spec: PipelineSpec) -> Iterator[Example]:
    for batch, part in rows:
        tests = np.asarray(pc.equal(part, TEST))
        mine = np.isin(row_hashes(batch, list(spec.columns)), shared) & tests
        found = batch.select(["source_file", "source_line"]).filter(pa.array(mine))
        yield from found.slice(0, SHOWN).to_pylist()
