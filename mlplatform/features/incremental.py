"""The `features` table made anew, or only its new rows where the older ones cannot have changed.

Rows are unchanged when what computes them is (feature code, spec, libraries, fitted state: the asset
says so by `terms` and `state`) and what they are computed from is: the raw columns read, labels and
weights, the parts and the aggregates' values of the version before are compared with those of now, bit by bit.
Reading both costs a fraction of computing, and is true whatever happened to the source meanwhile.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError, LakeError, SourceError
from mlplatform.features import labels as of_label
from mlplatform.features.batch_function import BatchFunction
from mlplatform.features.engine import Engine, Local
from mlplatform.features.statistics import Statistics
from mlplatform.features.table import PART, Batches, build, reads
from mlplatform.features.table_rows import ROW_ID, aligned, first_rows, skipped
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.lake import Lake, Version

TERMS, STATE, STATISTICS = "terms", "state", "statistics"  # Facts of a features version.
FILE = "statistics.json"  # Of the artifact that the last one names.


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The versions that a features version is made of; `aggregates` where features read some."""

    dataset: "Version"
    split: "Version"
    aggregates: "Version | None" = None


@dataclass(frozen=True)
class Rows:
    """Rows for the `features` table.

    Attributes:
        reader: The rows; they are computed as they are read.
        statistics: Of the whole table, once all is read.
        added_to: The version they go behind, or None if they are the whole table.
    """

    reader: pa.RecordBatchReader
    statistics: Statistics
    added_to: "Version | None"


def kept_state(previous: "Version | None", terms: str) -> str | None:
    """Return the state's artifact of a version made on the same terms: what `refit: never` goes on with."""
    if previous is None or previous.lineage.facts.get(TERMS) != terms:
        return None
    return previous.lineage.facts.get(STATE)


def rows(
    pipeline: Pipeline,
    lake: "Lake",
    function: BatchFunction,
    inputs: Inputs,
    *,
    previous: "Version | None" = None,
    engine: Engine | None = None,
) -> Rows:
    """Return the rows to append to `previous` if all of its rows are unchanged, else all rows.

    Args:
        pipeline: Says what the label is, and what rows weigh.
        lake: Where the versions are.
        function: The batch function of the fitted state.
        inputs: What to compute the table from.
        previous: The newest features version, if it was made on the same terms with the same state.
        engine: What maps the rows; by default this process.

    Raises:
        FeatureError: As `table.build` does.
    """
    mapper, first, statistics = engine or Local(), 0, Statistics()
    if previous is not None and not _unchanged(pipeline, lake, function, inputs, previous):
        previous = None
    if previous is not None:
        first, statistics = previous.rows, statistics_of(lake, previous)
    columns = reads(pipeline, function, mapper)
    dataset = lake.table(inputs.dataset.table)
    reader = build(
        pipeline, function.encoder, function.program,
        skipped(dataset.batches(inputs.dataset, columns=columns, dictionaries=True), first),
        skipped(_parts(lake, inputs.split), first), function.lookup, mapper,
        first_row=first, statistics=statistics,
    )  # fmt: skip
    return Rows(reader, statistics, previous)


def statistics_of(lake: "Lake", features: "Version") -> Statistics:
    """Return the statistics that a features version names, none if it names none.

    Raises:
        LakeError: If the artifact is missing or damaged.
    """
    name = features.lineage.facts.get(STATISTICS)
    return Statistics.from_json(lake.artifacts.open(name).read(FILE)) if name else Statistics()


def same_start(old: Batches, new: Batches, rows: int) -> bool:
    """Tell whether the first `rows` rows of `new` are those of `old`: the same columns, values and bits."""
    try:
        pairs = aligned(old, first_rows(new, rows), "other rows")
        return all(
            one.schema.names == other.schema.names and all(map(_equal, one.columns, other.columns))
            for one, other in pairs
        )
    except SourceError:
        return False


def _unchanged(
    pipeline: Pipeline, lake: "Lake", function: BatchFunction, inputs: Inputs, previous: "Version"
) -> bool:
    """Tell whether the rows of `previous` would be computed from the same values, in the same order."""
    count = previous.rows
    try:
        looked_up = inputs.aggregates if function.lookup else None
        before = Inputs(
            dataset=_read(lake, previous, inputs.dataset),
            split=_read(lake, previous, inputs.split),
            aggregates=_read(lake, previous, looked_up) if looked_up else None,
        )
        if before.dataset.rows != count or inputs.dataset.rows < count:
            return False
        old, new = _parts(lake, before.split), _parts(lake, inputs.split)
        raw = _raw(pipeline, lake, function, before, inputs)
        return same_start(old, new, count) and same_start(*raw, count)
    except (LakeError, FeatureError):  # What it was made of is gone, damaged, or of another kind.
        return False


def _read(lake: "Lake", made: "Version", now: "Version") -> "Version":
    """Return the version of `now`'s table that `made` was made from.

    Raises:
        LakeError: If it names none, or the table holds another one under its number.
    """
    reference = made.lineage.inputs.get(now.table)
    if reference is None:
        raise LakeError(f"{made.table} {made.reference} was not made from {now.table}")
    version = lake.table(now.table).version(int(reference.partition(":")[0]))
    if version.reference != reference:
        raise LakeError(f"{now.table} holds {version.reference}, not {reference}")
    return version


def _raw(
    pipeline: Pipeline, lake: "Lake", function: BatchFunction, before: Inputs, now: Inputs
) -> tuple[Batches, Batches]:
    """Return what features before and now are computed from: columns, and aggregates that may differ."""
    columns = list(dict.fromkeys([ROW_ID, *of_label.reads(pipeline.spec.label), *function.reads]))
    old, new = (
        lake.table(of.dataset.table).batches(of.dataset, columns=columns, dictionaries=True)
        for of in (before, now)
    )
    lookup = function.lookup
    if lookup is None or before.aggregates is None or before.aggregates == now.aggregates:
        return old, new
    earlier = lookup.read(lake, before.aggregates, lookup.aggregates, lookup.event_time)
    return map(earlier.fill, old), map(lookup.fill, new)


def _parts(lake: "Lake", split: "Version") -> Batches:
    return lake.table(split.table).batches(split, columns=[ROW_ID, PART], dictionaries=True)


def _equal(one: pa.Array, other: pa.Array) -> bool:
    if pa.types.is_dictionary(one.type) and pa.types.is_dictionary(other.type):
        if one.equals(other):
            return True
        one, other = one.dictionary_decode(), other.dictionary_decode()
    if one.type != other.type or len(one) != len(other) or one.null_count != other.null_count:
        return False
    if pa.types.is_list(one.type):
        lengths = [pc.list_value_length(column) for column in (one, other)]
        return bool(lengths[0].equals(lengths[1])) and _equal(one.flatten(), other.flatten())
    if pa.types.is_floating(one.type):  # -0.0 equals 0.0, and has other bits.
        bits = pa.int64() if one.type == pa.float64() else pa.int32()
        one, other = one.view(bits), other.view(bits)
    return bool(one.equals(other))
