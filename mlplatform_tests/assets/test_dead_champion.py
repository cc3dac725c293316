"""A live model that nothing can run any more, and its successor."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlplatform.evaluate.assessment import SCORES, from_bytes
from mlplatform.lake import Lineage
from mlplatform.rollout import Event, Kind
from mlplatform.rollout.events import append
from mlplatform.verdict import Outcome
from mlplatform_tests.assets.conftest import Walk, failed_steps


def live(walk: Walk, **changed: bytes) -> str:
    """Make a champion of the newest model's files, some of them changed or added."""
    model = walk.lake.table("census_income/model").latest()
    assert model is not None
    artifact = walk.lake.artifacts.open(model.lineage.facts["artifact"])
    files = {name: artifact.read(name) for name in artifact.names}
    digest = walk.lake.artifacts.put({**files, **changed})
    event = Event(
        kind=Kind.DEPLOYED, model_digest=digest, model_version=1, percent=100, by="t", reason="t",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    who = Lineage(asset="test", run_id="r", code_version="c")
    append(walk.lake.table("census_income/deployment"), event, who, token="old")
    return digest


def of_another_format(walk: Walk) -> str:
    """Make a champion whose features are of an older format."""
    return live(walk, **{"features.json": b'{"format": 1}'})


def gone(walk: Walk) -> str:
    """Make a champion, and delete its files."""
    digest = live(walk, note=b"an older one")
    shutil.rmtree(folder_of(walk, digest))
    return digest


def folder_of(walk: Walk, digest: str) -> Path:
    return walk.settings.home / "lake" / "_artifacts" / digest


def champions(walk: Walk, noun: str) -> dict[str, str]:
    """Return the champion that each gate compared with, of the newest version of an asset."""
    version = walk.lake.table(f"census_income/{noun}").latest()
    rows = walk.lake.table("census_income/gates").read().to_pylist()
    mine = [row for row in rows if version and row["subject_digest"] == version.digest]
    return {row["gate"]: row["baseline_digest"] for row in mine}


@pytest.mark.parametrize(
    ("make", "told"),
    [(of_another_format, "its format is 1, not 2"), (gone, "there is no artifact")],
)
def test_a_champion_that_nothing_can_run_holds_its_successor_until_a_person_decides(
    walked_to: Callable[..., Walk], make: Callable[[Walk], str], told: str
):
    walk = walked_to("evaluation")
    champion = make(walk)
    result = walk.run("evaluation", "gate_verdict")
    assert failed_steps(result) == {"census_income_evaluation_gates"}
    said = walk.said("evaluation")
    held = {gate for gate, verdict in said.items() if verdict.stops}
    assert {"performance", "regression"} <= held
    for gate in held:
        assert said[gate].outcome is Outcome.INCONCLUSIVE
        assert champion[:12] in said[gate].because
    assert told in said["performance"].because
    assert "mlplatform gate override" in said["performance"].because
    evaluation = walk.lake.table("census_income/evaluation").latest()
    assert evaluation is not None
    facts = evaluation.lineage.facts
    assert facts["champion"] == champion
    assert champions(walk, "evaluation")["performance"] == champion
    scores = from_bytes(walk.lake.artifacts.open(facts["scores"]).read(SCORES))
    assert scores[facts["candidate"]].to_numpy().min() >= 0
    for gate in sorted(held):
        why = "the live model is of a format that nothing reads any more"
        done = walk.command(
            "gate", "override", "census_income", gate, "--because", why, "--expires", "7d"
        )
        assert done.exit_code == 0, done.output
    result = walk.run("evaluation", "gate_verdict")
    assert result.success, failed_steps(result)
    assert champions(walk, "gate_verdict")["overall"] == champion


def test_a_live_model_whose_files_are_gone_has_a_successor_once_a_person_lets_it_through(
    walked_to: Callable[..., Walk],
):
    walk = walked_to("deployment", model__epochs=7)
    (live_one,) = walk.lake.table("census_income/registered_model").read().to_pylist()
    champion = live_one["model_digest"]
    assert walk.run("model").success
    shutil.rmtree(folder_of(walk, champion))
    walk.run("evaluation")
    held = [gate for gate, verdict in walk.said("evaluation").items() if verdict.stops]
    assert "performance" in held
    for gate in held:
        words = ("--because", "the live model's files are lost", "--expires", "7d")
        assert walk.command("gate", "override", "census_income", gate, *words).exit_code == 0
    result = walk.run("evaluation", "gate_verdict", "registered_model", "deployment")
    assert failed_steps(result) <= {"census_income_deployment_gates"}
    registered = walk.lake.table("census_income/registered_model").read()
    assert registered.num_rows == 2
    # The lost bytes still take traffic: that is told, and stops no successor.
    lost = walk.said("deployment")["traffic_verified"]
    assert lost.outcome is Outcome.FAIL
    assert champion[:12] in lost.because


def test_a_champion_whose_files_are_restored_is_scored_again(walked_to: Callable[..., Walk]):
    walk = walked_to("evaluation")
    champion = live(walk, note=b"an older one")
    away = walk.folder.parent / "away"
    shutil.move(folder_of(walk, champion), away)
    walk.run("evaluation")
    table = walk.lake.table("census_income/evaluation")
    before = table.latest()
    assert before is not None
    assert "there is no artifact" in before.lineage.facts["unscored"]
    shutil.move(away, folder_of(walk, champion))
    walk.run("evaluation")
    after = table.latest()
    assert after is not None
    assert after.lineage.facts["champion"] == champion
    assert "unscored" not in after.lineage.facts
