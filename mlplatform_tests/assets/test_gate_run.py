"""`mlplatform gate run` on a walk: it stops what registration would refuse, and says so in every file."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import Result

from mlplatform.gates import record
from mlplatform.gates.override import Override
from mlplatform.lake import Lineage
from mlplatform.provenance import policy
from mlplatform.registry import overrides
from mlplatform.verdict import Outcome, Verdict
from mlplatform_tests.assets.conftest import Walk

WHO = Lineage(asset="census_income/gates", run_id="run-1", code_version="test")
TOO_BIG = {"model_gates__artifact_size__max_megabytes": 0.001}
QUICK = ("--gate", "artifact_size", "--gate", "budget", "--gate", "row_count")


def asked(walk: Walk, folder: Path, *words: object) -> tuple[Result, dict, ET.Element, str]:
    """Run the command with all files; return how it ended, and the three."""
    files = {name: folder / "out" / name for name in ("junit", "markdown", "json")}
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    ended = walk.command("gate", "run", "census_income", *options, *words)
    suite = ET.parse(files["junit"]).getroot()  # noqa: S314  written a line above
    return ended, json.loads(files["json"].read_text()), suite, files["markdown"].read_text()


def results(told: dict) -> dict[str, str]:
    return {gate["gate"]: gate["result"] for gate in told["gates"]}


def model_of(walk: Walk):
    version = walk.lake.table("census_income/model").latest()
    assert version
    return version


def test_a_gate_before_the_evaluation_stops_it_too(walked_to: Callable[..., Walk], tmp_path: Path):
    walk = walked_to("evaluation")
    ended, told, *_ = asked(walk, tmp_path, *QUICK)
    assert results(told) == {"row_count": "PASS", "budget": "PASS", "artifact_size": "PASS"}
    assert ended.exit_code == 0, ended.output
    row = record.rows(
        [Verdict(gate="budget", outcome=Outcome.FAIL, because="out of time")],
        subject="census_income/model", subject_digest=model_of(walk).digest, run_id="r",
        policy_hash=policy.in_force(walk.pipeline), decided_at=datetime.now(UTC),
    )  # fmt: skip
    walk.lake.table("census_income/gates").append(row, WHO, token="late")
    ended, told, suite, said = asked(walk, tmp_path, *QUICK)
    assert (ended.exit_code, results(told)["budget"]) == (1, "FAIL")
    assert [case.get("name") for case in suite.iter("testcase") if list(case.iter("failure"))] == [
        "budget"
    ]
    assert "❌ FAIL" in said


def test_a_changed_limit_is_answered_and_an_override_lets_the_model_through(
    walked_to: Callable[..., Walk], tmp_path: Path
):
    walk = walked_to("evaluation", **TOO_BIG)
    ended, told, *_ = asked(walk, tmp_path, *QUICK)
    wanted = {"row_count": "WARNING", "budget": "WARNING", "artifact_size": "FAIL"}
    assert (ended.exit_code, results(told)) == (1, wanted)
    now = datetime.now(UTC)
    decided = {
        "gate": "artifact_size", "subject": "census_income/evaluation", "subject_digest": "e" * 64,
        "model_digest": model_of(walk).lineage.facts["artifact"], "outcome": Outcome.FAIL,
        "policy_hash": policy.in_force(walk.pipeline), "by": "ann", "because": "the label was late",
        "at": now, "until": now + timedelta(days=1),
    }  # fmt: skip
    table = walk.lake.table("census_income/gate_overrides")
    others: list[dict[str, object]] = [
        {"model_digest": "f" * 64}, {"gate": "latency"}, {"baseline_digest": "b" * 64},
        {"policy_hash": "p" * 64}, {"until": now}, {"outcome": Outcome.INCONCLUSIVE},
    ]  # fmt: skip
    for ago, other in enumerate(others, 1):
        changed = {**decided, "at": now - timedelta(seconds=ago), **other}
        overrides.keep(table, Override(**changed), WHO)
    assert asked(walk, tmp_path, *QUICK)[0].exit_code == 1
    overrides.keep(table, Override(**decided), WHO)
    ended, told, suite, said = asked(walk, tmp_path, *QUICK)
    assert (ended.exit_code, results(told)["artifact_size"]) == (0, "OVERRIDDEN")
    [skipped] = suite.iter("skipped")
    assert "overridden by ann" in str(skipped.get("message"))
    assert "OVERRIDDEN" in said


@pytest.mark.parametrize("broken", ["model", "gate", "artifact"])
def test_what_cannot_be_asked_is_an_error_in_every_file(
    walked_to: Callable[..., Walk], tmp_path: Path, broken: str
):
    walk = walked_to("evaluation")
    words: tuple[str, ...] = {"model": ("--model", "fff"), "gate": ("--gate", "acuracy")}.get(
        broken, QUICK
    )
    if broken == "artifact":
        digest = model_of(walk).lineage.facts["artifact"]
        for path in (Path(walk.settings.lake) / "_artifacts" / digest).iterdir():
            path.unlink()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "json").write_text('{"result": "PASS"}')
    ended, told, suite, said = asked(walk, tmp_path, *words)
    assert ended.exit_code == 1
    assert (told["result"], told["stops"], told["gates"]) == ("ERROR", True, [])
    [error] = suite.iter("error")
    assert error.get("message") == told["because"]
    assert "ERROR: the gates of census" in said


def test_one_file_that_cannot_be_written_costs_no_other(
    walked_to: Callable[..., Walk], tmp_path: Path
):
    walk = walked_to("evaluation")
    (tmp_path / "file").touch()
    to = ("--junit", tmp_path / "file" / "gates.xml", "--json", tmp_path / "gates.json")
    ended = walk.command("gate", "run", "census_income", *QUICK, *to)
    assert ended.exit_code == 1
    assert "cannot be written" in str(ended.exception)
    assert json.loads((tmp_path / "gates.json").read_text())["result"] == "PASS"
