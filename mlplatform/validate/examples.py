"""A few rows that show why a gate failed: one more reading, of the columns meant, only on failure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.ingest.hashing import row_hashes
from mlplatform.measures import DataMeasured, Example
from mlplatform.spec import PipelineSpec
from mlplatform.validate.overlap import CAP, sampled
from mlplatform.validate.scan import View
from mlplatform.validate.scan.plan import content_of
from mlplatform.validate.sensitive import personal, shown
from mlplatform.verdict import Verdict

ORIGIN = ("source_file", "source_line")
LIMIT = 5  # Rows a gate shows.
CLOCK_SKEW = timedelta(days=1)  # As of the freshness gate.
MICROSECOND = timedelta(microseconds=1)
Mask = Callable[[pa.RecordBatch], "np.ndarray[Any, np.dtype[np.bool_]]"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Rows that show one breach: which they are, and which columns of them to show."""

    gate: str
    columns: tuple[str, ...]
    mask: Mask


def examples(
    batches: Iterable[pa.RecordBatch], wanted: Sequence[Wanted], limit: int = LIMIT
) -> dict[str, list[Example]]:
    """Return up to `limit` rows by gate, and stop reading once every breach has one and all are full.

    Batches need `source_file`, `source_line` and the columns of `wanted`. What looks like personal
    data is masked.
    """
    found: dict[int, list[Example]] = {place: [] for place in range(len(wanted))}
    for batch in batches if wanted else ():
        for place, one in enumerate(wanted):
            left = limit - len(found[place])
            if left > 0:
                rows = np.flatnonzero(one.mask(batch))[:left]
                picked = batch.select([*ORIGIN, *one.columns]).take(pa.array(rows))
                found[place] += [_shown(row) for row in picked.to_pylist()]
        if all(len(rows) >= limit for rows in found.values()):
            break
    by_gate: dict[str, list[list[Example]]] = {}
    for place, taken in found.items():
        by_gate.setdefault(wanted[place].gate, []).append(taken)
    turns = {gate: _in_turn(parts, limit) for gate, parts in by_gate.items()}
    return {gate: taken for gate, taken in turns.items() if taken}


def _in_turn(parts: Sequence[Sequence[Example]], limit: int) -> list[Example]:
    """The first row of each breach, then the second of each, up to the limit."""
    longest = max(map(len, parts))
    rows = [part[n] for n in range(longest) for part in parts if n < len(part)]
    return rows[:limit]


def _shown(row: Mapping[str, Any]) -> Example:
    return {name: value if name in ORIGIN else shown(value) for name, value in row.items()}


def wanted_of(
    verdicts: Iterable[Verdict],
    m: DataMeasured,
    spec: PipelineSpec,
    reference: View | None,
    now: datetime,
) -> list[Wanted]:
    """Return which rows show the breaches of the verdicts that failed, where rows can show them."""
    found: list[Wanted] = []
    for verdict in verdicts:
        make = MAKERS.get(verdict.gate)
        if make is not None and not verdict.passed:
            breaches = verdict.evidence.get("columns", ())
            columns = dict.fromkeys(c["column"] for c in breaches if c.get("broken"))
            known = [name for name in columns if name in spec.columns]
            broken = frozenset(c["measure"] for c in breaches if c.get("broken"))
            case = Case(verdict.gate, m, spec, reference, now, broken)
            found += make(case, known)
    return found


@dataclass(frozen=True)
class Case:
    """What the rows of one failed gate are found by."""

    gate: str
    m: DataMeasured
    spec: PipelineSpec
    reference: View | None
    now: datetime
    broken: frozenset[str]  # What the gate measured and refused, in its words.

    def want(self, mask: Mask, *columns: str) -> Wanted:
        """Return the wish for these rows, and columns."""
        return Wanted(gate=self.gate, columns=columns, mask=mask)


def _missing(case: Case, names: Sequence[str]) -> list[Wanted]:
    return [case.want(lambda b, n=name: _null(b, n), name) for name in names]  # type: ignore[misc]  # Bound early.


def _outside(case: Case, names: Sequence[str]) -> list[Wanted]:
    """Beyond declared limits where there are some, else beyond what the reference had."""
    policy, found = case.spec.data_gates.value_ranges, []
    for seen in case.m.ranges or ():
        if seen.column not in names:
            continue
        if seen.column in policy.domains:
            known = policy.domains[seen.column]
            found.append(case.want(_not_among(seen.column, known), seen.column))
            continue
        least, most = policy.columns.get(seen.column, (None, None))
        if not seen.outside:
            least, most = seen.reference_least, seen.reference_most
        found.append(case.want(_beyond(seen.column, least, most), seen.column))
    return found


def _far(case: Case, names: Sequence[str]) -> list[Wanted]:
    reach = case.spec.data_gates.outliers.max_z
    return [
        case.want(
            _beyond(seen.column, seen.median - reach * dev, seen.median + reach * dev), seen.column
        )
        for seen in case.m.outliers or ()
        if seen.column in names and seen.median is not None and (dev := seen.deviation) is not None
    ]


def _strange(case: Case, names: Sequence[str]) -> list[Wanted]:
    """Values that the reference does not have, of categories that it has counted whole."""
    columns = case.reference.columns if case.reference else {}
    return [
        case.want(_not_among(name, list(columns[name].counts)), name)
        for name in names
        if name in columns and columns[name].histogram is None and not columns[name].other
    ]


def _anomalous(case: Case, _: Sequence[str]) -> list[Wanted]:
    names = dict.fromkeys(anomaly.column for anomaly in case.m.anomalies or ())
    return _strange(case, [name for name in names if name in case.spec.columns])


def _private(case: Case, names: Sequence[str]) -> list[Wanted]:
    return [case.want(lambda b, n=name: _personal(b, n), name) for name in names]  # type: ignore[misc]  # Bound early.


def _future(case: Case, _: Sequence[str]) -> list[Wanted]:
    name = case.spec.event_time
    if not name:
        return []
    limit = pa.scalar(case.now + CLOCK_SKEW, pa.timestamp("us", tz="UTC"))
    return [case.want(lambda b: _true(pc.greater(b[name], limit)), name)]


def _repeats(case: Case, _: Sequence[str]) -> list[Wanted]:
    """Rows that an earlier row of the same reading equals: by key, by content, or whole."""
    spec = case.spec
    columns = tuple(spec.columns)
    content = content_of(columns, spec.key, spec.unused)
    found = []
    if any("whose key" in measure for measure in case.broken):
        found.append(case.want(_seen_before(spec.key), *spec.key))
    rows = {measure for measure in case.broken if "equal to an earlier one" in measure}
    alike = {measure for measure in rows if measure.endswith("but for key and unused columns")}
    if rows:  # Whole ones where these are too many: others are alike by nature.
        found.append(case.want(_seen_before(content if rows == alike else columns)))
    return found


MAKERS: Mapping[str, Callable[[Case, Sequence[str]], list[Wanted]]] = {
    "data_schema": _anomalous,
    "freshness": _future,
    "missing_values": _missing,
    "duplicates": _repeats,
    "value_ranges": _outside,
    "outliers": _far,
    "distribution": _strange,
    "sensitive_data": _private,
}


def _null(batch: pa.RecordBatch, name: str) -> np.ndarray:
    return np.asarray(pc.is_null(batch[name], nan_is_null=True))


def _beyond(name: str, least: float | None, most: float | None) -> Mask:
    def mask(batch: pa.RecordBatch) -> np.ndarray:
        column = batch[name]
        if pa.types.is_timestamp(column.type):
            column = column.view(pa.int64())
        values = np.asarray(column.cast(pa.float64()).fill_null(np.nan))
        low = -np.inf if least is None else least
        high = np.inf if most is None else most
        return np.asarray((values < low) | (values > high) | np.isinf(values))

    return mask


def _not_among(name: str, known: Sequence[str]) -> Mask:
    values = pa.array(known, pa.string())

    def mask(batch: pa.RecordBatch) -> np.ndarray:
        texts = batch[name].cast(pa.string())
        return np.asarray(pc.and_not(texts.is_valid(), pc.is_in(texts, value_set=values)))

    return mask


def _personal(batch: pa.RecordBatch, name: str) -> np.ndarray:
    distinct = batch[name].dictionary_encode()
    held = np.array([personal(value) for value in distinct.dictionary.to_pylist()] + [False])
    return np.asarray(held[np.asarray(distinct.indices.fill_null(len(held) - 1))])


def _seen_before(columns: Sequence[str], cap: int = CAP) -> Mask:
    """Remembers the rows of every batch it was given, or a random sample of the distinct ones."""
    seen = Before(cap)
    return lambda batch: seen.add(row_hashes(batch, list(columns)))


class Before:
    """Distinct hashes given so far: sorted runs, each more than twice as long as the next.

    Beyond `cap` a random sample of them: then of rows that come again only those sampled are told.
    """

    def __init__(self, cap: int = CAP) -> None:
        self._cap, self._halvings = cap, 0
        self._runs: list[np.ndarray] = []

    @property
    def held(self) -> int:
        """How many hashes are kept."""
        return sum(map(len, self._runs))

    def add(self, hashes: np.ndarray) -> np.ndarray:
        """Take a hash a row, and return bool[rows]: whether the row is known to come again."""
        kept = sampled(hashes, self._halvings)
        fresh, first, place = np.unique(hashes, return_index=True, return_inverse=True)
        known = np.zeros(len(fresh), bool)
        for run in self._runs:
            known |= run[np.minimum(np.searchsorted(run, fresh), len(run) - 1)] == fresh
        again = known[place] | (np.arange(len(hashes)) != first[place])
        self._keep(fresh[~known & kept[first]])
        return np.asarray(again)

    def _keep(self, fresh: np.ndarray) -> None:
        if len(fresh):
            self._runs.append(fresh)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            self._runs[-2:] = [np.sort(np.concatenate(self._runs[-2:]))]
        while self.held > self._cap:
            self._halvings += 1
            runs = [run[sampled(run, self._halvings)] for run in self._runs]
            self._runs = [run for run in runs if len(run)]


def _true(column: pa.Array) -> np.ndarray:
    return np.asarray(column.fill_null(False))  # noqa: FBT003 - a value
