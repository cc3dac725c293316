"""Learns what encoding needs from the training rows: medians, quantiles, vocabularies."""

import numpy as np
import pyarrow as pa

from mlplatform.errors import FeatureError
from mlplatform.features import columns
from mlplatform.features.declare import Categorical, FeatureSet, Numeric
from mlplatform.features.encoder import Encoder
from mlplatform.features.state import CategoricalState, NumericState, written


def fit_encoder(features: FeatureSet, train: pa.Table) -> Encoder:
    """Return the encoder of `features` for the rows `train`; their order makes no difference.

    Raises:
        FeatureError: If there are no rows, or a column is missing, of the wrong type or holds
            nothing to learn from.
    """
    if train.num_rows == 0:
        raise FeatureError("no training rows to fit the features on")
    numeric = [_numeric(f, train) for f in features.features if isinstance(f, Numeric)]
    categorical = [_categorical(f, train) for f in features.features if isinstance(f, Categorical)]
    return Encoder(numeric=tuple(numeric), categorical=tuple(categorical))


def _numeric(feature: Numeric, train: pa.Table) -> NumericState:
    values = columns.numbers(train, [feature.column])[:, 0]
    present = values[~np.isnan(values)]
    if not present.size and feature.missing is None:
        raise FeatureError(
            f"feature {feature.name!r}: every training value of {feature.column!r} is missing;"
            " remove the feature or declare missing="
        )
    fill = (
        float(np.median(present)) if feature.missing is None else float(np.float32(feature.missing))
    )
    filled = np.where(np.isnan(values), np.float32(fill), values)
    # Sorted, so that the sums below round alike however the rows lie.
    scaled = np.sort(signed_log(filled) if feature.log else filled).astype(np.float64)
    return NumericState(
        name=feature.name,
        column=feature.column,
        type=columns.kind_of(columns.column_of(train, feature.column).type) or "float64",
        log=feature.log,
        fill=fill,
        indicator=feature.missing is None and present.size < values.size,
        edges=() if feature.bins is None else quantile_edges(scaled, feature.bins),
        mean=float(scaled.mean()),
        deviation=float(scaled.std()),
    )


def signed_log(values: np.ndarray) -> np.ndarray:
    """Return sign(x) * log(1 + |x|), elementwise."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def quantile_edges(values: np.ndarray, bins: int) -> tuple[float, ...]:
    """Return at most `bins` + 1 ascending members of `values` that cut it into equally full bins.

    A value that alone fills more than one bin (the zeros of a capital gain) becomes an edge and
    is set aside, so that the rest is still cut finely. A constant has one edge, which makes no
    bin.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if distinct.size <= bins + 1:
        return tuple(float(edge) for edge in distinct)
    heavy = distinct[counts >= values.size / bins]
    rest = values[~np.isin(values, heavy)]
    shares = np.linspace(0, 1, bins + 1 - heavy.size)
    # Taken from the data, not interpolated: an edge then is a value that rows have.
    cuts = np.quantile(rest, shares, method="inverted_cdf")
    return tuple(float(edge) for edge in np.unique(np.concatenate([heavy, cuts])))


def _categorical(feature: Categorical, train: pa.Table) -> CategoricalState:
    arrow = columns.column_of(train, feature.column).type
    stored = arrow.value_type if pa.types.is_dictionary(arrow) else arrow
    kind = columns.kind_of(stored)
    kind = (
        kind if kind in ("int64", "bool") else "string"
    )  # Of others, encoding says what is wrong.
    counts = columns.categories_of(train, feature.column, kind).value_counts().to_pylist()
    kept = [
        count["values"]
        for count in counts
        if count["values"] is not None and count["counts"] >= feature.min_count
    ]
    return CategoricalState(
        name=feature.name,
        column=feature.column,
        type=kind,
        vocabulary=tuple(written(value) for value in sorted(kept)),
    )
