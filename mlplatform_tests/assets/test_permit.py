"""What data gates refused is nothing to build on, also for an asset that is asked for alone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets import publish
from mlplatform.provenance import code, policy
from mlplatform.validate import acceptance, reference
from mlplatform_tests.assets.conftest import Walk, failed_steps, materialised
from mlplatform_tests.small import TRAINING_LINES, batch


def reasons(result: dg.ExecuteInProcessResult) -> str:
    """Return the messages of the steps that failed."""
    found = [e for e in result.all_events if e.is_step_failure]
    return " ".join(str(e.step_failure_data.error) for e in found)


def test_a_refused_dataset_is_split_in_no_later_run(walked_to: Callable[..., Walk]):
    walk = walked_to("dataset", data_gates__row_count__minimum=100_000)
    assert failed_steps(walk.run("dataset")) == {"census_income_dataset_gates"}
    alone = walk.run("split")
    assert failed_steps(alone) == {"census_income__split"}
    assert "nothing is made from census_income/source" in reasons(alone)
    assert "row_count" in reasons(alone)
    assert walk.lake.table("census_income/split").latest() is None


def test_a_split_that_its_gates_refused_has_no_features(walked_to: Callable[..., Walk]):
    walk = walked_to("dataset", split__validation=0.0)
    assert failed_steps(walk.run("dataset", "split")) == {"census_income_split_gates"}
    alone = walk.run("features")
    assert failed_steps(alone) == {"census_income__features"}
    assert "split_sound" in reasons(alone)


def test_a_dataset_of_a_refused_source_is_never_accepted(walked_to: Callable[..., Walk]):
    walk = walked_to("dataset")
    before = acceptance.newest(walk.lake, walk.pipeline)
    file = batch(walk.folder / "broken.data", TRAINING_LINES, 400)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(["too, few", *lines[:1]] * 100 + lines) + "\n")
    assert walk.command("land", "census_income", file).exit_code == 0
    assert failed_steps(walk.run("source")) == {"census_income_source_gates"}
    assert materialised(walk.run("dataset")) == ["dataset"]
    assert acceptance.newest(walk.lake, walk.pipeline) == before
    assert reference.current(walk.lake, walk.pipeline) is None
    assert failed_steps(walk.run("reference")) == {"census_income__reference"}


def test_features_that_their_gates_refused_train_nothing(walked_to: Callable[..., Walk]):
    walk = walked_to("evaluation", feature_gates__feature_leakage__max_auc=0.6)
    before = walk.lake.table("census_income/model").latest()
    judged = walk.run("source", "dataset", "reference", "split", "features")
    assert failed_steps(judged) == {"census_income_features_gates"}
    alone = walk.run("model")
    assert failed_steps(alone) == {"census_income__model"}
    assert "feature_leakage" in reasons(alone)
    assert walk.lake.table("census_income/model").latest() == before


@pytest.mark.parametrize("room", ["serve", "features", "monitor", "gates"])
def test_a_verdict_hangs_on_the_code_that_judges_and_is_judged(
    walked: Walk, room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(code.LIBRARY, tmp_path / "mlplatform")
    monkeypatch.setattr(code, "LIBRARY", tmp_path / "mlplatform")
    afresh = code.rooms_digest.__wrapped__  # A process reads its code once.
    monkeypatch.setattr(policy, "rooms_digest", afresh)
    before = publish.policy_in_force(walked.pipeline)
    with (tmp_path / "mlplatform" / room / "__init__.py").open("a") as file:
        file.write("# Another code.\n")
    assert publish.policy_in_force(walked.pipeline) != before
