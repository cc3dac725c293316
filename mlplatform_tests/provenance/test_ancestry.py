"""Everything a version was made from, from the lake alone."""

from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from mlplatform.lake import Lake, Lineage, Version
from mlplatform.provenance.ancestry import ancestors, number


def write(lake: Lake, name: str, *inputs: Version) -> Version:
    lineage = Lineage(
        asset=name,
        run_id=uuid4().hex,
        code_version="c",
        inputs={v.table: v.reference for v in inputs},
    )
    return lake.table(name).overwrite(pa.table({"x": [len(name)]}), lineage)


def test_a_version_leads_back_to_the_very_versions_it_was_made_from(tmp_path: Path):
    lake = Lake(tmp_path)
    source = write(lake, "p/source")
    dataset = write(lake, "p/dataset", source)
    split = write(lake, "p/split", dataset)
    model = write(lake, "p/model", dataset, split)
    write(lake, "p/dataset", source)  # A later version is nobody's ancestor.
    assert ancestors(lake, model) == {
        version.table: version.reference for version in (model, dataset, split, source)
    }


def test_a_reference_begins_with_its_delta_version(tmp_path: Path):
    lake = Lake(tmp_path)
    write(lake, "p/source")
    second = write(lake, "p/source")
    assert number(second.reference) == 1
