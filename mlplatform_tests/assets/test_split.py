"""The split asset: streamed from a dataset version, and shown as a table of its parts."""

from collections.abc import Callable

import dagster as dg

from mlplatform.ingest.dataset import dataset_schema
from mlplatform_tests.assets.conftest import Walk


def materialised_split(walk: Walk) -> dg.AssetMaterialization:
    """Materialise the split alone, and return what Dagster recorded."""
    return walk.run("split").asset_materializations_for_node("census_income__split")[0]


def test_the_parts_are_written_in_the_datasets_order_and_shown_with_their_balance(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("dataset")
    shown = materialised_split(walk).metadata
    data, parts = (walk.lake.table(f"census_income/{noun}").read() for noun in ("dataset", "split"))
    assert data.schema.equals(dataset_schema(walk.pipeline.spec))
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
    made_from = walk.lake.table("census_income/split").latest().lineage.inputs
    dataset = walk.lake.table("census_income/dataset").latest()
    assert made_from == {dataset.table: dataset.reference}


def test_a_split_that_is_there_already_is_not_made_again(walked_to: Callable[..., Walk]):
    walk = walked_to("dataset")
    first, second = materialised_split(walk), materialised_split(walk)
    assert not first.metadata["reused"].value
    assert second.metadata["reused"].value
    assert walk.lake.table("census_income/split").latest().number == 0
