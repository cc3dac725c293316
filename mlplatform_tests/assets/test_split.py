"""The split asset: streamed from a dataset version, and shown as a table of its parts."""

import dagster as dg

import resources
from assets import split
from assets.nouns import asset_key
from mlplatform.ingest.dataset import dataset_schema, rows
from mlplatform.ingest.source import land
from mlplatform.lake import Lineage
from mlplatform_tests.assets.conftest import Walk

WHO = Lineage(asset="census_income/dataset", run_id="test", code_version="test")


def materialised_split(walk: Walk) -> dg.AssetMaterialization:
    """Materialise the split alone, and return what Dagster recorded."""
    wired = resources.for_settings(walk.settings)
    dataset = dg.AssetSpec(asset_key(walk.pipeline, "dataset"))
    result = dg.materialize([dataset, split.build(walk.pipeline)], resources=wired)
    return result.asset_materializations_for_node("census_income__split")[0]


def test_the_parts_are_written_in_the_datasets_order_and_shown_with_their_balance(new_walk):
    walk = new_walk()
    pipeline, lake = walk.pipeline, walk.lake
    made = lake.table("census_income/dataset").overwrite(
        rows(pipeline, lake, land(pipeline, lake, WHO)), WHO
    )
    shown = materialised_split(walk).metadata
    data, parts = (lake.table(f"census_income/{noun}").read() for noun in ("dataset", "split"))
    assert data.schema.equals(dataset_schema(pipeline.spec))
    assert parts["row_id"].equals(data["row_id"])
    counts = {
        entry["values"]: entry["counts"] for entry in parts["part"].value_counts().to_pylist()
    }
    assert {part: shown[f"rows/{part}"].value for part in counts} == counts
    assert counts["test"] == 1999  # The file begins with a comment.
    assert 0.2 < shown["positive_share/test"].value < 0.3
    table = shown["parts"].value.splitlines()
    assert table[0] == "| part | rows | of all | \\<=50K | \\>50K |"
    assert table[4].startswith("| test | 1,999 | 33.3% | ")
    assert lake.table("census_income/split").latest().lineage.inputs == {made.table: made.reference}


def test_a_split_that_is_there_already_is_not_made_again(new_walk):
    walk = new_walk()
    pipeline, lake = walk.pipeline, walk.lake
    lake.table("census_income/dataset").overwrite(
        rows(pipeline, lake, land(pipeline, lake, WHO)), WHO
    )
    first, second = materialised_split(walk), materialised_split(walk)
    assert not first.metadata["reused"].value
    assert second.metadata["reused"].value
    assert lake.table("census_income/split").latest().number == 0
