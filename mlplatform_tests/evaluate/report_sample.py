"""A model that was never trained, with a report in which every section has something to show."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from mlplatform.evaluate.curves import curves_of
from mlplatform.evaluate.report_input import Champion, ReportInput
from mlplatform.evaluate.slices import by_group
from mlplatform.evaluate.tasks import measured
from mlplatform.features.predicts import Predicts
from mlplatform.spec.card import Card
from mlplatform_tests.evaluate.report_sample_gates import OVERALL, verdicts
from mlplatform_tests.models import LABELS

SEXES, RACES = (
    ("Female", "Male"),
    ("Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other", "White"),
)
DIGEST = "abcdef0123456789" * 4
CARD = Card(
    intended_uses=["Showing a walk from source to deployment."],
    intended_users=["Engineers who try the platform."],
    out_of_scope=["Decisions about a person's pay, credit or housing."],
    limitations=["The survey is of 1994, in dollars of 1994."],
    tradeoffs=["A group's rates differ as its labels do."],
    ethical_considerations={
        "Repeats the pay gap of 1994": "Gaps are measured by sex and race, and gated."
    },
    references=["https://archive.ics.uci.edu/dataset/2/adult"],
    citation="Becker and Kohavi (1996), Adult, UCI Machine Learning Repository.",
    licence="CC-BY-4.0",
    contact="ml-platform@example.com",
)


def sample(task: str = "binary", rows: int = 6000) -> ReportInput:
    """Return the report of a task; of all tasks the binary one has the most to show."""
    rng = np.random.default_rng(11)
    predicts = Predicts.of(LABELS[task])
    labels, mine, theirs = _answers(task, rng, rows)
    people = pa.table(
        {
            "sex": rng.choice(SEXES, rows, p=[0.33, 0.67]),
            "race": rng.choice(RACES, rows, p=[0.02, 0.04, 0.1, 0.01, 0.83]),
        }
    )
    both = [measured(predicts, labels, answers) for answers in (mine, theirs)]
    of_both = [_slices(people, labels, answers, predicts) for answers in (mine, theirs)]
    return ReportInput(
        pipeline="census_income",
        description="Predicts whether a person's yearly income is above 50,000 dollars (UCI Adult).",
        model_version="7",
        model_digest=DIGEST,
        made_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        metrics=both[0],
        intervals=_bounds(of_both[0]),
        curves=curves_of(predicts, labels, mine),
        overall=OVERALL,
        verdicts=verdicts(both, task),
        slices=[row for row in of_both[0] if row["kind"] != "all"],
        champion=Champion(
            name="6", metrics=both[1], curves=curves_of(predicts, labels, theirs),
            intervals=_bounds(of_both[1]),
        ),
        provenance={
            "code": "32ceb343" * 5,
            "Dagster run": "6a1c8f0e-6c1b-4a8e-9a37-8d5a5a1c2f10",
            "table census_income/dataset": "version 3:8f0c2d1e5a7b",
            "table census_income/features": "version 4:1d2c3b4a5f6e",
            "table census_income/model": "version 7:0a1b2c3d4e5f",
        },
        predicts=predicts,
        positive=">50K" if task == "binary" else "",
        training={"family": "tabm", "parameters": 81_408.0, "best_epoch": 9.0, "steps": 1_650.0},
        card=CARD,
        owners=["team:ml-platform"],
        columns={"age": "int64", "workclass": "string", "hours_per_week": "int64"},
        split="test files adult.test.gz",
    )  # fmt: skip


def _answers(task, rng, rows):
    """Return labels, this model's answers and the champion's, which is a little worse."""
    if task == "binary":
        labels = (rng.random(rows) < 0.24).astype(int)
        signal = rng.normal(2.2 * labels - 2.1, 1.15)
        return labels, *(1 / (1 + np.exp(-(signal + rng.normal(0, s, rows)))) for s in (0.1, 0.35))
    if task == "multiclass":
        labels = rng.integers(0, 3, rows)
        logits = rng.normal(0, 1, (rows, 3)) + 1.6 * np.eye(3)[labels]
        softmax = [
            np.exp(z) / np.exp(z).sum(1, keepdims=True)
            for z in (logits, 0.8 * logits + rng.normal(0, 0.3, logits.shape))
        ]
        return labels, *softmax
    labels = rng.normal(50, 10, rows)
    if task == "regression":
        return labels, labels + rng.normal(0.3, 4, rows), labels + rng.normal(0.5, 4.4, rows)
    return labels, *(
        50 + np.array([-12.8, 0.0, 12.8]) * wide + rng.normal(0, 0.3, (rows, 3))
        for wide in (1.0, 0.9)
    )


def _slices(people, labels, answers, predicts):
    """Return rows as the `evaluation` table has them, and one of a weak slice that was found."""
    rows = by_group(people, ["sex", "race"], labels, answers, predicts).to_pylist()
    name = "age in [52, 61) & education_num in [13, 15)"
    weak = [
        {**row, "slice": name, "group": "weak", "value": name, "kind": "weak", "rows": 412}
        | {at: _worse(row["metric"], row[at]) for at in ("observed", "lower", "upper")}
        for row in rows
        if row["slice"] == "sex=Male"
    ]
    return [{"model": DIGEST, **row} for row in rows + weak]


def _bounds(rows):
    """Return the intervals of all rows."""
    known = [row for row in rows if row["slice"] == "all" and row["lower"] is not None]
    return {row["metric"]: (row["lower"], row["upper"]) for row in known}


def _worse(metric, value):
    return value and value * (1.5 if metric in {"mae", "pinball"} else 0.85)
