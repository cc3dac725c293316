"""The report for machines, for pull requests, and for the Dagster UI."""

import base64
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlplatform.evaluate.curves import CalibrationBin, Curves
from mlplatform.evaluate.inline_svg import INLINE
from mlplatform.evaluate.markdown import escaped, table
from mlplatform.evaluate.pictures import pictures
from mlplatform.evaluate.report_input import Champion
from mlplatform.evaluate.report_json import SCHEMA_VERSION, plain, report_json
from mlplatform.evaluate.report_markdown import report_markdown
from mlplatform_tests.evaluate.test_report import HOSTILE, TASKS, cached, small


def never(name):
    """Refuse what strict JSON has no word for."""
    raise AssertionError(name)


@pytest.mark.parametrize("task", TASKS)
def test_the_json_is_strict_and_has_all_that_the_page_shows(task):
    said = json.loads(report_json(cached(task)), parse_constant=never)
    assert said["schema_version"] == SCHEMA_VERSION
    assert said["model"]["digest"] == "abcdef0123456789" * 4
    assert {gate["gate"] for gate in said["gates"]} >= {"performance", "fairness", "latency"}
    assert said["overrides"][0]["by"].startswith("Ana Silva")
    assert len(said["slices"]) == len(cached(task).slices)
    metric = next(m for m in said["metrics"] if m["lower"] is not None)
    assert metric["lower"] <= metric["observed"] <= metric["upper"]
    assert metric["champion"]["observed"] is not None


def test_what_is_not_a_number_is_null():
    nothing = small(metrics={"auc": float("nan"), "rmse": float("inf")}, curves=Curves())
    metrics = json.loads(report_json(nothing), parse_constant=never)["metrics"]
    assert [metric["observed"] for metric in metrics] == [None, None]


def test_values_of_any_kind_become_plain():
    assert plain({1: np.float64("nan"), "a": np.arange(2), "b": {3}}) == {
        "1": None,
        "a": [0, 1],
        "b": "{3}",
    }


def test_the_markdown_names_verdict_override_gates_and_the_weakest_slice():
    said = report_markdown(cached("binary"))
    assert said.startswith("# ✕ Fail: census_income, model 7\n")
    for words in (
        "⚑ Overridden: latency",
        "| regression | ✕ Fail (blocks) |",
        "⚑ overridden |",
        "## Weakest slices",
    ):
        assert words in said


def test_text_from_outside_is_text_in_markdown():
    attack = replace(
        cached("binary"),
        pipeline=HOSTILE,
        verdicts=[replace(v, because=HOSTILE) for v in cached("binary").verdicts],
    )
    said = report_markdown(attack)
    assert "<script" not in said
    assert "://" not in said


@given(st.text(max_size=40))
def test_no_text_leaves_its_cell(text):
    drawn = table(("a", "#b"), [(text, 1)])
    assert len(drawn.split("\n")) == 3
    assert len(re.findall(r"(?<!\\)\|", drawn.split("\n")[-1])) == 3
    assert not re.search(r"(?<!\\)[<>`]", escaped(text))


def drawn_of(said: str) -> ET.Element:
    """Return the picture in Markdown, as a browser reads it."""
    (image,) = re.findall(r"!\[[\w ]+\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)$", said)
    return ET.fromstring(base64.b64decode(image))  # noqa: S314  our own bytes.


@pytest.mark.parametrize("task", TASKS)
def test_the_ui_shows_every_picture_at_once(task):
    told = pictures(cached(task))
    drawn = {
        name: told[name] for name in ("roc", "calibration", "against_champion") if name in told
    }
    assert set(drawn) == {
        "binary": {"roc", "calibration", "against_champion"},
        "regression": {"against_champion"},
    }.get(task, {"calibration", "against_champion"})
    for said in drawn.values():
        assert len(said) < INLINE
        assert drawn_of(said).tag.endswith("svg")
    assert told["report"].startswith("# ")


shares = st.floats(0, 1)
rising = st.lists(shares, min_size=1, max_size=200).map(sorted)
bins = st.lists(st.tuples(shares, shares), min_size=1, max_size=40)


@settings(deadline=None)
@given(rising, rising, bins)
def test_pictures_are_small_whatever_they_show(across, up, said):
    curve = tuple((a, b) for a, b in zip([0.0, *across, 1.0], [0.0, *up, 1.0], strict=False))
    dots = tuple(CalibrationBin(score=s, share=t, lower=0.0, upper=1.0, rows=9) for s, t in said)
    curves = Curves(roc=curve, calibration=dots)
    champion = Champion(name="6", metrics={"auc": 0.5}, curves=curves)
    told = pictures(small(curves=curves, champion=champion))
    assert all(len(told[name]) < INLINE for name in ("roc", "calibration"))


def test_a_difference_that_cannot_be_drawn_is_left_out():
    broken = [
        replace(v, evidence={"compared": [{"metric": "auc", "better": None}]})
        for v in cached("binary").verdicts
    ]
    assert "against_champion" not in pictures(replace(cached("binary"), verdicts=broken))
