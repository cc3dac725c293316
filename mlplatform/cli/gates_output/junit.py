"""Verdicts as JUnit XML, which every CI server shows: Jenkins' junit-10.xsd, the common one.

https://github.com/jenkinsci/xunit-plugin, src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from mlplatform.cli.gates_output.told import NOTHING, Result, Told, told
from mlplatform.verdict import Verdict

# Everything but what XML 1.0 allows (W3C, section 2.2): most control characters, and halves of pairs.
UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    suite_name: str,
    verdicts: Sequence[Verdict],
    *,
    seconds: float = 0.0,
    overrides: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return a suite with a case for each gate, as XML in UTF-8.

    A gate that stops is a failure, of type "fail" or "inconclusive"; one that only warns passes and
    says so in its output; one that a person overrode is skipped and says by whom. Without verdicts
    the suite has an error.

    Args:
        suite_name: Such as the pipeline's name.
        verdicts: Of the gates, in the order they are shown.
        seconds: How long judging took.
        overrides: See `told`.
    """
    said = told(verdicts, overrides)
    stopped = sum(one.result.stops for one in said)
    skipped = sum(one.result is Result.OVERRIDDEN for one in said)
    took = f"{seconds if math.isfinite(seconds) and seconds > 0 else 0:.3f}"
    name, errors = speakable(suite_name), str(int(not said))
    count = {"tests": str(len(said) or 1), "failures": str(stopped), "errors": errors}
    root = ET.Element("testsuites", {"name": name, "time": took, **count})
    suite = ET.SubElement(
        root, "testsuite", {"name": name, **count, "skipped": str(skipped), "time": took}
    )
    for one in said:
        _case(suite, name, one)
    if not said:
        case = ET.SubElement(suite, "testcase", {"name": "gates", "classname": name})
        ET.SubElement(case, "error", {"type": "missing", "message": NOTHING})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, name: str, one: Told) -> None:
    verdict, because = one.verdict, speakable(one.verdict.because)
    case = ET.SubElement(suite, "testcase", {"name": speakable(verdict.gate), "classname": name})
    if one.result is Result.OVERRIDDEN:
        message = f"{speakable(one.override)}; it had said {verdict.outcome.value}: {because}"
        ET.SubElement(case, "skipped", {"message": message})
    elif one.result.stops:
        about = {"type": verdict.outcome.value, "message": because}
        ET.SubElement(case, "failure", about).text = numbers(verdict)
    else:
        warning = f"warning: {verdict.outcome.value}: " if one.result is Result.WARNING else ""
        ET.SubElement(case, "system-out").text = f"{warning}{because}\n{numbers(verdict)}".strip()


def numbers(verdict: Verdict) -> str:
    """Return what a verdict observed, and what it was held against, one a line."""
    values = {"observed": verdict.observed, "limit": verdict.limit, "baseline": verdict.baseline}
    lines = [f"{name}: {value:.6g}" for name, value in values.items() if value is not None]
    if verdict.interval:
        lines.insert(1, "interval: {:.6g} to {:.6g}".format(*verdict.interval))
    return "\n".join(lines)


def speakable(text: str) -> str:
    """Return a text with a sign in place of each character that XML cannot hold."""
    return UNSPEAKABLE.sub("\ufffd", text)
