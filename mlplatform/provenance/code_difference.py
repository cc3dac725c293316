"""What differs between the code of two models: files by git where the checkout has both, and the team's own files."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.errors import LakeError
from mlplatform.provenance import pipeline_code
from mlplatform.provenance.code import git_says
from mlplatform.provenance.story import Code

if TYPE_CHECKING:
    from mlplatform.lake import Lake

FILES = 200  # Named of those that git says changed.
LINES = 400  # Of the diff of the team's own files.


@dataclass(frozen=True, kw_only=True)
class CodeChange:
    """What differs.

    Attributes:
        same: Whether both were made by the same commit, with no other changes.
        files: Status letter and path of each file that differs between the commits; None where git cannot say.
        why: Why git cannot say, or what no commit holds.
        diff: Of the team's own files, as a unified diff; None where one is not on record.
    """

    same: bool
    files: tuple[tuple[str, str], ...] | None
    why: str
    diff: str | None


def code_change(lake: "Lake", root: Path | None, one: Code, other: Code) -> CodeChange:
    """Return what differs between two models' code; `root` is a checkout, or `None` where there is none."""
    same = one.said == other.said and one.dirty is False
    files, why = _files(root, one, other)
    dirty = [name for name, code in (("first", one), ("second", other)) if code.dirty]
    if dirty:
        which = " and the ".join(dirty)
        why = "; ".join(filter(None, [why, f"the {which} had changes that no commit holds"]))
    return CodeChange(same=same, files=files, why=why, diff=_diff(lake, one, other))


def _files(
    root: Path | None, one: Code, other: Code
) -> tuple[tuple[tuple[str, str], ...] | None, str]:
    if one.commit is None or other.commit is None:
        return None, "a commit is not on record"
    if one.commit == other.commit:
        return (), ""
    if root is None:
        return None, "there is no checkout here"
    for commit in (one.commit, other.commit):
        if git_says(root, "cat-file", "-e", f"{commit}^{{commit}}") is None:
            return None, f"this checkout has no commit {commit[:12]}; fetch it"
    told = git_says(root, "diff", "--name-status", "--no-renames", "-z", one.commit, other.commit)
    if told is None:
        return None, "git did not answer"
    words = told.split("\0")
    found = tuple(zip(words[::2], words[1::2], strict=False))
    more = f"{len(found) - FILES:,} more files" if len(found) > FILES else ""
    return found[:FILES], more


def _diff(lake: "Lake", one: Code, other: Code) -> str | None:
    if one.pipeline is None or other.pipeline is None:
        return None
    if one.pipeline == other.pipeline:
        return ""
    try:
        old, new = (_texts(lake, code.pipeline or "") for code in (one, other))
    except LakeError as wrong:
        return f"cannot be read: {wrong}"
    lines = [
        line.rstrip("\n")
        for name in sorted(old.keys() | new.keys())
        for line in difflib.unified_diff(
            old.get(name, []), new.get(name, []), f"a/{name}", f"b/{name}"
        )
    ]
    more = [f"… {len(lines) - LINES:,} more lines"] if len(lines) > LINES else []
    return "\n".join([*lines[:LINES], *more])


def _texts(lake: "Lake", digest: str) -> Mapping[str, list[str]]:
    written = pipeline_code.written(lake.artifacts.open(digest))
    return {
        n: data.decode(errors="replace").splitlines(keepends=True) for n, data in written.items()
    }
