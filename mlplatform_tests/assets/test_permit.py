"""What data gates refused is nothing to build on, also for an asset that is asked for alone."""

from collections.abc import Callable

import dagster as dg

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
