"""What is told where the gates could not be asked: an error, in the three forms of an answer."""

import json
from xml.etree import ElementTree as ET

from mlplatform.cli.gates_output.escape import cell
from mlplatform.cli.gates_output.junit import speakable
from mlplatform.cli.gates_output.markdown import marker

ERROR = "ERROR"  # Beside FAIL and PASS: nothing was found out about the model.


def junit(suite_name: str, because: str, kind: str = "error") -> str:
    """Return a suite of one case, which is an error."""
    name, count = speakable(suite_name), {"tests": "1", "failures": "0", "errors": "1"}
    root = ET.Element("testsuites", {"name": name, "time": "0.000", **count})
    suite = ET.SubElement(
        root, "testsuite", {"name": name, **count, "skipped": "0", "time": "0.000"}
    )
    case = ET.SubElement(suite, "testcase", {"name": "gates", "classname": name})
    ET.SubElement(case, "error", {"type": kind, "message": speakable(because)})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def summary(name: str, because: str) -> str:
    """Return a pull request's comment, which a bot finds by the same hidden line as any other."""
    head = f"## ❌ {ERROR}: the gates of {cell(name)} could not be asked"
    return f"{marker(name)}\n{head}\n\n{cell(because)}\n"


def as_json(name: str, because: str) -> str:
    """Return strict JSON with the fields of an answer."""
    told = {"name": name, "result": ERROR, "stops": True, "because": because}
    return json.dumps({**told, "about": {}, "gates": []}, indent=2)
