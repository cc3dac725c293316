"""A study is shown: small pictures at once, a page with all of it."""

import base64
import re
from xml.etree import ElementTree as ET

import pytest

from mlplatform.evaluate import study_page, study_pictures
from mlplatform.evaluate.study_axes import Axis, StudyShown, goodness

FIELDS = ("learning_rate", "weight_decay", "dropout", "hidden", "numeric.bins", "members.a.leaves")
INLINE = 1000  # Characters of Markdown above which Dagster shows a picture only after a click.


def shown(trials=32, direction="maximize", fields=FIELDS, **changes):
    rows = [
        {
            "trial": n,
            "state": "failed" if n % 11 == 5 else "pruned" if n % 3 == 1 else "complete",
            **{name: 10.0 ** -(1 + (n * 7 + at) % 5) for at, name in enumerate(fields)},
            "hidden": f"[{8 << n % 3}]",
            "validation_auc": None if n % 11 == 5 else 0.9 + (n * 37 % 101) / 1100,
            "validation_log_loss": None if n % 11 == 5 else 0.4,
            "best_epoch": 3,
            "epochs_trained": 4,
            "failure": "<b>the loss is not finite</b>" if n % 11 == 5 else None,
        }
        for n in range(trials)
    ]
    complete = [row for row in rows if row["state"] == "complete"]
    sign = 1 if direction == "maximize" else -1
    best = max(complete, key=lambda row: sign * row["validation_auc"])["trial"]
    given = {"importances": {name: 1 / len(fields) for name in fields}, **changes}
    return StudyShown(
        pipeline="people", metric="auc", direction=direction, rows=rows, fields=fields,
        best_trial=best, best={"hidden": [8], "numeric": {"bins": 4}}, **given,
    )  # fmt: skip


@pytest.mark.parametrize("trials", [1, 2, 32, 3000])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_small_pictures_are_small_enough_to_be_seen_at_once(trials, direction):
    study = shown(trials, direction)
    pictures = [
        picture(study)
        for picture in (
            study_pictures.history, study_pictures.importances, study_pictures.parallel
        )
    ]  # fmt: skip
    assert all(len(picture) < INLINE for picture in pictures)
    for picture in (pictures[0], pictures[2]):
        drawn = base64.b64decode(picture.partition("base64,")[2].rstrip(")")).decode()
        assert "nan" not in drawn
        ET.fromstring(drawn)  # noqa: S314  our own


@pytest.mark.parametrize("trials", [1, 40])
def test_the_page_shows_every_trial_and_fetches_nothing(trials):
    page = study_page.render(shown(trials, stopped_by="budget.steps of 10 reached"))
    assert page.count("<tr>") == trials + 1
    assert "stopped: budget.steps of 10 reached" in page
    assert "<b>the loss" not in page
    for drawn in re.findall(r"<svg.*?</svg>", page):
        ET.fromstring(drawn)  # noqa: S314  our own
    assert not re.search(r"(src|href)=|<script|NaN|inf", page)
    for title in ("Optimisation history", "Settings that went together", "What decided it"):
        assert f"<title>{title}</title>" in page


def test_the_best_so_far_gets_better_only():
    for direction in ("minimize", "maximize"):
        values = [value for _, value in shown(32, direction).best_so_far()]
        assert values == sorted(values, reverse=direction == "minimize")
        assert len(values) > (direction == "maximize")


def test_without_a_complete_trial_there_is_still_a_page():
    """A budget may have ended it before."""
    study = shown(1)
    rows = [{**study.rows[0], "state": "pruned"}]
    study = StudyShown(**{**vars(study), "rows": rows, "importances": {}})
    assert "1 trials: 1 pruned" in study_page.render(study)
    assert study_pictures.parallel(study).startswith("The best 1: learning_rate")
    assert len(study_pictures.history(study)) < INLINE


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1e-4, 1e-3, 1e-2], [0, 0.5, 1]),
        ([0.0, 0.1, 0.4], [0, 0.25, 1]),
        (["b", "a", "c"], [0.5, 0, 1]),
        ([7, 7], [0.5, 0.5]),
    ],
)
def test_an_axis_is_logarithmic_where_values_span_magnitudes(values, places):
    axis = Axis.of(values)
    assert [axis.place(value) for value in values] == pytest.approx(places)


def test_a_trial_that_almost_diverged_does_not_press_the_others_together():
    study = shown(9, "minimize")
    rows = [{**row, "validation_auc": 0.3 + n / 100} for n, row in enumerate(study.rows)]
    rows[4]["validation_auc"] = 1e6
    axis = goodness(StudyShown(**{**vars(study), "rows": rows}))
    assert axis.high < 1
