"""A build whose gates could not be asked is told so, whatever an earlier one left."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

from mlplatform.cli.gate_files import UNFINISHED, Outputs
from mlplatform.cli.gates_output.markdown import marker, summary

HOSTILE = "@octocat broke\x00 <b>the</b> | lake\nsee #3"


def outputs(folder: Path) -> Outputs:
    return Outputs(junit=folder / "g.xml", markdown=folder / "g.md", json=folder / "g.json")


def test_what_an_earlier_run_said_is_gone_before_anything_is_asked(tmp_path: Path):
    for name in ("g.xml", "g.md", "g.json"):
        (tmp_path / name).write_text("PASS")
    outputs(tmp_path).begin("census")
    assert json.loads((tmp_path / "g.json").read_text())["because"] == UNFINISHED
    assert all("PASS" not in (tmp_path / name).read_text() for name in ("g.xml", "g.md", "g.json"))


def test_an_error_calls_nobody_and_formats_nothing(tmp_path: Path):
    outputs(tmp_path).fail("census", HOSTILE)
    said = (tmp_path / "g.md").read_text()
    assert said.startswith(marker("census"))
    assert "@o" not in said
    assert "<b>" not in said
    [error] = ET.parse(tmp_path / "g.xml").getroot().iter("error")  # noqa: S314  our own
    assert "octocat" in str(error.get("message"))


def test_a_comment_calls_nobody_from_its_evidence_either():
    from mlplatform_tests.cli.gates_output.conftest import gave

    said = summary("census", [gave(because="@ada", evidence={"by @bob": ["@team/all"]})])
    assert not any(f"@{c}" in said for c in "abt")
    block = said.partition("json\n")[2].partition("\n```")[0]
    assert json.loads(block) == {"by @bob": ["@team/all"]}
