"""JUnit XML that every CI server reads, whatever gates and data say."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.cli.gates_output.junit import junit
from mlplatform.verdict import Outcome, Severity, Verdict
from mlplatform_tests.cli.gates_output.conftest import (
    FAILED,
    HELD,
    LETS_PASS,
    OVERRIDE,
    PASSED,
    UNFAIR,
    WARNS,
    gave,
)

# Jenkins' junit-10.xsd, as far as it goes: of each element its attributes, those that must be there, its children.
COUNTS = {"name", "tests", "failures", "errors", "time"}
SCHEMA = {
    "testsuites": (COUNTS, set(), {"testsuite"}),
    "testsuite": (COUNTS | {"skipped"}, COUNTS - {"time"}, {"testcase"}),
    "testcase": (
        {"name", "classname", "time"},
        {"name"},
        {"skipped", "error", "failure", "system-out"},
    ),
    "failure": ({"type", "message"}, set(), set()),
    "error": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-out": (set(), set(), set()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


def parsed(text: str) -> ET.Element:
    """Return the root of a document that is valid."""
    root = ET.fromstring(text)  # noqa: S314  written a line above
    assert root.tag == "testsuites"
    for element in root.iter():
        known, needed, children = SCHEMA[element.tag]
        assert needed <= set(element.attrib) <= known
        assert {child.tag for child in element} <= children
        assert "time" not in element.attrib or TIME.fullmatch(element.attrib["time"])
    return root


def case(root: ET.Element, gate: str) -> ET.Element:
    """Return the case of a gate."""
    (found,) = [each for each in root.iter("testcase") if each.attrib["name"] == gate]
    return found


def test_every_outcome_has_its_place():
    verdicts = [PASSED, FAILED, HELD, WARNS, LETS_PASS, UNFAIR]
    root = parsed(junit("census", verdicts, seconds=1.5, overrides=[OVERRIDE]))
    suite = root[0]
    assert suite.attrib == {
        "name": "census", "tests": "6", "failures": "2", "errors": "0", "skipped": "1", "time": "1.500",
    }  # fmt: skip
    failure = case(root, "performance")[0]
    assert (failure.tag, failure.attrib) == (
        "failure",
        {"type": "fail", "message": FAILED.because},
    )
    assert failure.text == "observed: 0.81\ninterval: 0.79 to 0.83\nlimit: 0.8\nbaseline: 0.83"
    assert case(root, "calibration")[0].attrib["type"] == "inconclusive"
    for gate, begins in (("artifact_size", "warning: fail: "), ("behaviour", "warning: inconc")):
        assert [(e.tag, (e.text or "").startswith(begins)) for e in case(root, gate)] == [
            ("system-out", True)
        ]
    skipped = case(root, "fairness")[0]
    assert skipped.tag == "skipped"
    assert "overridden by ada because retrained next week" in skipped.attrib["message"]
    assert [e.tag for e in case(root, "budget")] == ["system-out"]


def test_an_override_named_by_the_verdict_over_all_gates_counts():
    overall = gave("overall", outcome=Outcome.PASS, evidence={"overrides": [OVERRIDE]})
    assert case(parsed(junit("census", [UNFAIR, overall])), "fairness")[0].tag == "skipped"


def test_an_override_of_too_little_evidence_lets_no_failure_through():
    weaker = {**OVERRIDE, "outcome": "inconclusive"}
    root = parsed(junit("census", [UNFAIR], overrides=[weaker]))
    assert case(root, "fairness")[0].tag == "failure"


def test_without_verdicts_the_suite_has_an_error():
    root = parsed(junit("census", []))
    assert (root.attrib["tests"], root.attrib["errors"]) == ("1", "1")
    assert root.find(".//error") is not None


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_a_time_that_is_none_is_zero(seconds):
    assert parsed(junit("census", [PASSED], seconds=seconds)).attrib["time"] == "0.000"


texts = st.text() | st.sampled_from(["]]>", "<x/>", "\x00\x1b[2J", "\ud800", "&amp;\ufffe"])


@given(
    name=texts,
    gate=texts,
    because=texts,
    outcome=st.sampled_from(list(Outcome)),
    severity=st.sampled_from(list(Severity)),
    observed=st.none() | st.floats(),
)
def test_whatever_a_gate_says_the_document_is_valid_and_counts_it(
    name, gate, because, outcome, severity, observed
):
    verdict = Verdict(
        gate=gate, outcome=outcome, severity=severity, observed=observed, because=because
    )
    text = junit(name, [verdict])
    assert text.encode().decode() == text
    root = parsed(text)
    assert len(root.findall(".//testcase")) == 1
    assert (root.find(".//failure") is not None) == verdict.stops
