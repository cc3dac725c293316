"""The page as a browser's parser reads it."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.evaluate.curves import Curves, curves, curves_of
from mlplatform.evaluate.html import VOID, el
from mlplatform.evaluate.metrics import binary
from mlplatform.evaluate.report import Champion, ReportInput, render
from mlplatform.evaluate.report_words import measure, number, reading
from mlplatform.evaluate.slices import by_group
from mlplatform.evaluate.tasks import measured
from mlplatform.features.predicts import Predicts
from mlplatform.verdict import Outcome, Severity, Verdict
from mlplatform_tests.models import LABELS as LABELS_OF

HOSTILE = '<script>alert("x")</script>&\'"><img src=http://evil.example/x>'
RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 2, 400)
SCORES = np.clip(RNG.normal(0.3 + 0.4 * LABELS, 0.2), 0, 1)
GROUPS = pa.table({"sex": RNG.choice(["Female", "Male"], 400)})
ACCURACY = Verdict(
    gate="accuracy",
    outcome=Outcome.PASS,
    observed=0.861,
    limit=0.84,
    baseline=0.85,
    because="fine: 1",
)
LATENCY = Verdict(
    gate="latency",
    outcome=Outcome.INCONCLUSIVE,
    severity=Severity.WARN,
    limit=50.0,
    because="9 samples",
)
OVERALL = Verdict(gate="overall", outcome=Outcome.FAIL, because="1 of 2 required gates passed")
FULL = ReportInput(
    pipeline="census_income",
    model_version="7",
    model_digest="abcdef0123456789" * 4,
    made_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    metrics=binary(LABELS, SCORES),
    curves=curves(LABELS, SCORES),
    overall=OVERALL,
    verdicts=[ACCURACY, LATENCY],
    slices=by_group(GROUPS, ["sex"], LABELS, SCORES).to_pylist(),
    champion=Champion(name="6", metrics={**binary(LABELS, SCORES), "auc": 0.5, "log_loss": 9.0}),
    provenance={"code": "32ceb34"},
    description="Predicts income.",
)


class Page(HTMLParser):
    """What is on the page: elements, their attributes, and the text that is read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note that it ended, in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text, but no style sheet."""
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Everything a person reads."""
        return " ".join(" ".join(self.words).split())


def test_the_page_says_what_it_was_given():
    page = Page(render(FULL))
    for said in (
        *("census_income", "model 7", "01 March 2026, 12:30 UTC", "Predicts income."),
        *("✕ Fail", "1 of 2 required gates passed", "on 400 held-out rows"),
        *("✓ Pass", "0.861", "0.84", "fine: 1", "? Inconclusive (warns)", "9 samples"),
        *("Against the champion, 6", "better", "sex", "Female", "Male", "32ceb34"),
        *("ROC curve", "Calibration", "Score distribution", "abcdef0123456789" * 4),
    ):
        assert said in page.text


def test_the_page_is_well_formed_and_draws_three_pictures_with_words_for_them():
    page = Page(render(FULL))
    assert page.open == []
    assert page.tags.count("svg") == 3
    assert page.tags.count("desc") == 3


def test_the_page_fetches_nothing_and_runs_nothing():
    page = Page(render(FULL))
    assert not {"script", "img", "link", "iframe", "object", "a", "use"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "href", "xlink:href"}
    assert not [name for name in names if name.startswith("on")]
    assert "url(" not in render(FULL)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_text_from_outside_is_text_wherever_it_stands():
    hostile = {
        "pipeline": HOSTILE,
        "model_version": HOSTILE,
        "model_digest": HOSTILE,
        "description": HOSTILE,
        "metrics": {**FULL.metrics, HOSTILE: 1.0},
        "champion": Champion(name=HOSTILE, metrics={HOSTILE: 2.0}),
        "provenance": {HOSTILE: HOSTILE},
        "overall": replace(OVERALL, because=HOSTILE),
        "verdicts": [replace(ACCURACY, gate=HOSTILE, because=HOSTILE)],
        "slices": [
            {**row, "group": HOSTILE, "value": HOSTILE} for row in FULL.slices if row["group"]
        ],
    }
    clean, page = Page(render(FULL)), Page(render(replace(FULL, **hostile)))
    assert set(page.tags) <= set(clean.tags)
    assert {name for name, _ in page.attributes} <= {name for name, _ in clean.attributes}
    assert page.text.count("alert(") >= 14


def test_a_first_model_and_a_missing_verdict_are_said():
    page = Page(render(replace(FULL, champion=None, overall=None, verdicts=())))
    assert "there was no champion to compare with" in page.text
    assert "Not judged yet" in page.text
    assert "No gate has judged this model" in page.text


def test_a_model_that_could_not_be_measured_still_has_a_page():
    nothing = binary([1], [float("nan")])
    bare = replace(FULL, metrics=nothing, curves=Curves(), slices=(), provenance={})
    page = Page(render(replace(bare, champion=Champion(name="6", metrics=FULL.metrics))))
    assert "n/a" in page.text
    assert "not comparable" in page.text
    assert "svg" not in page.tags


def test_less_is_better_for_a_loss_and_more_for_a_rate():
    page = render(FULL)
    of = {m: page[page.index(f">{m}</td>") :][:700] for m in ("AUC", "Log loss", "Accuracy")}
    assert "better" in of["AUC"]
    assert "better" in of["Log loss"]
    assert "equal" in of["Accuracy"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *[(None, "n/a"), (float("nan"), "n/a"), (0, "0"), (1.0, "1"), (48_842, "48,842")],
        *[(0.86123, "0.8612"), (1234.56, "1,235"), (1e-9, "under 0.0001"), (-2.5, "-2.5")],
    ],
)
def test_numbers_are_written_as_people_read_them(value, said):
    assert number(value) == said


NUMBERS = RNG.normal(50, 10, 400)
OF_TASK = {
    "multiclass": (RNG.integers(0, 3, 400), RNG.dirichlet(np.ones(3), 400)),
    "regression": (NUMBERS, NUMBERS + RNG.normal(1, 2, 400)),
    "quantiles": (NUMBERS, NUMBERS[:, None] + np.sort(RNG.normal(0, 2, (400, 3)), axis=1)),
}
SAID = {
    "multiclass": ("Labels and answers", "Share of right answers", "F1, mean over classes", "mid"),
    "regression": ("Predicted and true", "Root mean square error", "R²", "Bias", "champion 9"),
    "quantiles": ("Quantiles", "Share of labels at most it", "Pinball loss", "Coverage gap"),
}


@pytest.mark.parametrize("task", OF_TASK)
def test_a_page_of_another_task_shows_what_applies_to_it(task):
    predicts, (labels, answers) = Predicts.of(LABELS_OF[task]), OF_TASK[task]
    metrics = measured(predicts, labels, answers)
    slices = by_group(GROUPS, ["sex"], labels, answers, predicts).to_pylist()
    page = Page(
        render(
            replace(
                FULL, metrics=metrics, curves=curves_of(predicts, labels, answers), slices=slices,
                predicts=predicts, champion=Champion(name="6", metrics=dict.fromkeys(metrics, 9.0)),
            )
        )
    )  # fmt: skip
    assert page.open == []
    assert page.tags.count("svg") == 1
    for said in SAID[task]:
        assert said in page.text
    assert "ROC curve" not in page.text
    assert "true positive rate" not in page.text.lower()


def test_of_many_classes_the_most_frequent_are_shown():
    many = Predicts("multiclass", tuple(f"class {n}" for n in range(15)))
    labels = np.repeat(np.arange(15), np.arange(1, 16))
    drawn = curves_of(many, labels, np.eye(15)[labels])
    page = Page(render(replace(FULL, curves=drawn, predicts=many)))
    assert "3 rarer classes are not shown." in page.text
    assert "class 14" in page.text
    assert "class 2 " not in page.text


def test_what_is_best_at_zero_is_better_the_nearer_it_is():
    assert reading("bias", -0.1, 0.5) == reading("bias", 0.1, -0.5) == "better"
    assert reading("coverage_gap", -0.2, 0.1) == "worse"
    assert reading("rmse", 1.0, 2.0) == reading("r2", 0.5, 0.4) == "better"


def test_a_small_number_in_the_labels_unit_is_written_out():
    assert measure("rmse", 1.234e-6) == "1.23e-06"
    assert measure("log_loss", 1.234e-6) == "under 0.0001"


def test_an_element_escapes_text_and_attributes_and_keeps_elements():
    inner = el("b", "1 < 2")
    assert el("p", inner, ' & "', class_='"x"', id=None) == (
        '<p class="&quot;x&quot;"><b>1 &lt; 2</b> &amp; &quot;</p>'
    )
