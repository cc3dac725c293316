"""OpenLineage events and SLSA provenance have the form that is published, and say what the story says."""

import json
import os
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from mlplatform.lake import Lake
from mlplatform.provenance.openlineage import events, lines
from mlplatform.provenance.slsa import MANIFEST, statement
from mlplatform_tests.provenance.conftest import story_of
from mlplatform_tests.provenance.registered import COMMIT, HOSTILE

# What OpenLineage 2-0-2 asks of a run event and of every facet (https://openlineage.io/spec/2-0-2/OpenLineage.json).
NAMED = {
    "type": "object",
    "required": ["namespace", "name"],
    "properties": {"namespace": {"type": "string"}},
}
EVENT = {
    "type": "object",
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "properties": {
        "eventTime": {"type": "string", "format": "date-time"},
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "producer": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
        "run": {
            "type": "object",
            "required": ["runId"],
            "properties": {"runId": {"format": "uuid"}},
        },
        "job": NAMED,
        "inputs": {"type": "array", "items": NAMED},
        "outputs": {"type": "array", "items": NAMED},
    },
}
FACET = {"type": "object", "required": ["_producer", "_schemaURL"]}
# What in-toto's Statement v1 and SLSA's provenance v1 ask (https://slsa.dev/spec/v1.0/provenance).
HEX = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"},
}
RESOURCE = {
    "type": "object",
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
    "properties": {"uri": {"type": "string"}, "digest": HEX, "annotations": {"type": "object"}},
    "additionalProperties": False,
    "patternProperties": {"^(name|downloadLocation|mediaType|content)$": {"type": "string"}},
}
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {"type": "array", "minItems": 1, "items": {**RESOURCE, "required": ["digest"]}},
        "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "predicate": {
            "type": "object",
            "required": ["buildDefinition", "runDetails"],
            "additionalProperties": False,
            "properties": {
                "buildDefinition": {
                    "type": "object",
                    "required": ["buildType", "externalParameters"],
                    "additionalProperties": False,
                    "properties": {
                        "buildType": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
                        "externalParameters": {"type": "object"},
                        "internalParameters": {"type": "object"},
                        "resolvedDependencies": {"type": "array", "items": RESOURCE},
                    },
                },
                "runDetails": {
                    "type": "object",
                    "required": ["builder"],
                    "additionalProperties": False,
                    "properties": {
                        "builder": {
                            "type": "object",
                            "required": ["id"],
                            "properties": {"version": {"additionalProperties": {"type": "string"}}},
                        },
                        "metadata": {
                            "additionalProperties": False,
                            "properties": {
                                "invocationId": {"type": "string"},
                                "startedOn": {"type": "string", "format": "date-time"},
                                "finishedOn": {"type": "string", "format": "date-time"},
                            },
                        },
                        "byproducts": {"type": "array", "items": RESOURCE},
                    },
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def told(two_models):
    """Events about a model, with lineage of one column."""
    story = story_of(two_models, "census@2")
    return events(story, {"features": [["census/dataset", "row_id"]]})


def facets(value: Any) -> list[dict[str, Any]]:
    """Return every facet anywhere in an event."""
    if isinstance(value, list):
        return [facet for each in value for facet in facets(each)]
    if not isinstance(value, dict):
        return []
    inner = [facet for each in value.values() for facet in facets(each)]
    return [value, *inner] if "_schemaURL" in value else inner


def test_events_have_the_form_that_openlineage_asks_for(told):
    checker = Draft202012Validator(EVENT, format_checker=FormatChecker())
    for event in told:
        checker.validate(event)
        for facet in facets(event):
            Draft202012Validator(FACET).validate(facet)
    assert len([facet for event in told for facet in facets(event)]) > 50


@pytest.mark.skipif(
    "OPENLINEAGE_SPEC" not in os.environ,
    reason="OPENLINEAGE_SPEC names no folder `spec` of a clone of github.com/OpenLineage/OpenLineage",
)
def test_events_and_facets_are_valid_against_the_published_schemas(told):
    registry, main = published(Path(os.environ["OPENLINEAGE_SPEC"]))
    for event in told:
        _checked({"$ref": main}, registry).validate(event)
        for facet in facets(event):
            if facet["_schemaURL"].startswith("https://openlineage.io/"):
                _checked({"$ref": facet["_schemaURL"]}, registry).validate(facet)


@cache
def published(folder: Path) -> tuple[Any, str]:
    """Return the schemas in a folder by their addresses, and the main one's."""
    files = [folder / "OpenLineage.json", *folder.glob("facets/*.json")]
    schemas = [json.loads(file.read_bytes()) for file in files]
    resources = [(s["$id"], Resource.from_contents(s)) for s in schemas]
    return Registry().with_resources(resources), schemas[0]["$id"]


def _checked(schema: dict[str, str], registry: Any) -> Draft202012Validator:
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())


def test_every_version_is_a_run_that_starts_and_completes(told):
    assert [event["eventType"] for event in told] == ["START", "COMPLETE"] * 8
    runs = [event["run"]["runId"] for event in told]
    assert len(set(runs)) == 8
    assert all(uuid.UUID(run) for run in runs)
    assert runs[::2] == runs[1::2]


def test_events_say_versions_rows_inputs_and_columns(told):
    by_job = {event["job"]["name"]: event for event in told if event["eventType"] == "COMPLETE"}
    features = by_job["census.features"]
    assert [each["name"] for each in features["inputs"]] == ["census/dataset", "census/split"]
    output = features["outputs"][0]
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 10
    assert output["facets"]["version"]["datasetVersion"].startswith("1:")
    behind = output["facets"]["columnLineage"]["fields"]["features"]["inputFields"]
    assert [each["field"] for each in behind] == ["row_id"]
    trained = by_job["census.model"]["run"]["facets"]["mlplatformTraining"]
    assert trained["trigger"]["kind"] == "drift"


def test_the_same_story_makes_the_same_events(two_models, told):
    story = story_of(two_models, "census@2")
    assert events(story, {"features": [["census/dataset", "row_id"]]}) == told


def test_events_are_written_one_a_line(told):
    read = [json.loads(line) for line in lines(told).splitlines()]
    assert read == told
    assert HOSTILE in json.dumps(read, ensure_ascii=False) or "\\u001b" in lines(told)


@pytest.mark.parametrize("ref", ["census@1", "census@2"])
def test_statements_have_the_form_that_slsa_asks_for(two_models, ref):
    said = statement(story_of(two_models, ref))
    Draft202012Validator(STATEMENT, format_checker=FormatChecker()).validate(said)


def test_a_statement_is_read_by_in_totos_own_library(two_models):
    """Where it is installed: it refuses fields that it does not know."""
    formats = pytest.importorskip("google.protobuf.json_format")
    pb = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    provenance = pytest.importorskip("in_toto_attestation.predicates.provenance.v1.provenance_pb2")
    said = statement(story_of(two_models, "census@2"))
    assert formats.ParseDict(said, pb.Statement()).predicate_type == said["predicateType"]
    assert formats.ParseDict(said["predicate"], provenance.Provenance()).build_definition.build_type


def test_a_statement_is_about_bytes_that_anybody_can_check(two_models):
    story = story_of(two_models, "census@2")
    said = statement(story)
    subjects = {each["name"]: each["digest"]["sha256"] for each in said["subject"]}
    assert subjects[MANIFEST] == story.digest
    stored = Lake(two_models).artifacts.open(story.digest).manifest["files"]
    assert {n: f["sha256"] for n, f in stored.items()} == {
        n: s for n, s in subjects.items() if n != MANIFEST
    }


def test_a_statement_names_the_code_and_every_version_that_training_read(two_models):
    definition = statement(story_of(two_models, "census@2"))["predicate"]["buildDefinition"]
    dependencies = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert dependencies["code"]["digest"] == {"gitCommit": COMMIT}
    assert {"census/dataset", "census/split", "census/features", "census/source"} <= set(
        dependencies
    )
    assert "census/evaluation" not in dependencies
    assert definition["externalParameters"]["seed"] == 2
