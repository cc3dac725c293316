"""Runs a pipeline's own Python files, and says where they fail."""

import importlib.abc
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType


class _Text(importlib.abc.ExecutionLoader):
    """Runs the file as it is now: cached bytecode may be older, and would litter the folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_source(self, fullname: str) -> str:
        return self._path.read_text(encoding="utf-8")


def run_file(path: Path, owner: str) -> ModuleType:
    """Return the module that a file defines; whatever the file raises passes through.

    Args:
        path: The file.
        owner: Whose it is: two pipelines may have files of one name, and neither may shadow
            anything that can be imported.
    """
    name = f"mlplatform_of_{owner.replace('-', '_')}.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_Text(path))
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a loader was given.
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look themselves up there while they are made.
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module


def line_of(wrong: BaseException, path: Path) -> int:
    """Return the line of `path` that was running when `wrong` was raised, or cannot be parsed."""
    if isinstance(wrong, SyntaxError) and wrong.filename == str(path):
        return wrong.lineno or 1
    lines = [f.lineno for f in traceback.extract_tb(wrong.__traceback__) if f.filename == str(path)]
    return lines[-1] or 1 if lines else 1
