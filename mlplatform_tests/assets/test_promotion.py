"""A canary takes all traffic only while its gates say what they said when it was deployed; a rollback asks nobody."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.cli.release import promote_canary, roll_back
from mlplatform.errors import PlatformError
from mlplatform.rollout import Event, Kind
from mlplatform.rollout.events import append, traffic
from mlplatform_tests.assets import test_refusals as damages
from mlplatform_tests.assets.conftest import Walk, failed_steps, walk_in

NAME = "census_income"


@pytest.fixture(scope="module")
def on_trial(walked_to: Callable[..., Walk]) -> Path:
    """The home of a walk whose second model is a canary."""
    walk = walked_to("deployment", model__seed=1, model_gates__fairness__severity="warn")
    # A few hundred rows tell nothing of small groups.
    result = walk.run()
    assert result.success, failed_steps(result)
    return walk.folder.parents[1]


@pytest.fixture
def walk(on_trial: Path, tmp_path: Path) -> Walk:
    """A copy of that walk."""
    shutil.copytree(on_trial, tmp_path / "home")
    return walk_in(tmp_path / "home")


def live(walk: Walk) -> tuple[int | None, int | None]:
    """The versions of champion and canary."""
    now = traffic(walk.lake.table(f"{NAME}/deployment"))
    return (
        now.champion.version if now.champion else None,
        now.canary.version if now.canary else None,
    )


def integrity_failed(walk: Walk) -> None:
    """What it was made from turned out to be refused."""
    last(walk, gate="data_integrity", outcome="fail", because="row_count was refused")


def integrity_overridden(walk: Walk) -> None:
    """And somebody wrote a row that no command writes."""
    integrity_failed(walk)
    last_override(walk, "data_integrity")


def last(walk: Walk, gate: str, **columns: str) -> None:
    """Add the verdict of a gate once more, with other content."""

    def edit(rows: pa.Table) -> pa.Table:
        mine = rows.filter(pc.equal(rows["gate"], gate))
        return pa.concat_tables([rows, damages.having(mine, **columns)])

    damages.rewrite(walk, "gates", edit)


def last_override(walk: Walk, gate: str) -> None:
    """Write a row that lets the last verdict of a gate through."""
    rows = walk.lake.table(f"{NAME}/gates").read().to_pylist()
    row = [each for each in rows if each["gate"] == gate][-1]
    forged = replace(damages.given(walk), gate=gate, subject_digest=row["subject_digest"])
    damages.keep(walk, forged)


def withdrawn(walk: Walk) -> None:
    """It went live by an override that was taken back."""
    damages.failed_since(walk)
    damages.keep(walk, damages.given(walk))
    said = walk.command("gate", "withdraw", NAME, damages.GATE, "--because", "it was a mistake")
    assert said.exit_code == 0, said.output


def another_champion(walk: Walk) -> None:
    """Somebody put a third model in the champion's place."""
    event = Event(
        kind=Kind.DEPLOYED, model_digest=damages.OTHER, model_version=9, percent=100, by="t",
        reason="t", at=datetime.now(UTC),
    )  # fmt: skip
    table = walk.lake.table(f"{NAME}/deployment")
    append(table, event, damages.WHO, token="other")
    canary = Event(
        kind=Kind.CANARY, model_digest=walk.lake.table(f"{NAME}/model").latest().lineage.facts["artifact"],
        model_version=2, percent=10, by="t", reason="t", at=datetime.now(UTC),
    )  # fmt: skip
    append(table, canary, damages.WHO, token="again")


REFUSED = {
    **damages.REFUSED,
    withdrawn: f"{damages.GATE} fail: it has 99 MB",
    integrity_failed: "data_integrity fail: row_count was refused",
    integrity_overridden: "data_integrity fail: row_count was refused",
    another_champion: "but bbbbbbbbbbbb is live now",
}


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__)
def test_a_canary_is_not_promoted_and_can_be_rolled_back(damage, walk: Walk):
    damage(walk)
    before = live(walk)
    with pytest.raises(PlatformError, match=f"(?s){REFUSED[damage]}") as refused:
        promote_canary(walk.settings, NAME, "test")
    assert "\n" not in str(refused.value)
    assert live(walk) == before
    if damage is not another_champion:  # Whose bytes are nowhere.
        roll_back(walk.settings, NAME, "test")
        assert live(walk) == (1, None)


def test_a_canary_whose_gates_say_what_they_said_is_promoted(walk: Walk):
    damages.failed_since(walk)
    damages.keep(walk, damages.given(walk))
    said = walk.command("promote", NAME)
    assert said.exit_code == 0, said.output
    assert live(walk) == (2, None)


def test_a_refused_command_fails_and_changes_nothing(walk: Walk):
    damages.failed_since(walk)
    said = walk.command("promote", NAME)
    assert said.exit_code != 0
    assert live(walk) == (1, 2)
