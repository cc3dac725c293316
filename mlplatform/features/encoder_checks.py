"""Whether an encoder's parts fit each other, so that what loads also runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlplatform.errors import FeatureError
from mlplatform.features.inputs import (
    ElapsedInput,
    HashInput,
    Input,
    NumberInput,
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

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder

_TYPES: dict[type[Input], tuple[str, ...]] = {
    NumberInput: ("int64", "float64", "bool"),
    VocabularyInput: ("string", "int64", "bool"),
    HashInput: ("string", "int64"),
}
_ONE_NUMBER = (NumberInput, ElapsedInput)
_READS: dict[type[State], tuple[type[Input], ...]] = {
    NumericState: _ONE_NUMBER,
    BucketState: _ONE_NUMBER,
    IdState: (VocabularyInput, HashInput),
    TimeState: (TimeInput,),
    WideState: (TextInput, VectorInput),
    FunctionState: (NumberInput,),
}


def check(encoder: "Encoder") -> None:
    """Raise `FeatureError` naming the first input, feature or aggregate that does not fit the rest."""
    kinds: dict[str, str] = {}
    for one in encoder.inputs:
        _check_input(one)
        for column, kind in columns_of(one).items():
            if kinds.setdefault(column, kind) != kind:
                raise FeatureError(f"column {column!r} is read as {kinds[column]} and as {kind}")
    sizes = {name: size for state in encoder.states for name, size in state.ids.items()}
    for state in encoder.states:
        _check_state(state, encoder.inputs, sizes)
    _check_aggregates(encoder, kinds)


def _check_input(one: Input) -> None:
    where = f"input of column {one.column!r}"
    kind = getattr(one, "type", None)
    if kind is not None and kind not in _TYPES[type(one)]:
        raise FeatureError(f"{where}: type {kind!r}; possible: {', '.join(_TYPES[type(one)])}")
    for field in ("size", "buckets", "ngrams", "unit_seconds"):
        if not 1 <= getattr(one, field, 1) < 2**31 - 2:
            raise FeatureError(f"{where}: {field}={getattr(one, field)} is impossible")
    if isinstance(one, VocabularyInput):
        fits = _FITS[one.type]
        wrong = [text for text in one.vocabulary if not fits(text)]
        if wrong:
            raise FeatureError(f"{where}: {wrong[0][:80]!r} in its vocabulary is no {one.type}")


def _is_whole(text: str) -> bool:
    try:
        return str(int(text)) == text
    except ValueError:
        return False


_FITS: dict[str, Callable[[str], bool]] = {
    "string": lambda text: True,
    "int64": _is_whole,
    "bool": lambda text: text in ("false", "true"),
}


def _check_state(state: State, inputs: tuple[Input, ...], sizes: dict[str, int]) -> None:
    if isinstance(state, CrossState):
        if state.sizes != tuple(sizes.get(name) for name in state.of):
            raise FeatureError(f"feature {state.name!r} crosses ids that no feature has")
        return
    reads = _READS[type(state)]
    for place in state.inputs if isinstance(state, FunctionState) else (state.input,):
        if not 0 <= place < len(inputs) or not isinstance(inputs[place], reads):
            kinds = " or ".join(kind.kind for kind in reads)
            raise FeatureError(f"feature {state.name!r}: input {place} is none of kind {kinds}")
        size = getattr(inputs[place], "size", 0)
        if isinstance(state, IdState) and state.size != size:
            raise FeatureError(f"feature {state.name!r} has {state.size} ids, its input {size}")
        width = inputs[place].width
        if isinstance(state, WideState) and state.width != width:
            raise FeatureError(f"feature {state.name!r} is {state.width} wide, its input {width}")


def _check_aggregates(encoder: "Encoder", kinds: dict[str, str]) -> None:
    known = {**kinds, **dict(encoder.entities)}
    for one in encoder.aggregates:
        where = f"aggregate {one.name!r}"
        if not encoder.event_time:
            raise FeatureError(f"{where} needs event_time, the time of a row")
        if kinds.get(one.name) != "float64":
            raise FeatureError(f"{where}: no input reads it as float64")
        for column in one.row_columns:
            if column not in known:
                raise FeatureError(f"{where}: give the type of its entity {column!r} in entities")
