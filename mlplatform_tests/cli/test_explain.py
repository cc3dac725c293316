"""`explain` and `diff`: whole commands on a small lake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mlplatform.cli.main import app
from mlplatform.errors import PlatformError
from mlplatform_tests.conftest import ROOT
from mlplatform_tests.provenance.conftest import two_models  # noqa: F401 - a fixture.
from mlplatform_tests.provenance.registered import HOSTILE

ESCAPED = r"<script>alert(1)</script>\x1b[31m\u202eevil"


@pytest.fixture
def command(two_models):  # noqa: F811 - the fixture, not the function.
    """Run a command of `mlplatform` on the lake of two models."""

    def run(*words: object) -> Result:
        environ = {"MLPLATFORM_LAKE": str(two_models), "COLUMNS": "200"}
        return CliRunner().invoke(app, [str(word) for word in words], env=environ)

    return run


def test_explain_prints_every_part_as_a_tree(command):
    said = command("explain", "census").stdout
    assert said.startswith("census version 2, champion")
    for part in ("Overridden", "Who and why", "Data", "Code", "Gates", "Deployments", "Artifact"):
        assert f"── {part}" in said
    assert "sensor retrain_on_drift" in said
    assert "psi 0.31" in said


def test_what_strangers_wrote_reaches_no_terminal_raw(command):
    for words in (("explain", "census"), ("diff", "census@1", "census@2")):
        said = command(*words).stdout
        assert ESCAPED in said
        assert "\x1b" not in said
        assert "\u202e" not in said


def test_explain_for_machines_has_all_of_it(command):
    told = json.loads(command("explain", "census@1", "--json").stdout)
    assert (told["pipeline"], told["version"], told["role"]) == ("census", 1, "previous")
    assert told["judged"]["metrics"][0]["lower"] == 0.89


def test_diff_for_machines_has_all_of_it(command):
    told = json.loads(command("diff", "census@1", "census", "--json").stdout)
    assert [c["what"] for c in told["spec"]] == ["model.learning_rate"]
    assert told["landed"][0]["name"] == HOSTILE


def test_diff_says_what_is_the_same(command):
    said = command("diff", "census@1", "census@1").stdout
    assert said.startswith("From census@1 to census@1")
    assert said.count("The same.") == 5


def test_files_are_written_and_named(command, tmp_path):
    names = ("html", "picture", "openlineage", "slsa")
    files = {name: tmp_path / name for name in names}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    done = command("explain", "census", *options)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.count("wrote ") == 4
    assert files["html"].read_text().startswith("<!doctype html>")
    assert files["picture"].read_text().startswith("<?xml")
    assert json.loads(files["slsa"].read_text())["_type"] == "https://in-toto.io/Statement/v1"
    assert len(files["openlineage"].read_text().splitlines()) == 16


def test_a_page_of_a_difference_is_written(command, tmp_path):
    page = tmp_path / "diff.html"
    assert command("diff", "census@1", "census", "--html", page).exit_code == 0
    assert "From census@1 to census@2" in page.read_text()


def test_a_file_that_cannot_be_written_is_one_line(command, tmp_path):
    done = command("explain", "census", "--html", tmp_path / "no" / "page.html")
    assert isinstance(done.exception, PlatformError)
    assert str(done.exception).endswith("No such file or directory; name another file")


def test_a_model_that_is_not_there_is_one_line(command):
    done = command("explain", "census@9")
    assert str(done.exception) == "census has no model version 9; there are 1 to 2"


def test_the_commands_import_nothing_heavy(two_models):  # noqa: F811 - the fixture, not the function.
    """Whole processes have a second: JAX, MLflow and pandas take longer to import than that."""
    script = (
        "import sys; from mlplatform.cli.main import app\n"
        "for words in (['explain', 'census'], ['diff', 'census@1', 'census']):\n"
        "    app(words, standalone_mode=False)\n"
        "heavy = ('jax', 'mlflow', 'pandas', 'deltalake', 'scipy', 'mlplatform.spec')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    environ = {"MLPLATFORM_LAKE": str(two_models), "PATH": str(Path(sys.executable).parent)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"
