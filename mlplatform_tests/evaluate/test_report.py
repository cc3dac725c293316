"""The page as a browser's parser reads it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest

from mlplatform.evaluate.curves import Curves, curves, curves_of
from mlplatform.evaluate.html import VOID, el
from mlplatform.evaluate.metrics import binary
from mlplatform.evaluate.report import CONTENTS, render
from mlplatform.evaluate.report_input import Champion, ReportInput
from mlplatform.evaluate.report_words import MARK, interval, measure, number, reading
from mlplatform.features.predicts import Predicts
from mlplatform.verdict import Outcome, Verdict
from mlplatform_tests.evaluate.report_sample import sample

HOSTILE = '<script>alert("x")</script>&\'"><img src=http://evil.example/x>'
TASKS = ("binary", "multiclass", "regression", "quantiles")


@cache
def cached(task: str) -> ReportInput:
    """Return the sample of a task, whose bootstraps take a second, once."""
    return sample(task, rows=1500)


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

    def named(self, name: str) -> list[str | None]:
        """Return the values of an attribute."""
        return [value for at, value in self.attributes if at == name]


def section(page: str, name: str) -> str:
    """Return what is read in one section."""
    start = page.index(f'<section id="{name}"')
    return Page(page[start : page.index("</section>", start) + len("</section>")]).text


def small(**changed) -> ReportInput:
    """Return a report of two metrics and no gate."""
    labels, scores = np.array([0, 1, 1, 0, 1]), np.array([0.1, 0.9, 0.4, 0.3, 0.8])
    given = ReportInput(
        pipeline="people",
        model_version="7",
        model_digest="abcd" * 16,
        made_at=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
        metrics=binary(labels, scores),
        curves=curves(labels, scores),
    )
    return replace(given, **changed)


def test_the_page_says_what_it_was_given():
    page = Page(render(cached("binary")))
    for said in (
        *("census_income", "model 7", "01 March 2026, 12:30 UTC", "Predicts whether a person"),
        *("✕ Fail", "8 of 11 required gates passed", "on 1,500 held-out rows"),
        *(
            "✓ Pass",
            "? Inconclusive",
            "warns",
            "Against the champion, 6",
            "sex=Female & race=Black",
        ),
        *("32ceb343", "ROC curve", "Precision and recall", "Calibration", "Score distribution"),
        "abcdef0123456789" * 4,
    ):
        assert said in page.text


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_every_section_that_applies_to_it_and_a_way_to_it(task):
    page = Page(render(cached(task)))
    assert page.open == []
    assert set(CONTENTS) <= set(page.named("id"))
    assert [f"#{name}" for name in CONTENTS] == page.named("href")


SHOWN = {
    "binary": ("ROC curve", "Precision and recall", "Calibration", "says >50K", "True positive rate"),
    "multiclass": ("Labels and answers", "Share of right answers", "F1, mean over classes", "mid"),
    "regression": ("Predicted and true", "Root mean square error", "R²", "Bias", "Mean absolute error"),
    "quantiles": ("Quantiles", "Share of labels at most it", "Pinball loss", "Coverage gap"),
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_page_shows_the_curves_of_its_task_and_of_no_other(task):
    text = Page(render(cached(task))).text
    assert [said for said in SHOWN[task] if said not in text] == []
    if task != "binary":
        assert "ROC curve" not in text


@pytest.mark.parametrize("task", TASKS)
def test_the_champion_is_in_the_same_picture_dashed_and_named(task):
    page = render(cached(task))
    curves_ = page[page.index('id="curves"') : page.index('id="slices"')]
    assert 'stroke-dasharray="6 4"' in curves_
    assert "champion" in curves_
    alone = render(replace(cached(task), champion=None))
    assert (
        'stroke-dasharray="6 4"'
        not in alone[alone.index('id="curves"') : alone.index('id="slices"')]
    )


def test_every_picture_says_in_words_what_it_shows():
    page = Page(render(cached("binary")))
    assert page.tags.count("svg") == page.named("role").count("img")
    assert (
        page.tags.count("svg") == len(page.named("aria-label")) - 1
    )  # The list of contents has one.
    assert page.tags.count("desc") == 6  # Four curves, two histograms.


def test_the_page_fetches_nothing_and_runs_nothing():
    page = Page(render(cached("binary")))
    assert not {"script", "img", "link", "iframe", "object", "use", "form"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not names & {"src", "xlink:href", "srcset", "action"}
    assert not [name for name in names if name.startswith("on")]
    assert [where for where in page.named("href") if not str(where).startswith("#")] == []
    assert "url(" not in render(cached("binary"))
    assert "://" not in render(cached("binary"))
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def hostile(value):
    """Return a value with every text in it, and every key that is one, replaced by an attack."""
    if isinstance(value, dict):
        fixed = {"outcome", "criterion", "path", "metric", "kind"}
        return {k: v if k in fixed else hostile(v) for k, v in value.items()} | {HOSTILE: HOSTILE}
    if isinstance(value, list):
        return [hostile(each) for each in value]
    return HOSTILE if isinstance(value, str) else value


def test_text_from_outside_is_text_wherever_it_stands():
    given = cached("binary")
    verdicts = [
        replace(v, because=HOSTILE, evidence=hostile(dict(v.evidence))) for v in given.verdicts
    ]
    attacked = replace(
        given, pipeline=HOSTILE, model_version=HOSTILE, model_digest=HOSTILE, description=HOSTILE, positive=HOSTILE,
        metrics={**given.metrics, HOSTILE: 1.0}, provenance={HOSTILE: HOSTILE}, training={HOSTILE: HOSTILE},
        champion=replace(given.champion, name=HOSTILE, metrics={**given.metrics, HOSTILE: 2.0}),
        overall=replace(given.overall, because=HOSTILE, evidence=hostile(dict(given.overall.evidence))),
        verdicts=[*verdicts, Verdict(gate=HOSTILE, outcome=Outcome.PASS, because=HOSTILE)],
        slices=[{**row, "slice": HOSTILE, "group": HOSTILE, "value": HOSTILE} for row in given.slices],
    )  # fmt: skip
    clean, page = Page(render(given)), Page(render(attacked))
    assert set(page.tags) <= set(clean.tags)
    assert {name for name, _ in page.attributes} <= {name for name, _ in clean.attributes}
    assert page.text.count("alert(") >= 60


def test_a_first_model_and_a_missing_verdict_are_said():
    page = Page(render(small()))
    assert "there was no champion to compare with" in page.text
    assert "Not judged yet" in page.text
    assert "No gate has judged this model" in page.text
    assert not {"fairness", "behaviour", "latency", "slices"} & set(page.named("id"))


def test_a_champion_that_cannot_be_scored_is_said_and_nothing_is_compared():
    gone = Champion(name="6", metrics={}, unscored="artifact 98ab is gone")
    page = Page(render(small(champion=gone)))
    assert "The champion could not be scored: artifact 98ab is gone" in page.text
    assert "All metrics" not in page.text


def test_a_model_that_could_not_be_measured_still_has_a_page():
    nothing = binary([1], [float("nan")])
    champion = Champion(name="6", metrics=binary([0, 1], [0.1, 0.9]))
    page = Page(render(small(metrics=nothing, curves=Curves(), champion=champion)))
    assert "n/a" in page.text
    assert "not comparable" in page.text
    assert "svg" not in page.tags


def test_no_outcome_is_told_by_colour_alone():
    """Wherever an outcome's colour is, its sign and its word are."""
    page = render(cached("binary"))
    shown = re.findall(r'<span class="outcome (\w+)">([^<]*)', page)
    assert {kind for kind, _ in shown} == {"pass", "fail", "inconclusive"}
    for kind, words in shown:
        assert words.startswith(f"{MARK[Outcome(kind)]} {kind.capitalize()}")


def test_the_gates_are_listed_the_worst_first_with_all_that_was_observed():
    table = section(render(cached("binary")), "gates")
    places = [table.index(gate) for gate in ("regression", "latency", "row count")]
    assert places == sorted(places)
    for said in (
        "\N{MINUS SIGN}0.06",
        "\N{MINUS SIGN}0.090 to \N{MINUS SIGN}0.021",
        "\N{MINUS SIGN}0.01",
        "blocks",
        "warns",
        "0.8",
        "1,840",
    ):
        assert said in table


def test_an_override_is_seen_first_with_who_why_and_until_when():
    page = render(cached("binary"))
    before = Page(
        page[: page.index("<nav")].replace("<!doctype html>", "") + "</main></body></html>"
    ).text
    for said in (
        "⚑ Overridden: latency",
        "? Inconclusive",
        "Ana Silva",
        "noisy this week",
        "2026-03-08 13:05 UTC",
    ):
        assert said in before
    assert page.count("⚑ Overridden") == 2  # In its box, and beside its gate.


def test_an_override_that_says_little_is_still_shown():
    bare = Verdict(
        gate="overall",
        outcome=Outcome.PASS,
        because="1 of 1",
        evidence={"overrides": [{"gate": "size"}]},
    )
    assert "not recorded" in Page(render(small(overall=bare))).text


def test_less_is_better_for_a_loss_and_more_for_a_rate():
    theirs = {"auc": 0.5, "log_loss": 9.0, "accuracy": small().metrics["accuracy"]}
    page = render(small(champion=Champion(name="6", metrics=theirs)))
    of = {m: page[page.rindex(f">{m}</td>") :][:700] for m in ("AUC", "Log loss", "Accuracy")}
    assert "better" in of["AUC"]
    assert "better" in of["Log loss"]
    assert "equal" in of["Accuracy"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *[(None, "n/a"), (float("nan"), "n/a"), (0, "0"), (1.0, "1"), (48_842, "48,842")],
        *[
            (0.86123, "0.8612"),
            (1234.56, "1,235"),
            (1e-9, "under 0.0001"),
            (-2.5, "\N{MINUS SIGN}2.5"),
        ],
        *[(-1e-9, "over \N{MINUS SIGN}0.0001"), (float("inf"), "n/a")],
    ],
)
def test_numbers_are_written_as_people_read_them(value, said):
    assert number(value) == said


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        *[((0.9214, 0.9431), "0.921 to 0.943"), ((-0.0012, 0.5), "\N{MINUS SIGN}0.0012 to 0.500")],
        *[((1712.4, 1950.6), "1,710 to 1,950"), ((None, 1.0), ""), ((0.1, float("nan")), "")],
    ],
)
def test_an_interval_has_both_its_bounds_or_is_not_there(bounds, said):
    assert interval(*bounds) == said


def test_of_many_classes_the_most_frequent_are_shown():
    many = Predicts("multiclass", tuple(f"class {n}" for n in range(15)))
    labels = np.repeat(np.arange(15), np.arange(1, 16))
    page = Page(render(small(curves=curves_of(many, labels, np.eye(15)[labels]), predicts=many)))
    assert "3 rarer classes are not shown." in page.text
    assert "class 14" in page.text
    assert "class 2 " not in page.text


def test_what_is_best_at_zero_is_better_the_nearer_it_is():
    assert reading("bias", -0.1, 0.5) == reading("bias", 0.1, -0.5) == "better"
    assert reading("coverage_gap", -0.2, 0.1) == "worse"
    assert reading("rmse", 1.0, 2.0) == reading("r2", 0.5, 0.4) == "better"


def test_a_small_number_in_the_labels_unit_is_written_out():
    assert measure("rmse", 1.234e-6) == "1.23e\N{MINUS SIGN}06"
    assert measure("log_loss", 1.234e-6) == "under 0.0001"


def test_an_element_escapes_text_and_attributes_and_keeps_elements():
    inner = el("b", "1 < 2")
    assert el("p", inner, ' & "', class_='"x"', id=None) == (
        '<p class="&quot;x&quot;"><b>1 &lt; 2</b> &amp; &quot;</p>'
    )
