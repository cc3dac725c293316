"""One small model, trained once, and its artifact in a real lake."""

from pathlib import Path

import pytest

from mlplatform.features.encoder import Encoder
from mlplatform.lake import Lake
from mlplatform.spec import Pipeline
from mlplatform.train.export import export
from mlplatform.train.fit import Trained, fit
from mlplatform_tests.features import people

Fitted = tuple[Pipeline, Encoder, Trained]


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A pipeline of people, its encoder, and its model fitted as the spec says."""
    pipeline = people.pipeline(tmp_path_factory.mktemp("people"))
    encoder, table = people.features()
    return pipeline, encoder, fit(pipeline, table, encoder, pipeline.spec.model)


@pytest.fixture(scope="session")
def files(fitted: Fitted) -> dict[str, bytes]:
    """The files of the fitted model."""
    return export(fitted[2], fitted[1], people.program().content)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """An empty lake."""
    return Lake(tmp_path / "lake")
