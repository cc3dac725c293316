"""A study has all rows in memory, or does not begin."""

import pytest

from mlplatform.errors import TrainingError
from mlplatform.lake import Lake, Version
from mlplatform.train import load as of_training
from mlplatform.tune import ready
from mlplatform_tests.features import people
from mlplatform_tests.train.versions import committed
from mlplatform_tests.tune.conftest import made


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def version(lake) -> Version:
    return committed(lake, people.table(), 300)


@pytest.fixture
def _little_memory(monkeypatch):
    """Play a machine on which a training of these rows streams."""
    monkeypatch.setattr(of_training, "_memories", lambda: [20_000])


def test_a_study_is_given_training_and_validation_rows(tmp_path, lake, version):
    data = ready.load(made(tmp_path), lake, version, people.encoder())
    parts = people.table()["part"].to_pylist()
    rows = (data.rows, len(data.validation.labels))
    assert rows == (parts.count("train"), parts.count("validation"))


@pytest.mark.usefixtures("_little_memory")
def test_rows_that_a_training_would_stream_are_refused(tmp_path, lake, version):
    with pytest.raises(
        TrainingError, match="so much of the memory that a training streams them"
    ) as e:
        ready.load(made(tmp_path), lake, version, people.encoder())
    assert "set tuning.trials to 0, or model.input to memory" in str(e.value)
    assert "\n" not in str(e.value)


@pytest.mark.usefixtures("_little_memory")
def test_who_asks_for_memory_is_given_all(tmp_path, lake, version):
    pipeline = made(tmp_path, model={"hidden": [8], "input": "memory"})
    assert ready.load(pipeline, lake, version, people.encoder()).rows
