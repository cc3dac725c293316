"""`mlplatform lake`: what people are told, what machines get, and what is only done with --yes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from mlplatform.cli.lake_commands import app
from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import Lake, faults
from mlplatform_tests.cli.conftest import invoked
from mlplatform_tests.provenance.generations import Generations


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generations:
    """The checkout that is the working directory, with three walks, the second one registered."""
    for name in ("definitions.py", "workspace.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPLATFORM_LAKE", "lake")
    world = Generations(tmp_path, retention__report_days=1e-9)  # Expired at once.
    for _ in range(3):
        world.walk()
    world.register(1)
    return world


def ran(*words: object) -> Result:
    shown = invoked(app, *words)
    assert shown.exit_code == 0, shown.output
    return shown


def test_a_vacuum_tells_what_would_go_and_why_the_rest_stays_and_does_nothing(
    world: Generations,
):
    said = ran("vacuum", "--grace-days", 0).output
    assert "census_income/dataset: 2 of 3 versions kept" in said
    assert "; 1 would be freed: 1 file, " in said
    assert "  keeps 1: census_income registered model 1\n" in said
    assert "  keeps 2: newest; census_income newest versions\n" in said
    assert "--yes does it" in said
    assert world.readable("dataset") == {0, 1, 2}


def test_with_yes_it_goes_and_a_second_time_there_is_nothing_left(world: Generations):
    assert " freed" in ran("vacuum", "--grace-days", 0, "--yes").output
    assert world.readable("dataset") == {1, 2}
    assert world.stored("state") == {1, 2}
    assert ran("vacuum", "--grace-days", 0, "--yes").output.endswith("\n0 B freed\n")


def test_the_grace_of_a_week_keeps_what_was_written_just_now(world: Generations):
    assert ran("vacuum", "--yes").output.endswith("\n0 B freed\n")
    assert world.readable("dataset") == {0, 1, 2}


def test_machines_get_everything(world: Generations):
    plan = json.loads(ran("vacuum", "--grace-days", 0, "--json").output)
    tables = {each["table"]: each for each in plan["tables"]}
    dataset = tables["census_income/dataset"]
    assert (dataset["freed"], dataset["versions"]) == ([0], 3)
    assert dataset["kept"]["1"] == ["census_income registered model 1"]
    assert plan["bytes"] == sum(t["bytes"] for t in plan["tables"]) + sum(
        plan["artifacts"].values()
    )
    assert plan["removed"] is False
    leases = json.loads(ran("leases", "--json").output)
    (model,) = (one for one in leases if one["stage"] == "registered")
    assert model["until"] is None
    assert model["versions"]["census_income/dataset"] == world.made[1]["dataset"].reference
    done = json.loads(ran("optimize", "--json", "--least-files", 2).output)
    assert {each["table"] for each in done} == set(world.lake.tables())


def test_leases_are_told_by_stage_and_expired_ones_too(world: Generations):
    said = ran("leases", "census_income").output
    assert "census_income, registered: 1\n  registered model 1: for ever; " in said
    assert "census_income/dataset 1" in said
    assert said.count("(expired)") == 3


def test_optimize_says_what_it_did_and_why_not(world: Generations):
    said = ran("optimize", "--least-files", 3).output
    assert "census_income/gate_verdict: 3 files of " in said
    assert "census_income/dataset: as it was, 1 small file, fewer than 3\n" in said
    assert world.readable("gate_verdict") == {0, 1, 2}


def test_a_named_table_is_taken_alone(world: Generations):
    said = ran("vacuum", "census_income/dataset", "--grace-days", 0, "--yes").output
    assert "census_income/split" not in said
    assert (world.readable("dataset"), world.readable("split")) == ({1, 2}, {0, 1, 2})
    assert world.stored("state") == {0, 1, 2}


def test_what_is_lost_is_told_and_nothing_goes_before_somebody_says_so(
    world: Generations, capture: Callable[..., str]
):
    shutil.rmtree(Path(world.lake.root, "census_income", "features"))
    lost = f"census_income/features {world.made[1]['features'].reference}"
    said = ran("vacuum", "--grace-days", 0).output
    assert f"warning: {lost} is needed and not there" in said
    assert f"keeps 0: {lost} is not there, so what else it named is not known\n" in said
    assert "restore it, or --despite-lost" in capture("vacuum", "--grace-days", 0, "--yes")
    ran("vacuum", "--grace-days", 0, "--yes", "--despite-lost")
    assert world.readable("dataset") == world.stored("state") == {0, 1, 2}
    assert not Path(world.lake.root, "_vacuum").exists()


def test_what_becomes_leased_while_the_vacuum_runs_is_not_told_as_freed(
    world: Generations, monkeypatch: pytest.MonkeyPatch
):
    def meanwhile(point: str) -> None:
        if point == "vacuum_recorded":
            monkeypatch.setattr(faults, "hook", None)
            world.register(0)

    monkeypatch.setattr(faults, "hook", meanwhile)
    said = json.loads(ran("vacuum", "--grace-days", 0, "--yes", "--json").output)
    assert {tuple(table["freed"]) for table in said["tables"]} == {()}
    assert world.readable("dataset") == world.stored("state") == {0, 1, 2}


@pytest.mark.parametrize("days", ["inf", "nan", "1e12", "1e300", "-1"])
def test_a_grace_that_is_none_is_refused(world: Generations, days: str, capture):
    assert "is none; give 0 to 36,500" in capture("vacuum", "--grace-days", days)


def test_a_table_that_was_only_begun_stops_nothing(world: Generations):
    Path(world.lake.root, "census_income", "extra", "_delta_log").mkdir(parents=True)
    assert "extra" not in ran("vacuum", "--grace-days", 0, "--yes").output
    assert "census_income/gate_verdict: 3 files" in ran("optimize", "--least-files", 3).output


def test_the_other_tables_are_compacted_where_one_cannot_be(world: Generations):
    log = Path(world.lake.root, "census_income", "dataset", "_delta_log")
    (log / f"{2:020d}.json").write_text("")
    with pytest.raises(CorruptionError, match=r"is empty.*the other tables were compacted"):
        invoked(app, "optimize", "--least-files", 3)
    assert len(Lake(world.lake.root).table("census_income/gate_verdict").files()) == 1


@pytest.mark.parametrize("command", ["optimize", "vacuum"])
def test_a_table_that_is_not_there_is_named(
    world: Generations, command: str, capture: Callable[..., str]
):
    assert "there is no table census_income/datasets" in capture(command, "census_income/datasets")


@pytest.fixture
def capture() -> Callable[..., str]:
    """Run a command that refuses, and return why."""

    def run(*words: object) -> str:
        with pytest.raises(LakeError) as refused:
            invoked(app, *words)
        return str(refused.value)

    return run
