"""The same walk with its lake on S3: another root, no other code."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mlplatform.rollout.events import traffic
from mlplatform_tests.assets.conftest import Walk
from mlplatform_tests.lake.conftest import s3_options
from resources import LakeResource

__all__ = ["s3_options"]


def test_a_walk_on_s3_ends_with_a_live_model(
    new_walk: Callable[..., Walk], s3_options: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_options["aws_endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    walk = new_walk()
    walk.settings = replace(walk.settings, lake="s3://lake/walk")
    result = walk.run()
    assert result.success
    lake = LakeResource(root=walk.settings.lake).open()
    assert traffic(lake.table("census_income/deployment")).champion is not None
    before = {name: lake.table(name).latest() for name in lake.tables()}
    assert walk.run().success
    assert {name: lake.table(name).latest() for name in lake.tables()} == before
