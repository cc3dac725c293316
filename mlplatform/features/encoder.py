"""The fitted features: raw columns to arrays. The only code that reads raw values of a row or a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features import codec
from mlplatform.features.columns import column_of, typed
from mlplatform.features.declare.aggregate import Aggregate
from mlplatform.features.encoded import Encoded
from mlplatform.features.encoder_checks import check
from mlplatform.features.inputs import INPUTS, Input, columns_of
from mlplatform.features.plan import Plan
from mlplatform.features.rows import Rows
from mlplatform.features.state import STATES, State

FORMAT = 2  # Of features.json; raised when a reader of the old form would misread the new one.
_FIELDS = ("format", "inputs", "features", "aggregates", "event_time", "entities")


@dataclass(frozen=True)
class Encoder:
    """Fitted features. Equal encoders have equal JSON, and encode equal rows to equal bits.

    Attributes:
        inputs: What encoding makes of raw columns.
        states: What the program makes of the inputs, each naming its own by their places.
        aggregates: Those whose values stand in columns of inputs, by their names.
        event_time: The timestamp column as of which aggregates are looked up; empty without any.
        entities: Name and type of the row columns that aggregates look up by and no input reads.
    """

    inputs: tuple[Input, ...]
    states: tuple[State, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    event_time: str = ""
    entities: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check(self)

    @cached_property
    def columns(self) -> dict[str, str]:
        """The columns `encode` reads and their types, aggregates' values too. Any may be null."""
        return {name: kind for one in self.inputs for name, kind in columns_of(one).items()}

    @cached_property
    def asked(self) -> dict[str, str]:
        """The columns a client is asked for: with what aggregates are looked up by, not their values."""
        names = {one.name for one in self.aggregates}
        given = {name: kind for name, kind in self.columns.items() if name not in names}
        time = {self.event_time: "timestamp"} if self.aggregates else {}
        return given | dict(self.entities) | time

    @cached_property
    def vector_names(self) -> tuple[str, ...]:
        """Names of the float features, in the order of the program's first result."""
        return tuple(name for state in self.states for name in state.vectors)

    @cached_property
    def id_names(self) -> tuple[str, ...]:
        """Names of the id features, in the order of the program's second result."""
        return tuple(name for state in self.states for name in state.ids)

    @cached_property
    def id_sizes(self) -> tuple[int, ...]:
        """How many ids each id feature has."""
        return tuple(size for state in self.states for size in state.ids.values())

    def encode(self, data: pa.Table | pa.RecordBatch) -> Encoded:
        """Return the rows of `data` as arrays. Columns that no input reads are ignored.

        Raises:
            FeatureError: Naming column, and row (counted from 0), of the first value that does not
                fit.
        """
        arrays = [typed(column_of(data, name), name, kind) for name, kind in self.columns.items()]
        return self._plan.encode(arrays, data.num_rows)

    def encode_rows(self, json_rows: Sequence[Mapping[str, Any]]) -> Encoded:
        """Return JSON rows of named columns as arrays: the bits that `encode` of their table has.

        Raises:
            FeatureError: For an unknown or missing column, or a value of another type, naming row
                and column.
        """
        return self._plan.encode(self._rows.columns(json_rows), len(json_rows))

    def to_json(self) -> bytes:
        """Return the content of `features.json`, the same bytes for an equal encoder."""
        content = {
            "format": FORMAT,
            "inputs": [codec.plain(one) for one in self.inputs],
            "features": [codec.plain(one) for one in self.states],
            "aggregates": [codec.plain_aggregate(one) for one in self.aggregates],
            "event_time": self.event_time,
            "entities": [list(pair) for pair in self.entities],
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()

    @staticmethod
    def from_json(content: bytes) -> "Encoder":
        """Return the encoder that `to_json` wrote.

        Raises:
            FeatureError: If `content` is anything else.
        """
        try:
            return _read(json.loads(content))
        except (ValueError, RecursionError) as wrong:
            raise FeatureError(f"features.json is no JSON: {wrong}") from None
        except FeatureError as wrong:
            raise FeatureError(f"features.json is not what an encoder wrote: {wrong}") from None

    @cached_property
    def _plan(self) -> Plan:
        return Plan(self.inputs, tuple(self.columns))

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.columns)


def _read(stored: Any) -> Encoder:
    if isinstance(stored, dict) and stored.get("format") != FORMAT:
        raise FeatureError(f"its format is {stored.get('format')!r}, not {FORMAT}")
    codec.require_fields(stored, _FIELDS, "it")
    lists = ("inputs", "features", "aggregates")
    wrong = [name for name in lists if not isinstance(stored[name], list)]
    if wrong or not isinstance(stored["event_time"], str):
        raise FeatureError(f"{(*wrong, 'event_time')[0]} is of another type")
    inputs, states, aggregates = (stored[name] for name in lists)
    return Encoder(
        inputs=tuple(codec.tagged(x, INPUTS, f"inputs[{k}]") for k, x in enumerate(inputs)),
        states=tuple(codec.tagged(x, STATES, f"features[{k}]") for k, x in enumerate(states)),
        aggregates=tuple(codec.aggregate(x, f"aggregates[{k}]") for k, x in enumerate(aggregates)),
        event_time=stored["event_time"],
        entities=codec.pairs(stored["entities"], "entities"),
    )
