"""A story as an in-toto Statement v1 with SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance).

The statement is not signed here: sign it with any tool that makes DSSE envelopes. Subjects are the artifact's files,
whose sha256 anybody can compute, and its manifest, whose sha256 is the artifact's address.
"""

from collections.abc import Iterator
from typing import Any

from mlplatform.provenance.steps import Step
from mlplatform.provenance.story import Story

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
PRODUCER = "urn:mlplatform"
BUILD_TYPE = f"{PRODUCER}:training:1"  # `externalParameters` as below.
MANIFEST = "manifest.json"
CONTENT = (
    "deltaContentSha256"  # sha256 over a table's schema and rows, not over the bytes of a file.
)


def statement(story: Story) -> dict[str, Any]:
    """Return the statement: which bytes, made how, from what, by whom."""
    return {
        "_type": STATEMENT,
        "subject": list(_subjects(story)),
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(story), "runDetails": _details(story)},
    }


def _subjects(story: Story) -> Iterator[dict[str, Any]]:
    yield {"name": MANIFEST, "digest": {"sha256": story.digest}}
    for name, file in story.files.items():
        yield {"name": name, "digest": {"sha256": file["sha256"]}}


def _definition(story: Story) -> dict[str, Any]:
    asked = {
        "pipeline": story.pipeline,
        "hyperparameters": story.hyperparameters,
        "seed": ((story.training or {}).get("reproducibility") or {}).get("seed"),
        "trigger": story.trigger,
        "spec": story.spec,
    }
    inside = {
        "surroundings": story.surroundings,
        "environment": story.environment,
        "codeVersion": story.code.said,
        "workingTreeDirty": story.code.dirty,
    }
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {name: each for name, each in asked.items() if each is not None},
        "internalParameters": {name: each for name, each in inside.items() if each is not None},
        "resolvedDependencies": [*_code(story), *_versions(story), *_artifacts(story)],
    }


def _details(story: Story) -> dict[str, Any]:
    model = story.step("model")
    metadata = {"invocationId": story.run.get("id")}
    if model is not None and model.committed_at is not None:
        metadata["finishedOn"] = f"{model.committed_at:%Y-%m-%dT%H:%M:%SZ}"
    builder = {"id": f"{PRODUCER}:builder", "version": {"code": story.code.said}}
    byproducts = [
        {"name": "gate report", "uri": _artifact(story, story.judged.report), "digest": {"sha256": story.judged.report}}
    ] if story.judged.report else []  # fmt: skip
    return {
        "builder": builder,
        "metadata": {name: each for name, each in metadata.items() if each},
        "byproducts": byproducts,
    }


def _code(story: Story) -> Iterator[dict[str, Any]]:
    if story.code.commit:
        yield {"name": "code", "uri": "git+file:.", "digest": {"gitCommit": story.code.commit}}


def _versions(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the table versions that the training read, and those they came from."""
    wanted, waiting = dict[str, Step](), ["model"]
    known = {step.table: step for step in story.steps}
    while waiting:
        step = known.get(f"{story.pipeline}/{name}" if (name := waiting.pop()) == "model" else name)
        for table in sorted(step.inputs) if step else ():
            if table in known and table not in wanted:
                wanted[table] = known[table]
                waiting.append(table)
    for step in wanted.values():
        if step.digest:
            yield {
                "name": step.table,
                "uri": f"{_place(story)}/{step.table}?version={step.number}",
                "digest": {CONTENT: step.digest},
                "annotations": {"rows": step.rows, "version": step.reference},
            }


def _artifacts(story: Story) -> Iterator[dict[str, Any]]:
    named = {"pipeline code": story.code.pipeline, "installed libraries": story.libraries}
    for name, digest in named.items():
        if digest:
            yield {"name": name, "uri": _artifact(story, digest), "digest": {"sha256": digest}}


def _artifact(story: Story, digest: str) -> str:
    return f"{_place(story)}/_artifacts/{digest}/{MANIFEST}"


def _place(story: Story) -> str:
    return story.lake if "://" in story.lake else f"file://{story.lake}"
