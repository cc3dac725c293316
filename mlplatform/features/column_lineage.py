"""Which columns each column of `features` is computed from: a pure function of the fitted features."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlplatform.features.inputs import columns_of
from mlplatform.features.state import CrossState, FunctionState
from mlplatform.spec.label import Label

if TYPE_CHECKING:
    from mlplatform.features.encoder import Encoder
    from mlplatform.features.state import State

Source = tuple[str, str]  # Asset of the same pipeline, and its column.
VALUE = "value"  # Of `aggregates`: `mlplatform.features.aggregates.changes.SCHEMA`.


def column_lineage(encoder: "Encoder", label: Label) -> dict[str, list[Source]]:
    """Return, for each column of `features` in its order, asset and column of each it is computed from.

    An aggregate's value comes from `aggregates`, looked up by columns of the row and its time.
    """
    found: dict[str, list[Source]] = {
        "row_id": [("dataset", "row_id")],
        "part": [("split", "part")],
        "label": [("dataset", label.column)],
    }
    if label.weight:
        found["weight"] = [("dataset", label.weight)]
    behind = {name: list(_behind(encoder, state)) for state in encoder.states for name in state.ids}
    behind |= {name: list(_behind(encoder, s)) for s in encoder.states for name in s.vectors}
    names = (*encoder.vector_names, *encoder.id_names)
    return found | {name: list(dict.fromkeys(behind[name])) for name in names}


def _behind(encoder: "Encoder", state: "State") -> Iterator[Source]:
    if isinstance(state, CrossState):
        for other in encoder.states:
            if set(other.ids) & set(state.of):
                yield from _behind(encoder, other)
        return
    places = state.inputs if isinstance(state, FunctionState) else (state.input,)
    aggregates = {one.name: one for one in encoder.aggregates}
    for place in places:
        for column in columns_of(encoder.inputs[place]):
            if column not in aggregates:
                yield ("dataset", column)
                continue
            yield ("aggregates", VALUE)
            for key in (*aggregates[column].row_columns, encoder.event_time):
                yield ("dataset", key)
