"""A story as OpenLineage run events (spec 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json).

Each version that was written is a run of the job that is its asset, and each table a dataset. What OpenLineage has no
word for (gates, digests, surroundings) stands in facets of our own, whose names begin with `mlplatform`.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mlplatform.provenance.steps import Step
from mlplatform.provenance.story import Story

SPEC = "https://openlineage.io/spec"
SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = "urn:mlplatform"
OURS = f"{PRODUCER}:facet:1"  # Names a facet; nothing is fetched from it.
NAMESPACE = uuid.UUID(
    "6f1d2a53-0f5b-5e0b-9d1c-3d1a5f0c7e11"
)  # Of the ids made here: random, and fixed for ever.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def events(
    story: Story, column_lineage: Mapping[str, list[list[str]]] | None = None
) -> list[dict[str, Any]]:
    """Return a START and a COMPLETE event for each version, every one after those it was made from.

    Args:
        story: What is told.
        column_lineage: For each column of `features`, table and column of each it was computed from.
    """
    readable = {step.table: step for step in story.steps if not step.problem}
    return [
        event
        for step in readable.values()
        for event in _pair(story, step, readable, column_lineage or {})
    ]


def lines(told: list[dict[str, Any]]) -> str:
    """Return the events as OpenLineage's file transport writes them: one JSON object a line."""
    return "".join(json.dumps(event, sort_keys=True) + "\n" for event in told)


def _pair(
    story: Story, step: Step, known: Mapping[str, Step], columns: Mapping[str, list[list[str]]]
) -> Iterator[dict[str, Any]]:
    at = step.committed_at or story.told_at
    run, job = _run(story, step), _job(story, step)
    # Only the end is on record; a start at the same instant is what the spec asks for beside it.
    yield _event("START", at, run, job, [], [])
    inputs = [_dataset(story, known[table]) for table in sorted(step.inputs) if table in known]
    output = _dataset(story, step, columns if step.noun == "features" else {})
    statistics = {"rowCount": step.rows, "size": step.bytes}
    facet = _facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **statistics)
    output["outputFacets"] = {"outputStatistics": facet}
    yield _event("COMPLETE", at, run, job, inputs, [output])


def _event(
    kind: str,
    at: datetime,
    run: dict[str, Any],
    job: dict[str, Any],
    inputs: list[dict[str, Any]],
    outputs: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": run,
        "job": job,
        "inputs": inputs,
        "outputs": outputs,
    }


def _run(story: Story, step: Step) -> dict[str, Any]:
    facets: dict[str, Any] = {"parent": _parent(story, step)}
    if step.table == f"{story.pipeline}/model":
        facets["mlplatformTraining"] = _own(
            "Training",
            hyperparameters=story.hyperparameters,
            surroundings=story.surroundings,
            environment=story.environment,
            trigger=story.trigger,
            spent=story.spent,
        )
    if step.noun == "gate_verdict":
        facets["mlplatformGates"] = _own(
            "Gates",
            outcome=story.judged.outcome,
            gates={gate.gate: gate.outcome for gate in story.judged.gates},
            overrides=[dict(each) for each in story.judged.overrides],
        )
    return {"runId": _id(story.lake, step.table, step.reference), "facets": facets}


def _parent(story: Story, step: Step) -> dict[str, Any]:
    """Return the Dagster run that this was a step of."""
    run_id = step.run_id if _UUID.fullmatch(step.run_id) else _id("run", step.run_id)
    job = story.run.get("job") or story.pipeline
    return _facet(
        "ParentRunFacet",
        "1-2-0",
        run={"runId": run_id},
        job={"namespace": _namespace(story), "name": job},
    )


def _job(story: Story, step: Step) -> dict[str, Any]:
    kind = _facet(
        "JobTypeJobFacet", "2-0-4", processingType="BATCH", integration="DAGSTER", jobType="ASSET"
    )
    code = _own("Code", version=step.code_version, pipelineCode=story.code.pipeline)
    facets = {"jobType": kind, "mlplatformCode": code}
    return {"namespace": _namespace(story), "name": step.table.replace("/", "."), "facets": facets}


def _dataset(
    story: Story, step: Step, columns: Mapping[str, list[list[str]]] | None = None
) -> dict[str, Any]:
    fields = [{"name": name, "type": kind} for name, kind in step.columns.items()]
    facets = {
        "version": _facet("DatasetVersionDatasetFacet", "1-0-1", datasetVersion=step.reference),
        "schema": _facet("SchemaDatasetFacet", "1-2-0", fields=fields),
        "storage": _facet(
            "StorageDatasetFacet", "1-0-1", storageLayer="delta", fileFormat="parquet"
        ),
        "mlplatformContent": _own("Content", sha256=step.digest, rows=step.rows),
    }
    if columns:
        facets["columnLineage"] = _columns(story, columns)
    return {"namespace": _namespace(story), "name": step.table, "facets": facets}


def _columns(story: Story, columns: Mapping[str, list[list[str]]]) -> dict[str, Any]:
    fields = {
        name: {
            "inputFields": [
                {"namespace": _namespace(story), "name": table, "field": column}
                for table, column in sources
            ]
        }
        for name, sources in columns.items()
    }
    return _facet("ColumnLineageDatasetFacet", "1-2-0", fields=fields)


def _namespace(story: Story) -> str:
    """Return the lake as a URI: what OpenLineage calls the place of a dataset."""
    return story.lake if "://" in story.lake else f"file://{story.lake}"


def _facet(name: str, version: str, **said: Any) -> dict[str, Any]:
    schema = f"{SPEC}/facets/{version}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **said}


def _own(name: str, **said: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{OURS}:{name}", **said}


def _id(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))
