from collections.abc import Iterator

import pytest

from mlplatform_tests.features.aggregates.redis_server import started_redis


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real Redis server."""
    with started_redis() as url:
        yield url
