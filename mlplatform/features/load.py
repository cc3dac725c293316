"""Reads a pipeline's `features.py`."""

from pathlib import Path
from types import ModuleType

from mlplatform.errors import SpecError
from mlplatform.features.declare import Categorical, Feature, FeatureSet
from mlplatform.spec import Pipeline
from mlplatform.spec.code import line_of, run_file


def load_feature_set(pipeline: Pipeline) -> FeatureSet:
    """Return the `features` that the pipeline's features file defines.

    Raises:
        SpecError: Naming file and line if the file fails, or the feature if it reads a column
            that is unknown, unused, known too late, the label, or of a type it cannot take.
    """
    path = pipeline.folder / pipeline.spec.features
    features = getattr(_module(path, pipeline.name), "features", None)
    if not isinstance(features, FeatureSet):
        raise SpecError(f"{path}: define `features = FeatureSet([...])`")
    for feature in features.features:
        problem = _problem(feature, pipeline)
        if problem:
            raise SpecError(f"{path}: feature {feature.name!r} reads {feature.column!r}, {problem}")
    return features


def _problem(feature: Feature, pipeline: Pipeline) -> str | None:
    spec, column = pipeline.spec, feature.column
    if column not in spec.columns:
        return f"which is no column; columns: {', '.join(spec.columns)}"
    if column == spec.label.column:
        return "which is the label"
    if column in spec.unused:
        return f"which the spec leaves unused: {spec.unused[column]}"
    if column in spec.known_after:
        return f"which is known only after the event: {spec.known_after[column]}"
    kind = spec.columns[column]
    if kind == "timestamp":
        return (
            "which is timestamp; times cannot be features yet: let the source add a number "
            "(an hour, an age) or a string (a weekday)"
        )
    categorical = isinstance(feature, Categorical)
    possible = ("string", "int64", "bool") if categorical else ("int64", "float64")
    if kind not in possible:
        return f"which is {kind}; {type(feature).__name__} takes {' or '.join(possible)}"
    return None


def _module(path: Path, pipeline: str) -> ModuleType:
    if not path.is_file():
        raise SpecError(f"{path}: not found; a pipeline's features are declared there")
    try:
        return run_file(path, pipeline)
    except Exception as wrong:
        raise SpecError(f"{path}:{line_of(wrong, path)}: {_said(wrong)}") from None


def _said(wrong: Exception) -> str:
    said = wrong.msg if isinstance(wrong, SyntaxError) else str(wrong)
    first = said.splitlines()[0] if said else ""
    return first if isinstance(wrong, SpecError) else f"{type(wrong).__name__}: {first}"
