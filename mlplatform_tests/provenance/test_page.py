"""Page and picture show everything, fetch nothing, and what strangers wrote stays text."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.lake import Lake
from mlplatform.provenance import picture
from mlplatform.provenance.difference import differ
from mlplatform.provenance.drawn import Box, boxes
from mlplatform.provenance.page import difference_page, story_page
from mlplatform.provenance.sections import sections
from mlplatform.provenance.words import clean, flat
from mlplatform_tests.provenance.conftest import story_of
from mlplatform_tests.provenance.registered import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def pages(two_models):
    """Pages of a story and of a difference, each with hostile words in it."""
    one, other = (story_of(two_models, ref) for ref in ("census@1", "census@2"))
    return story_page(other), difference_page(differ(Lake(two_models), None, one, other))


def test_pages_fetch_nothing_and_run_nothing(pages):
    for page in pages:
        assert "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;" in page
        assert not re.search(r"(src|href)=\"(?!#)", page)
        assert "<script" not in page
        assert "url(" not in page


def test_hostile_words_are_text_without_control_characters(pages):
    for page in pages:
        assert "&lt;script&gt;" in page
        assert not set(page) & (set(map(chr, range(32))) - {"\n"} | {"\x7f", "\u202e"})


def test_the_page_shows_every_part_and_what_is_overridden_first(two_models, pages):
    page = pages[0]
    titles = [part.title for part in sections(story_of(two_models, "census@2"))]
    assert titles[0] == "Overridden"
    for title in titles:
        assert title in page
    assert page.index('class="override"') < page.index("<h2>Lineage</h2>")


def test_a_model_without_overrides_raises_no_alarm(two_models):
    assert 'class="override"' not in story_page(story_of(two_models, "census@1"))


def test_what_was_not_recorded_is_said(two_models):
    story = replace(
        story_of(two_models, "census@1"),
        surroundings=None,
        trigger=None,
        run={},
        hyperparameters=None,
    )
    told = {fact.what: fact.value for part in sections(story) for fact in part.facts}
    for what in ("surroundings", "trigger", "job", "hyperparameter"):
        assert told[what] == "not recorded"


def test_the_picture_has_a_box_for_every_version_and_an_arrow_for_every_input(two_models):
    story = story_of(two_models, "census@2")
    drawn = ET.fromstring(picture.document(story).split("\n", 1)[1])  # noqa: S314 - ours.
    titles = [t.text for t in drawn.iter(f"{SVG}title")]
    for step in story.steps:
        assert any(t.startswith(step.noun.replace("_", " ")) for t in titles)
    arrows = sum(len(box.after) for box in boxes(story))
    assert len(list(drawn.iter(f"{SVG}path"))) == 2 * arrows
    assert [box.key for box in boxes(story)][-2:] == ["deployed", "traffic"]


def test_the_picture_is_xml_whatever_stands_in_it(two_models):
    text = picture.document(story_of(two_models, "census@2"))
    ET.fromstring(text.split("\n", 1)[1])  # noqa: S314 - ours.
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_an_override_is_red_in_the_picture(two_models):
    verdict = next(b for b in boxes(story_of(two_models, "census@2")) if b.title == "gate verdict")
    assert (verdict.warning, verdict.line[:13]) == (True, "⚑ overridden ")


@st.composite
def graphs(draw):
    """Return boxes, each after some of those before it."""
    count = draw(st.integers(1, 12))
    return [
        Box(
            key=str(at), title="t", right="r", line="l", group="data",
            after=tuple(map(str, draw(st.sets(st.integers(0, at - 1), max_size=3)) if at else ())),
        )
        for at in range(count)
    ]  # fmt: skip


@given(graphs())
def test_no_two_arrows_past_each_other_share_a_lane(shown):
    lanes, targets = picture._lanes(shown), picture._targets(shown)
    for one, lane in lanes.items():
        for other, same in lanes.items():
            apart = max(targets[one]) <= other or max(targets[other]) <= one
            assert one == other or lane != same or apart


@given(st.text())
def test_clean_text_is_printable_on_one_line(text):
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)


def test_leaves_of_json_are_found_by_their_paths():
    told = {"a": {"b": 1, "c": []}, "d": [{"e": 2}], "f": [1, 2], "g": {}}
    assert flat(told) == {"a.b": 1, "a.c": [], "d[0].e": 2, "f": [1, 2], "g": {}}


def test_the_words_are_hostile():
    assert not HOSTILE.isprintable()
