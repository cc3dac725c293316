"""The two files of fitted features, learnt from the training rows of a dataset version."""

from typing import TYPE_CHECKING

from mlplatform.features.batch_function import ENCODER, PROGRAM
from mlplatform.features.declare import FeatureSet, Function
from mlplatform.features.feature_program import export_features
from mlplatform.features.fitting import fit
from mlplatform.features.table import training_batches
from mlplatform.features.table_rows import ROW_ID
from mlplatform.spec import Pipeline

if TYPE_CHECKING:
    from mlplatform.features.aggregates import Lookup
    from mlplatform.features.incremental import Inputs
    from mlplatform.lake import Lake


def fitted(
    pipeline: Pipeline,
    features: FeatureSet,
    lake: "Lake",
    inputs: "Inputs",
    lookup: "Lookup | None" = None,
) -> dict[str, bytes]:
    """Return `features.json` and `features.stablehlo`: everything that is needed to compute features.

    Args:
        pipeline: Whose features they are.
        features: As declared.
        lake: Where the versions are.
        inputs: The rows, and which of them train; no other row is read.
        lookup: Values of the aggregates, where the features read some.

    Raises:
        FeatureError: Naming the feature or column that there is nothing to learn of, or row and
            column of a value that does not fit.
    """
    dataset = lake.table(inputs.dataset.table)
    split = lake.table(inputs.split.table).batches(inputs.split, columns=[ROW_ID, "part"])
    columns = _columns(pipeline, features)
    rows = training_batches(
        dataset.batches(inputs.dataset, columns=columns, dictionaries=True), split
    )
    event_time = (pipeline.spec.event_time or "") if features.aggregates else ""
    filled = map(lookup.fill, rows) if lookup else rows
    encoder = fit(features, filled, pipeline.spec.columns, event_time)
    functions = {one.name: one.function for one in features.features if isinstance(one, Function)}
    return {ENCODER: encoder.to_json(), PROGRAM: export_features(encoder, functions)}


def _columns(pipeline: Pipeline, features: FeatureSet) -> list[str]:
    """Return the raw columns that fitting reads: the features', and those of entities and times."""
    looked_up = {one.name for one in features.aggregates}
    raw = [name for name in features.columns if name not in looked_up]
    raw += [name for one in features.aggregates for name in one.row_columns]
    if features.aggregates and pipeline.spec.event_time:
        raw.append(pipeline.spec.event_time)
    return list(dict.fromkeys([ROW_ID, *raw]))
