"""Credentials found by dagster-aws reach the lake, and nothing else."""

from urllib.parse import urlsplit

import pyarrow as pa
import pytest

from mlplatform.lake import Lineage
from resources import LakeResource
from resources.aws import s3_storage_options


@pytest.fixture
def environment(s3_options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The surroundings of a step that may use the bucket `lake`."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_options["aws_endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-value")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return s3_options


def test_a_lake_on_s3_is_written_and_read_with_the_steps_own_credentials(
    environment: dict[str, str],
):
    lake = LakeResource(root="s3://lake/resources").open()
    who = Lineage(asset="p/source", run_id="r", code_version="c")
    version = lake.table("p/source").overwrite(pa.table({"x": [1, 2]}), who)
    assert lake.table("p/source").read(version)["x"].to_pylist() == [1, 2]


def test_the_endpoint_is_the_configured_one_and_commits_are_conditional(
    environment: dict[str, str],
):
    options = s3_storage_options()
    assert options["aws_conditional_put"] == "etag"
    assert urlsplit(options["aws_endpoint_url"]).port
    assert options["allow_http"] == "true"


def test_amazon_itself_needs_no_endpoint(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    options = s3_storage_options()
    assert "aws_endpoint_url" not in options
    assert options["aws_region"] == "eu-central-1"


def test_credentials_are_not_part_of_the_resources_configuration(environment: dict[str, str]):
    """What Dagster shows in its UI and keeps in its database is the configuration."""
    resource = LakeResource(root="s3://lake/resources")
    resource.open()
    assert "planted-value" not in repr(resource) + resource.model_dump_json()
