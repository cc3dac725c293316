"""Pipelines that predict one of several classes, a number, or quantiles of one, from source to deployment."""

import json
from pathlib import Path

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
import yaml

from mlplatform.features.predicts import Predicts
from mlplatform.features.program import Predictor
from mlplatform.judging.model import GATES
from mlplatform.serve.candidate import serving
from mlplatform.serve.client import PredictionClient
from mlplatform_tests.assets.conftest import Walk, failed_steps, walk_in
from mlplatform_tests.features import people
from mlplatform_tests.small import QUICK_LATENCY, QUICK_THROUGHPUT, change

pytestmark = pytest.mark.slow

ROWS = 3000
FEATURES = """from mlplatform.features import Categorical, FeatureSet, Numeric

features = FeatureSet(
    [Numeric("age"), Numeric("income", log=True), Numeric("rooms"), Categorical("city")]
)
"""
UNUSED = {
    "email": "identifies a person", "member": "another label", "kind": "another label",
    "spending": "another label",
}  # fmt: skip
# Numbers without a limit of fairness, quantiles with one.
FAIRNESS = {
    "multiclass": {"max_accuracy_gap": 1.0, "max_increase": 1.0, "min_rows": 2},
    "regression": {},
    "quantiles": {"max_error_ratio": 100.0, "max_increase": 1.0, "min_rows": 2},
}
METRICS = {
    "multiclass": ("accuracy", 0.5),
    "regression": ("r2", 0.5),
    "quantiles": ("coverage", 0.6),
}


def written(home: Path, task: str) -> Walk:
    """Write the pipeline of people with a label of this task."""
    folder = home / "pipelines" / "people"
    (folder / "data").mkdir(parents=True)
    data = people.dataset(ROWS).drop_columns("row_id")
    pcsv.write_csv(data, folder / "data" / "people.csv")
    (folder / "features.py").write_text(FEATURES)
    label = people.OTHER_TASKS[task]["label"]
    unused = {name: why for name, why in UNUSED.items() if name != label["column"]}
    if label.get("weight") is None:
        unused["times"] = "weighs the rows of another label"
    attributes = {
        "name": "people",
        "source": {"kind": "csv", "files": ["data/people.csv"], "header": True},
        "columns": people.COLUMNS,
        "label": label,
        "groups": ["city"],
        "unused": unused,
        "split": {"test": 0.25, "validation": 0.2},
        "model": {
            "family": "mlp", "hidden": [32], "epochs": 30, "batch_size": 64, "learning_rate": 0.01,
        },
        "data_gates": {"sensitive_data": {"allow": {"email": "made up"}}},
        "model_gates": {
            "latency": QUICK_LATENCY, "throughput": QUICK_THROUGHPUT,
            "calibration": {"max_error": 0.5, "max_tail_error": 1.0},
            "behaviour": {"max_flips": 1.0}, "fairness": FAIRNESS[task],
            # A few hundred rows do not tell a model trained again from the one before.
            "performance": {"inconclusive": "warn"}, "regression": {"inconclusive": "warn"},
        },
    }  # fmt: skip
    spec = {"type": "assets.MLPipeline", "attributes": attributes}
    (folder / "defs.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return walk_in(home, "people")


@pytest.fixture(scope="module", params=METRICS)
def task(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def walk(tmp_path_factory, task) -> Walk:
    """A pipeline that was walked once."""
    walk = written(tmp_path_factory.mktemp("walk"), task)
    result = walk.run()
    assert result.success, (failed_steps(result), walk_said(walk))
    return walk


def walk_said(walk: Walk) -> list[str]:
    """What gates said that did not pass."""
    rows = walk.lake.table("people/gates").read().to_pylist()
    stopped = [row for row in rows if row["outcome"] != "pass" and row["severity"] == "block"]
    return [f"{row['gate']}: {row['because']}" for row in stopped]


def test_the_gates_that_apply_have_passed(walk, task):
    assert walk_said(walk) == []
    judged = set(walk.said("evaluation"))
    idle = {"throughput"} | ({"fairness"} if task == "regression" else set())
    assert judged == GATES.keys() - idle
    parity = walk.said("model")["program_matches_training"]
    assert Predicts.of(walk.pipeline.spec.label).metric.replace("_", " ") in parity.because


def test_the_model_is_good_and_its_metrics_are_kept(walk, task):
    rows = walk.lake.table("people/evaluation").read().to_pylist()
    overall = {row["metric"]: row["observed"] for row in rows if not row["group"]}
    name, least = METRICS[task]
    assert overall[name] >= least
    assert {row["group"] for row in rows} == {"", "city"}
    registered = walk.lake.table("people/registered_model").read().to_pylist()[-1]
    assert json.loads(registered["metrics"])[name] == pytest.approx(overall[name])


def test_the_model_says_what_it_predicts_and_serves_it(walk, task):
    digest = walk.lake.table("people/model").latest().lineage.facts["artifact"]
    predictor = Predictor.load(walk.lake.artifacts.open(digest))
    predicts = Predicts.of(walk.pipeline.spec.label)
    assert predictor.predicts == predicts
    row = {"age": 40, "income": 30_000.0, "rooms": 2, "city": "Paris"}
    with (
        serving(walk.settings.lake, digest, compile_cache=Walk.programs) as url,
        PredictionClient(url) as client,
    ):
        answer = client.predict([row])
    expected = predictor.predict(predictor.encoder.encode_rows([row]))
    assert answer.answers == expected.tolist()
    assert predicts.usable(expected).all()


def test_a_file_is_scored_with_a_column_for_each_number(walk, task, tmp_path):
    out = tmp_path / "out.parquet"
    done = walk.command("predict", "people", walk.folder / "data" / "people.csv", "--output", out)
    assert done.exit_code == 0, done.output
    made = pq.read_table(out)
    assert made.column_names == ["row", *Predicts.of(walk.pipeline.spec.label).columns]
    assert made.num_rows == ROWS


def test_the_report_shows_what_applies(walk, task):
    facts = walk.lake.table("people/gate_verdict").latest().lineage.facts
    page = walk.lake.artifacts.open(facts["report"]).read("report.html").decode()
    shown = {
        "multiclass": "Labels and answers", "regression": "Predicted and true",
        "quantiles": "Share of labels at most it",
    }  # fmt: skip
    assert shown[task] in page
    assert "ROC curve" not in page


def test_a_second_model_is_compared_with_the_first(walk, task):
    change(walk.folder, model__seed=1)
    result = walk.run()
    assert result.success, (failed_steps(result), walk_said(walk))
    for gate in ("performance", "regression"):
        assert "against champion" in walk.said("evaluation")[gate].because
    assert walk.command("status").exit_code == 0
