"""The sources of this checkout, and what they import."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIBRARY = ("mlplatform",)
CODE_LOCATION = ("assets", "resources", "sensors", "definitions.py")
OTHERS = ("pipelines", "benchmarks", "scripts", "setup.py")


def files(*places: str) -> list[Path]:
    """Return the Python files in the given folders and files of the checkout, without tests."""
    found: list[Path] = []
    for place in (ROOT / name for name in places):
        found += [place] if place.is_file() else place.rglob("*.py")
    return sorted(file for file in found if "tests" not in file.parts)


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def imported_packages(*places: str) -> set[str]:
    """Return the top-level names imported in the given places."""
    return {name.partition(".")[0] for file in files(*places) for name in imports(file)}
