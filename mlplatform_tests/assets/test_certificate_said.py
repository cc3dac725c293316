"""What the log of a run says of a certificate."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import resources
from assets import certificate as module
from mlplatform.lake import Lineage, Version
from mlplatform.provenance.certificate import Certificate
from mlplatform.settings import Settings
from mlplatform.spec import load_pipeline
from mlplatform_tests.small import small_pipeline


def test_the_outcome_is_in_the_log_in_the_words_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    details = {"files": {"params.safetensors": "equal"}, "environment": {"how": "as told"}}
    made = Certificate(
        model_version=1, model_digest="ab" * 32, outcome="BIT_EXACT", max_ulp=0, first_difference="",
        details=details, code_version="ab" * 20, environment="", hardware_class="", made_by="ada",
        made_at=datetime(2026, 3, 1, tzinfo=UTC), seconds=1.0,
    )  # fmt: skip
    by = Lineage(asset="a", run_id="r", code_version="c")
    at = made.made_at
    version = Version(
        table="census_income/certificate", number=0, digest="cd" * 32, rows=1, lineage=by, committed_at=at
    )  # fmt: skip
    monkeypatch.setattr(module, "_made", lambda *_: (made, version))
    asset = module.build(load_pipeline(small_pipeline(tmp_path / "pipelines")))
    settings = Settings.from_environment({"MLPLATFORM_HOME": str(tmp_path / "home")}, tmp_path)
    shared: dict[str, Any] = resources.for_settings(settings)
    wanted = {name: shared[name] for name in ("lake", "compute")}
    config = {"ops": {asset.op.name: {"config": {"model": "newest"}}}}
    result = dg.materialize([asset], resources=wanted, run_config=config)
    assert result.success
    assert "BIT_EXACT: every byte of 1 files is equal" in capfd.readouterr().err
