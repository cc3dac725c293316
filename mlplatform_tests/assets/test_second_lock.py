"""Ways around a gate, each tried: pieces of walks put together, verdicts about something else, limits raised later."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.cli.release import promote_canary
from mlplatform.errors import CorruptionError
from mlplatform.gates import record
from mlplatform.lake import Lineage
from mlplatform.rollout.events import traffic
from mlplatform_tests.assets.conftest import Walk, failed_steps


def rewrite(walk: Walk, name: str, edit: Callable[[list[str]], list[str]]) -> bytes:
    """Change the lines of a source file; return what it held before."""
    path = walk.folder / "data" / name
    before = path.read_bytes()
    lines = gzip.decompress(before).decode().splitlines()
    path.write_bytes(gzip.compress(("\n".join(edit(lines)) + "\n").encode(), mtime=0))
    return before


def labels_flipped(lines: list[str]) -> list[str]:
    """The same people with the opposite labels."""
    return [
        line.replace("<=50K", "?K").replace(">50K", "<=50K").replace("?K", ">50K") for line in lines
    ]


def agree(walk: Walk) -> None:
    """See the changed data refused, and say nevertheless that the world is now like this."""
    assert failed_steps(walk.run("source", "dataset")) == {"census_income_dataset_gates"}
    said = walk.command("reference", "promote", "census_income", "--because", "a test")
    assert said.exit_code == 0, said.output


def test_a_model_of_a_refused_dataset_is_not_released_with_another_datasets_verdict(
    walked_to: Callable[..., Walk], monkeypatch: pytest.MonkeyPatch
):
    """The model was made in spite of what the gates said: whoever would release it asks them again."""
    from assets import permit

    walk = walked_to("dataset")
    good = rewrite(walk, "adult.data.gz", lambda lines: [without_work(line) for line in lines])
    assert failed_steps(walk.run("source", "dataset")) == {"census_income_dataset_gates"}
    with monkeypatch.context() as bypassed:
        bypassed.setattr(permit, "require", lambda *_, **__: None)
        assert walk.run("split", "features", "model").success
    (walk.folder / "data" / "adult.data.gz").write_bytes(good)
    assert walk.run("source", "dataset").success
    walk.run("evaluation")
    verdict = walk.run("gate_verdict")
    assert failed_steps(verdict) == {"census_income__gate_verdict"}
    assert not walk.run("registered_model").success
    assert not walk.lake.table("census_income/deployment").exists()


def without_work(line: str) -> str:
    """The same person with an unknown occupation."""
    fields = line.split(", ")
    return ", ".join([*fields[:6], "?", *fields[7:]]) if len(fields) > 7 else line


def test_a_verdict_about_an_earlier_evaluation_releases_nothing(walked_to: Callable[..., Walk]):
    """The model is the same to the last bit; what it is measured by has changed since."""
    walk = walked_to("gate_verdict")
    rewrite(walk, "adult.test.gz", labels_flipped)
    agree(walk)
    assert failed_steps(walk.run()) == {"census_income_evaluation_gates"}
    assert failed_steps(walk.run("registered_model")) == {"census_income__registered_model"}
    assert not walk.lake.table("census_income/registered_model").exists()


def test_a_registered_model_is_not_deployed_under_a_policy_it_failed(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("registered_model", model_gates__performance__metrics__accuracy__minimum=0.999)
    assert failed_steps(walk.run()) == {"census_income_evaluation_gates"}
    assert failed_steps(walk.run("deployment")) == {"census_income__deployment"}
    assert not walk.lake.table("census_income/deployment").exists()


def test_a_registered_model_is_not_deployed_without_its_verdict(walked_to: Callable[..., Walk]):
    walk = walked_to("registered_model")
    table = walk.lake.table("census_income/gate_verdict")
    who = Lineage(asset="somebody", run_id="else", code_version="")
    table.overwrite(record.GATES_SCHEMA.empty_table(), who)
    assert failed_steps(walk.run("deployment")) == {"census_income__deployment"}


def test_a_gate_of_the_walk_without_a_verdict_fails_the_whole(walked_to: Callable[..., Walk]):
    walk = walked_to("evaluation")
    gates = walk.lake.table("census_income/gates")
    rows = gates.read()
    who = Lineage(asset="somebody", run_id="else", code_version="")
    gates.overwrite(rows.filter(pc.not_equal(rows["gate"], "split_sound")), who)
    assert failed_steps(walk.run("gate_verdict")) == {"census_income_gate_verdict_gates"}
    said = walk.lake.table("census_income/gate_verdict").read().to_pylist()[-1]
    assert said["outcome"] == "fail"
    assert "split_sound: no verdict" in said["because"]


def test_evaluation_scores_the_test_rows_and_no_others(walked: Walk):
    from mlplatform.evaluate.assessment import SCORES, from_bytes

    evaluation = walked.lake.table("census_income/evaluation").latest()
    assert evaluation is not None
    artifact = walked.lake.artifacts.open(evaluation.lineage.facts["scores"])
    split = walked.lake.table("census_income/split").read()
    test = split.filter(pc.equal(split["part"], "test"))["row_id"]
    assert from_bytes(artifact.read(SCORES))["row_id"].to_pylist() == test.to_pylist()


def test_a_test_split_of_one_class_is_seen_though_no_row_changed_sides(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("evaluation")
    rewrite(walk, "adult.test.gz", lambda lines: [x.replace(">50K", "<=50K") for x in lines])
    agree(walk)
    assert failed_steps(walk.run()) == {"census_income_split_gates"}


def test_a_judge_that_leaves_a_gate_out_ends_the_step(walked_to: Callable[..., Walk], monkeypatch):
    """Dagster lets the downstream of a check without a result go on."""
    from assets import judges

    walk = walked_to("dataset")
    original = judges.split
    monkeypatch.setattr(judges, "split", lambda bench: (original(bench)[0], []))
    assert failed_steps(walk.run("source", "dataset", "split")) == {"census_income_split_gates"}


def test_a_batch_that_lands_in_mid_run_changes_nothing_of_it(
    new_walk: Callable[..., Walk], monkeypatch
):
    """Every later step reads the version the run began with."""
    from assets import judges

    walk = new_walk()
    original = judges.dataset

    def land_meanwhile(bench):
        table = walk.lake.table("census_income/dataset")
        rows: pa.Table = table.read()
        who = Lineage(asset="somebody", run_id="else", code_version="")
        table.overwrite(rows.slice(0, 10), who)
        return original(bench)

    monkeypatch.setattr(judges, "dataset", land_meanwhile)
    assert walk.run().success
    features = walk.lake.table("census_income/features").latest()
    dataset = walk.lake.table("census_income/dataset")
    assert features is not None
    assert features.lineage.inputs["census_income/dataset"] == dataset.version(0).reference
    assert dataset.latest() != dataset.version(0)


def damage(walk: Walk) -> Path:
    """Change one byte of the newest model's weights on disk."""
    model = walk.lake.table("census_income/model").latest()
    assert model is not None
    folder = Path(walk.lake.artifacts.open(model.lineage.facts["artifact"]).uri)
    weights = folder / "params.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    return weights


def test_damaged_weights_are_not_deployed_and_the_next_walk_mends_them(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("registered_model")
    whole = damage(walk).read_bytes()
    assert failed_steps(walk.run("deployment")) == {"census_income__deployment"}
    assert not walk.lake.table("census_income/deployment").exists()
    before = walk.lake.table("census_income/model").latest()
    assert walk.run().success
    assert walk.lake.table("census_income/model").latest() == before
    assert damage(walk).read_bytes() == whole  # Damaging the mended file gives the damaged one.


def test_a_damaged_canary_is_not_promoted(walked_to: Callable[..., Walk]):
    walk = walked_to("deployment", model__seed=1, model_gates__fairness__severity="warn")
    assert walk.run().success
    damage(walk)
    with pytest.raises(CorruptionError):
        promote_canary(walk.settings, "census_income", "test")
    assert traffic(walk.lake.table("census_income/deployment")).canary is not None


def test_data_that_was_refused_is_not_what_the_next_delivery_is_measured_by(
    walked_to: Callable[..., Walk],
):
    """Two thirds of the rows go missing in two steps; the second is compared with the last good one."""
    walk = walked_to("dataset")
    rewrite(walk, "adult.data.gz", lambda lines: lines[:700])
    assert failed_steps(walk.run("source", "dataset")) == {"census_income_dataset_gates"}
    rewrite(walk, "adult.data.gz", lambda lines: lines[:690])
    assert failed_steps(walk.run("source", "dataset")) == {"census_income_dataset_gates"}
