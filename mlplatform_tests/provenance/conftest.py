"""A lake with two registered models, one live after the other; read by many tests, written by none."""

from pathlib import Path

import pytest

from mlplatform.lake import Lake
from mlplatform.provenance.story import Story
from mlplatform.provenance.tell import tell
from mlplatform.registry.find import known_pipelines
from mlplatform.rollout.find import find
from mlplatform.rollout.traffic import Kind
from mlplatform_tests.provenance.registered import HOSTILE, Durable, Registered

OVERRIDE = {
    "gate": "fairness",
    "outcome": "fail",
    "by": HOSTILE,
    "because": HOSTILE,
    "at": "2026-03-01T12:00:00+00:00",
    "until": "2026-04-01T12:00:00+00:00",
}


@pytest.fixture(scope="session")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a lake where version 1 was replaced by version 2, of more rows, other code and an override."""
    root = tmp_path_factory.mktemp("two-models") / "lake"
    made = Registered(Durable(Lake(root)))
    made.land()
    first = made.model()
    made.event(Kind.DEPLOYED, first)
    made.land(HOSTILE)
    made.learning_rate, made.features = 0.2, "features = [1]\n"
    made.libraries = ("jax==0.10.3", "numpy==2.4.6", "scipy==1.0")
    second = made.model([OVERRIDE], auc=0.92)
    made.event(Kind.CANARY, second, reason=HOSTILE)
    made.event(Kind.PROMOTED, second, by=HOSTILE)
    return root


def story_of(root: Path, ref: str) -> Story:
    """Return the story of the model that `ref` means."""
    lake = Lake(root)
    return tell(lake, find(lake, known_pipelines(lake), ref))
