"""What uncommitted code made is made again once the code is committed, outside of local development."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from assets import publish as module
from assets.publish import Made, publish
from mlplatform.lake import Lake, Version
from mlplatform.provenance.code import CodeIdentity
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import small_pipeline

COMMIT = "ab" * 20


@pytest.mark.parametrize("environment", ["", "production"])
def test_a_version_by_uncommitted_code_is_replaced_by_one_of_a_commit_only_where_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
):
    """Though its rows and its recipe are the same; and what a commit made stands."""
    monkeypatch.setenv("MLPLATFORM_ENVIRONMENT", environment)
    pipeline, lake = load_pipeline(small_pipeline(tmp_path / "pipelines")), Lake(tmp_path / "lake")
    context: Any = SimpleNamespace(
        run=SimpleNamespace(run_id="r"), log=logging.getLogger("published")
    )

    def published(*, dirty: bool) -> Version:
        identity = CodeIdentity(commit=COMMIT, dirty=dirty)
        monkeypatch.setattr(module, "code_identity", lambda _: identity)
        rows = pa.table({"row_id": [1, 2]})
        found = publish(context, lake, pipeline, "split", [], lambda: Made(rows))
        assert isinstance(found.value, Version)
        return found.value

    first, as_dirty = published(dirty=True), published(dirty=True)
    assert (first.number, as_dirty.number) == (0, 0)
    clean, again = published(dirty=False), published(dirty=False)
    assert clean.reference == again.reference
    assert published(dirty=True).reference == clean.reference
    assert clean.digest == first.digest
    made_by = COMMIT if environment else f"{COMMIT}-dirty"
    assert (clean.lineage.code_version, clean.number) == (made_by, 1 if environment else 0)
