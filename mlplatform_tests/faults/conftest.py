"""Writers to kill, and an S3 server whose answers get lost."""

from collections.abc import Iterator

import pytest

from mlplatform.lake import faults
from mlplatform_tests.faults.crew import Crew
from mlplatform_tests.faults.proxy import LossyProxy
from mlplatform_tests.lake.conftest import lake, s3_options

__all__ = ["lake", "s3_options"]


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    with Crew() as crew:
        yield crew


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Sets `faults.hook` for this test with `hook.setattr(faults, "hook", ...)`."""
    monkeypatch.setattr(faults, "hook", None)
    return monkeypatch


@pytest.fixture
def proxy(s3_options: dict[str, str]) -> Iterator[LossyProxy]:
    with LossyProxy(s3_options["aws_endpoint_url"]) as proxy:
        yield proxy
