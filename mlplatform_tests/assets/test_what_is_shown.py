"""What a person finds in Dagster's UI about a dataset: a table of its columns, a picture of each, a page."""

import base64
import re
from pathlib import Path

import dagster as dg

from mlplatform_tests.assets.conftest import Walk


def test_a_dataset_is_shown_by_a_table_pictures_and_a_page_that_works_offline(walked: Walk):
    result = walked.run("dataset")
    shown = result.asset_materializations_for_node("census_income__dataset")[0].metadata
    columns = list(walked.pipeline.spec.columns)

    table = shown["columns"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = [record.data for record in table.records]
    assert [row["column"] for row in rows] == columns
    sex = rows[columns.index("sex")]
    assert (sex["type"], sex["distinct"]) == ("string", 2)
    assert any(str(value).startswith("Male") for value in sex.values())

    pictured = {name: value.value for name, value in shown.items() if name.startswith("column/")}
    assert list(pictured) == [f"column/{name}" for name in columns]
    for markdown in pictured.values():
        picture = re.search(r"\(data:image/svg\+xml;base64,([^)]+)\)", str(markdown))
        assert picture, markdown
        assert b"<svg" in base64.b64decode(picture[1])

    assert isinstance(shown["facets"], dg.PathMetadataValue)
    page = Path(str(shown["facets"].value))
    assert page.name == "facets.html"
    text = page.read_text()
    assert "facets-overview" in text
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//[^"'> ]+""", text)


def test_what_gates_say_is_shown_with_its_evidence(walked: Walk):
    result = walked.run("dataset")
    said = {
        evaluation.check_name: evaluation for evaluation in result.get_asset_check_evaluations()
    }
    gates = set(type(walked.pipeline.spec.data_gates).model_fields) - {"min_new_rows"}
    assert said.keys() == gates - {"malformed_rows", "overlap"}
    assert all(evaluation.passed and evaluation.description for evaluation in said.values())
    assert said["row_count"].metadata["observed"].value == 5999
    nearest = said["missing_values"].metadata["evidence"].value["columns"][0]
    assert nearest["column"] in ("workclass", "occupation")  # The two that have missing values.
    assert 0.05 < nearest["observed"] < nearest["limit"] == 0.1
