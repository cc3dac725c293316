"""What `mlplatform land` says of a batch is about that batch, whatever else has landed."""

from pathlib import Path

from typer.testing import CliRunner

from mlplatform.cli.main import app
from mlplatform_tests.small import TRAINING_LINES, batch, small_pipeline


def test_a_batch_is_told_by_its_own_rows_and_a_repeat_as_nothing_new(tmp_path: Path):
    small_pipeline(tmp_path / "pipelines")
    environ = {
        "MLPLATFORM_HOME": str(tmp_path / "home"),
        "MLPLATFORM_PIPELINES": str(tmp_path / "pipelines"),
    }

    def land(file: Path) -> str:
        return CliRunner().invoke(app, ["land", "census_income", str(file)], env=environ).output

    first, second = (batch(tmp_path / f"{n}.csv", TRAINING_LINES + n * 100, 50) for n in (1, 2))
    assert land(first).startswith("1.csv: 50 rows landed")
    assert land(second).startswith("2.csv: 50 rows landed")
    assert land(first) == "1.csv: landed before; nothing new\n"
