"""A pull request comment that says the result first, fits, and lets data format, link and call nobody."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mlplatform.cli.gates_output.escape import cell
from mlplatform.cli.gates_output.machine import as_json
from mlplatform.cli.gates_output.markdown import LONGEST, marker, summary
from mlplatform.verdict import Outcome
from mlplatform_tests.cli.gates_output.conftest import (
    FAILED,
    HELD,
    OVERRIDE,
    PASSED,
    UNFAIR,
    WARNS,
    gave,
)

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    ("verdicts", "head"),
    [
        ([PASSED], "✅ PASS"),
        ([PASSED, WARNS], "⚠️ WARNING"),
        ([PASSED, WARNS, UNFAIR], "⏭️ OVERRIDDEN"),
        ([PASSED, UNFAIR, HELD], "❔ INCONCLUSIVE"),
        ([HELD, FAILED, PASSED], "❌ FAIL"),
        ([], "❌ FAIL"),
    ],
)
def test_the_head_is_the_worst_result_in_a_mark_and_a_word(verdicts, head):
    lines = summary("census", verdicts, overrides=[OVERRIDE]).splitlines()
    assert lines[:2] == [marker("census"), f"## {head}: gates of census"]


def test_every_gate_is_a_row_with_its_numbers_and_the_worst_is_first():
    text = summary("census", [PASSED, WARNS, FAILED])
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows[0].startswith("| ❌ FAIL | performance | 0.81 (0.79 to 0.83) | 0.8 | 0.83 | acc")
    assert "3 gates: 1 failed, 1 with a warning, 1 passed." in text


def test_the_champion_and_the_weakest_slices_are_shown():
    slices = [
        {"slice": "sex=F", "rows": 90, "better": -0.01, "lower": -0.04, "upper": 0.02, "margin": 0.03},
        {"slice": "all", "rows": 900, "better": 0.01, "lower": 0.0, "upper": 0.02, "margin": 0.01},
        {"slice": "race=B", "rows": 40, "better": -0.1, "lower": -0.2, "upper": 0.0, "margin": 0.03},
    ]  # fmt: skip
    text = summary("census", [FAILED, gave("regression", evidence={"slices": slices})])
    assert (
        "| accuracy | 0.81 | 0.83 | -0.02 (-0.031 to -0.009) | 0.01 | 40 gained, 80 lost |" in text
    )
    weakest = text.split("### Weakest slices")[1]
    assert re.findall(r"^\| (race=B|sex=F|all) ", weakest, re.M) == ["race=B", "sex=F", "all"]


def test_evidence_is_folded_away_and_nothing_in_it_ends_the_fold():
    hostile = {"cases": ["```\n</details> @everyone", "````"]}
    text = summary("census", [gave(evidence=hostile)])
    folded = text.split("<details>")[1]
    fence = re.search(r"^(`+)json$", folded, re.M)
    assert fence is not None
    assert len(fence[1]) == 5
    tokens = GITHUB.parse(text)
    (code,) = [token for token in tokens if token.type == "fence"]
    assert json.loads(code.content) == hostile
    assert tokens[-1].content.strip() == "</details>"


def test_what_was_judged_and_the_report_are_named():
    text = summary("census", [PASSED], about={"model": "3f2a"}, link="https://ci/report.html")
    assert "model <code>3f2a</code> · [full report](https://ci/report.html)" in text
    assert "](" not in summary("census", [PASSED], link="javascript:alert(1)")


def test_it_fits_into_a_comment_and_says_what_was_left_out():
    long = {"rows": ["x" * 1000] * 20}
    many = [gave(f"gate_{i}", because="b" * 2000, evidence=long) for i in range(200)]
    text = summary("census", many)
    assert len(text) <= LONGEST
    assert "… and 140 more" in text
    assert text.endswith("the JSON output has all of it._\n")
    assert text.count("<details>") == text.count("</details>") > 0


texts = st.text() | st.text("|`*_[]()<>@#&\\!~$:/wh \n", max_size=30)


@given(texts, texts, texts)
@settings(max_examples=50)
def test_data_formats_nothing_links_nowhere_and_calls_nobody(name, gate, because):
    """What GitHub makes of it: the cells of one table, each with the text alone."""
    hostile = [gave(gate, because=because, observed=0.5)]
    tokens = GITHUB.parse(summary(name, hostile, about={"model": because}))
    inline = [t for token in tokens for t in token.children or []]
    allowed = {"text", "softbreak"}
    assert {t.type for t in inline if t.content not in ("<code>", "</code>")} <= allowed
    assert sum(token.type == "td_open" for token in tokens) == 6
    cells = (
        "".join(t.content for t in token.children or [] if t.type == "text") for token in tokens
    )
    shown = "\n".join(cells)
    assert not re.search(r"[@#]\w|\bGH-\d|://|\bwww\.", shown, re.I)


def test_a_cell_shows_what_it_was_given():
    said = "a|b <i>c</i> `d` *e* [f](g) & h"
    (token,) = GITHUB.parseInline(cell(said))
    assert "".join(t.content for t in token.children or []) == said


def test_the_hidden_line_ends_where_it_should():
    assert marker("a--> <script>") == "<!-- mlplatform gates a-script- -->"


def test_json_says_the_same_strictly():
    odd = gave(observed=float("nan"), evidence={"rate": float("inf")})
    said = json.loads(
        as_json("census", [PASSED, odd, UNFAIR], overrides=[OVERRIDE], about={"model": "3f2a"})
    )
    assert (said["result"], said["stops"]) == ("FAIL", True)
    assert [gate["result"] for gate in said["gates"]] == ["PASS", "FAIL", "OVERRIDDEN"]
    assert said["gates"][1]["observed"] is None
    assert said["gates"][1]["evidence"] == {"rate": None}
    assert said["about"] == {"model": "3f2a"}
    assert json.loads(as_json("census", []))["stops"]


def test_an_inconclusive_verdict_is_overridden_by_any_override_of_its_gate():
    held = gave("fairness", outcome=Outcome.INCONCLUSIVE)
    said = json.loads(as_json("census", [held], overrides=[OVERRIDE]))
    assert (said["result"], said["stops"]) == ("OVERRIDDEN", False)
