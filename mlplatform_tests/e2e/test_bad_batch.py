"""A batch with a defect lands, is refused before anything is made of it, and is taken out again."""

import pytest

from mlplatform.gates import record
from mlplatform.verdict import Verdict
from mlplatform_tests.e2e.conftest import Home
from mlplatform_tests.small import batch

pytestmark = pytest.mark.slow

GAIN = 10  # The place of `capital_gain` in a line.
# Tables that show what was refused, and MLflow's index, which notices that its server moved.
JUDGED = ("source", "dataset", "statistics", "gates", "mlflow_index")


def in_cents_of_cents(home: Home) -> str:
    """Return a file of 600 further people whose capital gains are a thousand times too large."""
    path = batch(home.folder / "gains.csv", 5000, 600)
    lines = [line.split(", ") for line in path.read_text().splitlines()]
    for fields in lines:
        fields[GAIN] = str(int(fields[GAIN]) * 1000)
    path.write_text("".join(", ".join(fields) + "\n" for fields in lines))
    return str(path)


def refusals(home: Home) -> dict[str, Verdict]:
    """Return what refused the newest dataset."""
    dataset = home.lake.table("census_income/dataset").latest()
    rows = home.lake.table("census_income/gates").read().to_pylist()
    mine = [record.verdict(r) for r in rows if dataset and r["subject_digest"] == dataset.digest]
    return {verdict.gate: verdict for verdict in mine if not verdict.passed}


def test_a_wrong_unit_stops_the_walk_at_the_dataset_and_withdrawing_it_undoes_everything(
    walked_home: Home,
):
    home = walked_home
    before, clean = home.versions(*JUDGED), home.lake.table("census_income/dataset").latest()
    assert clean is not None
    landed = home.run("mlplatform", "land", "census_income", in_cents_of_cents(home))
    assert (landed.returncode, "600 rows landed" in landed.stdout) == (0, True)
    stopped = home.materialize()
    assert stopped.returncode == 1
    assert "Dependencies for step census_income__split" in stopped.stderr
    assert home.versions(*JUDGED) == before

    said = refusals(home)["value_ranges"]
    worst = said.evidence["columns"][0]
    assert (worst["column"], worst["broken"]) == ("capital_gain", True)
    assert worst["observed"] == 45 / 600
    assert worst["observed"] > worst["limit"] > worst["expected"] == 0
    assert "45 of 600 values of capital_gain lie far outside the reference's" in said.because
    assert said.evidence["examples"]
    for row in said.evidence["examples"]:
        assert row["source_file"] == "gains.csv"
        assert row["capital_gain"] > 99_999
    alerts = (home.folder / "state" / "alerts.jsonl").read_text()
    assert said.because in alerts

    assert home.run("mlplatform", "withdraw", "census_income", "gains.csv").returncode == 0
    again = home.materialize()
    assert again.returncode == 0, again.stderr[-3000:]
    assert home.versions(*JUDGED) == before
    now = home.lake.table("census_income/dataset").latest()
    assert now is not None
    assert now.digest == clean.digest
