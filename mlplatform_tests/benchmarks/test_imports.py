"""Benchmarks are run by hand, so nothing else notices that what they import is gone."""

import ast
import importlib
from pathlib import Path

import pytest

from mlplatform_tests.conftest import ROOT

OURS = ("mlplatform", "assets", "resources", "sensors")


@pytest.mark.parametrize("file", sorted(ROOT.glob("benchmarks/*.py")), ids=lambda file: file.name)
def test_what_a_benchmark_imports_is_there(file: Path):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in OURS:
            module = importlib.import_module(str(node.module))
            for name in node.names:
                if not hasattr(module, name.name):
                    importlib.import_module(f"{node.module}.{name.name}")
