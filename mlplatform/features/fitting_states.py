"""Declared features and what was learnt, as fitted inputs and states."""

from collections.abc import Mapping
from functools import singledispatchmethod
from math import prod

from mlplatform.errors import FeatureError
from mlplatform.features.declare import (
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Elapsed,
    Embedding,
    Feature,
    Function,
    Hashed,
    Numeric,
    Text,
)
from mlplatform.features.declare.categories import MAX_IDS
from mlplatform.features.fitting_categories import vocabulary
from mlplatform.features.fitting_inputs import Learnt, Reads, numbers_of
from mlplatform.features.fitting_numbers import bucket_state, numeric_state
from mlplatform.features.inputs import (
    HashInput,
    Input,
    TextInput,
    TimeInput,
    VectorInput,
    VocabularyInput,
    columns_of,
)
from mlplatform.features.state import (
    BucketState,
    CrossState,
    FunctionState,
    IdState,
    NumericState,
    State,
    TimeState,
    WideState,
)
from mlplatform.spec.section import vector_width


class States:
    """Makes the state of one feature after another; equal inputs are shared."""

    def __init__(self, reads: Reads, learnt: Learnt) -> None:
        self._reads, self._learnt = reads, learnt
        self._places: dict[Input, int] = {}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of the features so far."""
        return tuple(self._places)

    @property
    def columns(self) -> set[str]:
        """The columns that those inputs read."""
        return {name for one in self._places for name in columns_of(one)}

    @singledispatchmethod
    def of(self, feature: Feature) -> State:
        """Return the state of a feature, other than a cross.

        Raises:
            FeatureError: If there is nothing to learn it from.
        """
        raise FeatureError(f"{feature!r} is no feature that can be fitted")

    def crossed(self, feature: Cross, sizes: Mapping[str, int]) -> CrossState:
        """Return the state of a cross of ids, of which `sizes` says by name how many there are.

        Raises:
            FeatureError: If there are too many combinations.
        """
        names = tuple(name if name in sizes else f"{name}__id" for name in feature.of)
        lost = [name for name in names if name not in sizes]
        if lost:
            raise FeatureError(
                f"feature {feature.name!r} crosses {lost[0]!r}, which is no category"
            )
        of_each = tuple(sizes[name] for name in names)
        buckets = prod(of_each) if feature.buckets is None else feature.buckets
        if buckets > MAX_IDS:
            raise FeatureError(
                f"feature {feature.name!r} has {buckets:,} combinations; {MAX_IDS:,} are possible:"
                " give buckets="
            )
        return CrossState(name=feature.name, of=names, sizes=of_each, buckets=buckets)

    def _place(self, one: Input) -> int:
        return self._places.setdefault(one, len(self._places))

    @of.register
    def _number(self, feature: Numeric | Elapsed) -> NumericState:
        (one,) = numbers_of(feature, self._reads.types)
        at = self._reads.numbers[one]
        lacking = bool(self._learnt.missing[at])
        return numeric_state(feature, self._place(one), self._learnt.values[:, at], lacking=lacking)

    @of.register
    def _bucketized(self, feature: Bucketize) -> BucketState:
        (one,) = numbers_of(feature, self._reads.types)
        at = self._reads.numbers[one]
        return bucket_state(feature, self._place(one), self._learnt.values[:, at])

    @of.register
    def _category(self, feature: Categorical) -> IdState:
        kept = vocabulary(self._learnt.counts[feature.column], feature.min_count)
        kind = self._reads.types[feature.column]
        one = VocabularyInput(column=feature.column, type=kind, vocabulary=kept)
        return IdState(name=feature.name, input=self._place(one), size=one.size)

    @of.register
    def _hashed(self, feature: Hashed) -> IdState:
        kind = self._reads.types[feature.column]
        one = HashInput(column=feature.column, type=kind, buckets=feature.buckets)
        return IdState(name=feature.name, input=self._place(one), size=one.size)

    @of.register
    def _time(self, feature: Datetime) -> TimeState:
        place = self._place(TimeInput(column=feature.column, timezone=feature.timezone))
        return TimeState(name=feature.name, input=place, parts=feature.parts, cycles=feature.cycles)

    @of.register
    def _text(self, feature: Text) -> WideState:
        one = TextInput(column=feature.column, buckets=feature.buckets, ngrams=feature.ngrams)
        return WideState(name=feature.name, input=self._place(one), width=one.width, log=True)

    @of.register
    def _embedding(self, feature: Embedding) -> WideState:
        size = vector_width(self._reads.types[feature.column])
        if size is None:
            kind = self._reads.types[feature.column]
            raise FeatureError(
                f"feature {feature.name!r} reads {feature.column!r}, which is {kind}, no vector[N]"
            )
        place = self._place(VectorInput(column=feature.column, size=size))
        return WideState(name=feature.name, input=place, width=size, log=False)

    @of.register
    def _function(self, feature: Function) -> FunctionState:
        from mlplatform.features.functions import checked, mixes_rows

        numbers = numbers_of(feature, self._reads.types)
        source = checked(feature)
        row = mixes_rows(
            feature, [self._learnt.values[:, self._reads.numbers[one]] for one in numbers]
        )
        if row is not None:
            raise FeatureError(
                f"feature {feature.name!r} mixes rows: what it says of a training row depends on the"
                " rows beside it; compute from the row alone"
            )
        places = tuple(self._place(one) for one in numbers)
        return FunctionState(name=feature.name, inputs=places, width=feature.width, source=source)
