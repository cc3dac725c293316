"""Loans, built once."""

import pytest

from mlplatform_tests.monitor.loans import Trained


@pytest.fixture(scope="session")
def loans(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Loans whose features know nothing too early, and a model; tests only add versions."""
    return Trained(tmp_path_factory.mktemp("loans"))
