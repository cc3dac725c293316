"""Dagster shows which columns each feature is computed from, and an `explain` tells a walked model's story."""

import json

import dagster as dg
import pytest

from mlplatform.lake import Lake


def test_features_say_their_columns_and_what_is_behind_each(walked_to):
    walk = walked_to("dataset")
    instance = dg.DagsterInstance.ephemeral()
    assert walk.run("reference", "split", "features", instance=instance).success
    key = dg.AssetKey([walk.folder.name, "features"])
    event = instance.get_latest_materialization_event(key)
    metadata = event.asset_materialization.metadata
    columns = metadata["dagster/column_schema"].schema.columns
    stored = Lake(walk.settings.lake).peek(walk.pipeline.table("features")).commit(0).columns
    assert [(c.name, c.type) for c in columns] == [(n, _arrow(t)) for n, t in stored]
    behind = metadata["dagster/column_lineage"].column_lineage.deps_by_column
    assert set(behind) == {column.name for column in columns}
    spec = walk.pipeline.spec
    for column, sources in behind.items():
        assert sources, column
        for source in sources:
            noun = source.asset_key.path[-1]
            assert noun == ("split" if column == "part" else "dataset")
            known = {*spec.columns, "row_id", "part"}
            assert source.column_name in known


def _arrow(kind: str) -> str:
    return kind


@pytest.fixture
def story(walked):
    """What `explain --json` says of the walked model."""
    done = walked.command("explain", walked.folder.name, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_walked_model_tells_its_whole_story(story, walked):
    assert story["role"] == "champion"
    assert story["problems"] == []
    nouns = [step["table"].rpartition("/")[2] for step in story["steps"]]
    assert {"source", "dataset", "split", "features", "model", "evaluation", "gate_verdict"} <= set(
        nouns
    )
    for recorded in ("surroundings", "spec", "hyperparameters", "training", "trigger", "spent"):
        assert story[recorded], recorded
    assert story["code"]["files"]["defs.yaml"]
    assert story["run"]["launched_by"]
    assert len(story["judged"]["gates"]) > 20
    assert story["lived"][-1]["role"] == "champion"
    assert (
        story["digest"]
        == walked.lake.table(walked.pipeline.table("model")).latest().lineage.facts["artifact"]
    )


def test_a_walked_model_is_exported_with_the_lineage_of_its_columns(walked, tmp_path):
    file = tmp_path / "events.ndjson"
    assert walked.command("explain", walked.folder.name, "--openlineage", file).exit_code == 0
    told = [json.loads(line) for line in file.read_text().splitlines()]
    outputs = [o for event in told for o in event["outputs"] if o["name"].endswith("/features")]
    fields = outputs[0]["facets"]["columnLineage"]["fields"]
    assert len(fields) == len(outputs[0]["facets"]["schema"]["fields"])
