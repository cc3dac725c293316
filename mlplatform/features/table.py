"""The `features` table: one row a data row, one column a transformed feature, made by the program's own code."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlplatform.errors import FeatureError
from mlplatform.features.buckets import in_buckets
from mlplatform.features.encoder import Encoded, Encoder
from mlplatform.features.load import load_feature_set
from mlplatform.ingest.split import TRAIN, parts, rows_of
from mlplatform.spec import Pipeline


def training_rows(dataset: pa.Table, split: pa.Table) -> pa.Table:
    """Return the rows of `dataset` that `split` gives to training: what features may be fitted on.

    Raises:
        FeatureError: If the two are not about the same rows in the same order.
    """
    return rows_of(TRAIN, dataset, split)


def fit_and_build(
    pipeline: Pipeline, dataset: pa.Table, split: pa.Table
) -> tuple[Encoder, pa.Table]:
    """Return the pipeline's features fitted on its training rows, and the table of all rows.

    Raises:
        SpecError: If the pipeline's features file is wrong.
        FeatureError: As `training_rows`, `FeatureSet.fit` and `build` do.
    """
    encoder = load_feature_set(pipeline).fit(training_rows(dataset, split))
    return encoder, build(pipeline, encoder, dataset, split)


def build(pipeline: Pipeline, encoder: Encoder, dataset: pa.Table, split: pa.Table) -> pa.Table:
    """Return row_id, part, label (int8, 1 = positive), and `encoder`'s vectors (f32) and ids (i32).

    Raises:
        FeatureError: If `split` is not about the rows of `dataset`, a label is missing, or a
            value does not fit.
    """
    part = parts(dataset, split)
    label = _label(pipeline, dataset)
    encoded = encoder.encode(dataset)
    floats = np.ascontiguousarray(vectors(encoder, encoded).T)
    ids = np.ascontiguousarray(encoded.categorical.T)
    columns = {"row_id": dataset.column("row_id"), "part": part, "label": label}
    columns |= {name: pa.array(v) for name, v in zip(encoder.vector_names, floats, strict=True)}
    columns |= {name: pa.array(v) for name, v in zip(encoder.id_names, ids, strict=True)}
    return pa.table(columns)


def vectors(encoder: Encoder, encoded: Encoded) -> np.ndarray:
    """Return the feature vectors f32[rows, vectors] of encoded rows."""
    import jax

    program: Callable[..., tuple[jax.Array, jax.Array]] = jax.jit(encoder.transform)
    return in_buckets(lambda part: np.asarray(program(part.numeric, part.categorical)[0]), encoded)


def arrays(features: pa.Table, encoder: Encoder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vectors f32[rows, vectors], ids i32[rows, m] and labels f32[rows] of a `features` table.

    Raises:
        FeatureError: If the table was built with other features.
    """
    wanted = ("label", *encoder.vector_names, *encoder.id_names)
    lost = [name for name in wanted if name not in features.schema.names]
    if lost:
        raise FeatureError(f"the feature table lacks {lost[0]!r}; build it again with this encoder")
    stack = partial(_stack, features)
    labels = features.column("label").to_numpy().astype(np.float32)
    return stack(encoder.vector_names, np.float32), stack(encoder.id_names, np.int32), labels


def _stack(features: pa.Table, names: tuple[str, ...], kind: type) -> np.ndarray:
    result = np.empty((features.num_rows, len(names)), dtype=kind)
    for at, name in enumerate(names):
        result[:, at] = features.column(name).to_numpy()
    return result


def _label(pipeline: Pipeline, dataset: pa.Table) -> pa.Array:
    label = pipeline.spec.label
    values = dataset.column(label.column)
    if values.null_count:
        row = pc.index(values.is_null(), True).as_py()
        raise FeatureError(
            f"row {row}: the label {label.column!r} is missing; drop or label the row"
        )
    positive = pc.equal(values.cast(pa.string()), label.positive)
    return positive.cast(pa.int8()).combine_chunks()
