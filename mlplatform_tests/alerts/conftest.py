from collections.abc import Iterator

import pytest

from mlplatform_tests.endpoint import Endpoint


@pytest.fixture
def webhook() -> Iterator[Endpoint]:
    """Where alerts of a test are delivered that names their channels itself."""
    server = Endpoint()
    yield server
    server.close()
