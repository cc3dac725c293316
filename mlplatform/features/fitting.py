"""Learns what features need from the training rows, in one streaming pass: medians, quantiles, vocabularies."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features.declare import Cross, FeatureSet
from mlplatform.features.encoder import Encoder
from mlplatform.features.fitting_inputs import Reads, learn
from mlplatform.features.fitting_states import States

Types = Mapping[str, str]


def fit(
    features: FeatureSet,
    batches: Iterable[pa.RecordBatch],
    spec_columns: Types,
    event_time: str = "",
) -> Encoder:
    """Return the encoder of `features` for the training rows; their order makes no difference.

    Memory does not grow with the rows: of more than a million, numbers are learnt from a sample of
    that many. Vocabularies count all.

    Args:
        features: As declared.
        batches: Training rows, and no others. A column `row_id`, where there is one, numbers them;
            else their order does, and then decides which of more than a million are sampled.
            Values of aggregates stand in float64 columns of their names.
        spec_columns: Column types by name, as the spec has them.
        event_time: The timestamp column as of which aggregates are looked up.

    Raises:
        FeatureError: If there are no rows, a column is unknown, missing or of another type, a value
            does not fit, or a feature has nothing to learn from.
        SpecError: If a function is not pure.
    """
    types = {**spec_columns, **{one.name: "float64" for one in features.aggregates}}
    for each in features.features:
        for column in each.reads:
            if column not in types:
                known = ", ".join(types)
                raise FeatureError(
                    f"feature {each.name!r} reads {column!r}, which is no column; columns: {known}"
                )
    reads = Reads.of(features, types)
    states = States(reads, learn(reads, batches))
    plain = {e.name: states.of(e) for e in features.features if not isinstance(e, Cross)}
    sizes = {name: size for state in plain.values() for name, size in state.ids.items()}
    return Encoder(
        inputs=states.inputs,
        states=tuple(
            states.crossed(each, sizes) if isinstance(each, Cross) else plain[each.name]
            for each in features.features
        ),
        aggregates=features.aggregates,
        event_time=event_time if features.aggregates else "",
        entities=_entities(features, types, states),
    )


def _entities(features: FeatureSet, types: Types, states: States) -> tuple[tuple[str, str], ...]:
    """Return name and type of the columns that aggregates look up by and no feature reads."""
    by = dict.fromkeys(name for one in features.aggregates for name in one.row_columns)
    read = states.columns
    lost = [name for name in by if name not in types]
    if lost:
        raise FeatureError(f"an aggregate looks up by {lost[0]!r}, which is no column")
    return tuple((name, types[name]) for name in by if name not in read)
