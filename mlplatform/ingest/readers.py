"""Which reader reads what, by the kind of source: the only place that knows them all."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlplatform.ingest.access import Access
from mlplatform.ingest.landed import Landed
from mlplatform.ingest.parts import Plan
from mlplatform.spec import Pipeline, PipelineSpec

if TYPE_CHECKING:
    from mlplatform.lake import Table

Planner = Callable[[Pipeline, "Table", Landed, Access], Plan]


def planner(spec: PipelineSpec) -> Planner:
    """Return what plans a landing of the spec's source."""
    match spec.source.kind:
        case "delta":
            from mlplatform.ingest.delta import plan_delta

            return plan_delta
        case "sql":
            from mlplatform.ingest.query import plan_query

            return plan_query
        case "function":
            from mlplatform.ingest.function import plan_function

            return plan_function
        case _:
            from mlplatform.ingest.files import plan_files

            return plan_files


def text_reader(spec: PipelineSpec) -> Callable[..., Any] | None:
    """Return the reader of a text source: `(stream, name, where, source, spec)` to chunks."""
    match spec.source.kind:
        case "csv":
            from mlplatform.ingest.delimited import read_csv

            return read_csv
        case "jsonl":
            from mlplatform.ingest.jsonl import read_jsonl

            return read_jsonl
        case _:
            return None
