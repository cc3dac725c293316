"""Holds an aggregate against the spec: its event table, and the entity's columns in a row."""

from mlplatform.features.declare import Aggregate
from mlplatform.features.load_columns import known_problem
from mlplatform.spec import PipelineSpec


def aggregate_problem(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    """Return what the spec lacks for this aggregate, or None.

    Events of the pipeline's own dataset may have what is known only after a row's event, the label
    too: it counts from when it was known.
    """
    from mlplatform.features.aggregates.build import problem

    if aggregate.name in spec.columns:
        return "a column has this name; give the aggregate another"
    return problem(spec, aggregate) or _unused(aggregate, spec) or _entity_problem(aggregate, spec)


def _unused(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    """What the spec leaves unused is so for events too, where they are the pipeline's own rows."""
    if spec.events[aggregate.events].source is not None:
        return None
    for column in (aggregate.column, *(column for column, _, _ in aggregate.where)):
        if column in spec.unused:
            return f"it needs {column!r}, which the spec leaves unused: {spec.unused[column]}"
    return None


def _entity_problem(aggregate: Aggregate, spec: PipelineSpec) -> str | None:
    declared = spec.events[aggregate.events]
    columns = spec.columns if declared.source is None else declared.columns
    for event, row in aggregate.entity:
        problem = known_problem(row, spec)
        if problem:
            return f"its entity needs {row!r} of the row, {problem}"
        if columns[event] != spec.columns[row]:
            kinds = f"{columns[event]} in the events and {spec.columns[row]} in the row"
            return f"its entity {row!r} is {kinds}; both must be of one type"
    return None
