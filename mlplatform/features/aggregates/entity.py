"""An entity as text: the JSON array of its parts, such as `["N14228"]` or `["EWR",7]`."""

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.columns import column_of, kind_of

KINDS = ("string", "int64", "bool")  # Column types that equal entities write equally.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def texts(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.Array:
    """Return the entity of each row, of type string; null where a part is missing.

    Raises:
        FeatureError: If a column is missing or of a type that is no entity.
    """
    if not columns:
        return pa.repeat("[]", batch.num_rows)
    parts = [_part(batch, name) for name in columns]
    return pc.binary_join_element_wise("[", pc.binary_join_element_wise(*parts, ","), "]", "")


def text_of(parts: Sequence[str | int | bool]) -> str:
    """Return one entity, as `texts` writes it."""
    return _json(parts)


def _part(batch: pa.RecordBatch, name: str) -> pa.Array:
    values = column_of(batch, name)
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    if kind_of(coded.type.value_type) not in KINDS:
        raise FeatureError(
            f"column {name!r} holds {values.type}; an entity is of {', '.join(KINDS)}"
        )
    distinct = [None if value is None else _json(value) for value in coded.dictionary.to_pylist()]
    return pa.array(distinct, pa.string()).take(coded.indices)
