"""What fitting reads of the training rows: numbers to sample, categories to count."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.columns import column_of
from mlplatform.features.declare import (
    Bucketize,
    Categorical,
    Elapsed,
    Feature,
    FeatureSet,
    Function,
    Numeric,
)
from mlplatform.features.declare.feature import column_name
from mlplatform.features.declare.numbers import UNITS
from mlplatform.features.encoder import Encoder
from mlplatform.features.fitting_categories import Counts, count
from mlplatform.features.fitting_numbers import Floats, Sample
from mlplatform.features.inputs import ElapsedInput, NumberInput

Number = NumberInput | ElapsedInput
ROW_ID = "row_id"


@dataclass(frozen=True)
class Reads:
    """What there is to learn from.

    Attributes:
        types: Column types by name, aggregates' values among them.
        numbers: Each number to sample, with its place in the sample.
        categories: Each column whose values are counted, with its type.
    """

    types: Mapping[str, str]
    numbers: Mapping[Number, int]
    categories: Mapping[str, str]

    @staticmethod
    def of(features: FeatureSet, types: Mapping[str, str]) -> "Reads":
        """Return what `features` learn from."""
        numbers = dict.fromkeys(
            one for each in features.features for one in numbers_of(each, types)
        )
        categories = [each.column for each in features.features if isinstance(each, Categorical)]
        return Reads(
            types, {one: k for k, one in enumerate(numbers)}, {c: types[c] for c in categories}
        )


@dataclass
class Learnt:
    """What the training rows hold.

    Attributes:
        rows: How many there are.
        values: f32[sampled rows, numbers], NaN where one is missing.
        missing: How many of all rows lack each number.
        counts: Rows by value, of each column that is counted.
    """

    rows: int
    values: Floats
    missing: np.ndarray
    counts: dict[str, Counts] = field(default_factory=dict)


def numbers_of(feature: Feature, types: Mapping[str, str]) -> list[Number]:
    """Return the inputs of a feature whose values fitting looks at, in the order of its columns."""
    if isinstance(feature, Elapsed):
        unit = UNITS[feature.unit]
        return [ElapsedInput(column=feature.column, since=feature.since, unit_seconds=unit)]
    if isinstance(feature, Numeric | Bucketize):
        names = [column_name(feature.column)]
    elif isinstance(feature, Function):
        names = [column_name(column) for column in feature.columns]
    else:
        return []
    return [NumberInput(column=name, type=types[name]) for name in names]


def learn(reads: Reads, batches: Iterable[pa.RecordBatch]) -> Learnt:
    """Return what one pass over the rows finds.

    Raises:
        FeatureError: If there are none, or a value does not fit.
    """
    sample, probe, rows = Sample(len(reads.numbers)), Encoder(tuple(reads.numbers)), 0
    counts: dict[str, Counts] = {column: Counter() for column in reads.categories}
    for batch in batches:
        sample.add(_row_ids(batch, rows), probe.encode(batch).numeric)
        for column, kind in reads.categories.items():
            count(counts[column], batch, column, kind)
        rows += batch.num_rows
    if not rows:
        raise FeatureError("no training rows to fit the features on")
    return Learnt(rows, sample.values(), sample.missing, counts)


def _row_ids(batch: pa.RecordBatch, first: int) -> np.ndarray:
    if ROW_ID in batch.schema.names:
        ids: np.ndarray = column_of(batch, ROW_ID).to_numpy(zero_copy_only=False)
        return ids.astype(np.int64, copy=False)
    return np.arange(first, first + batch.num_rows)
