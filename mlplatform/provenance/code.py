"""Identity of code: the commit it came from, and a digest of the files that decide a result."""

import functools
import hashlib
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlplatform.errors import GateRefusedError

LOCAL = ("", "local", "development")  # Environments in which uncommitted code may be tried out.
LIBRARY = Path(__file__).resolve().parents[1]
NO_GIT, DIRTY = "no-git", "-dirty"  # What a code version is, or ends with, that is no commit.
SECONDS_FOR_GIT = 10  # A hanging network file system must not hang a run.
OID, UNBORN = "# branch.oid ", "(initial)"
STATUS = (
    *("-c", "core.fsmonitor=false", "status", "--porcelain=v2", "--branch", "--no-ahead-behind"),
    *("--untracked-files=normal", "--ignore-submodules=none"),  # Whatever is configured.
)


@dataclass(frozen=True)
class CodeIdentity:
    """The commit and whether files differ from it; `commit` is empty outside a git checkout."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        """Return `<commit>`, `<commit>-dirty` or `no-git`."""
        return (self.commit or NO_GIT) + (DIRTY if self.dirty else "")


@functools.cache
def code_identity(root: Path) -> CodeIdentity:
    """Return the commit checked out at `root`, and whether files may differ from it; what git cannot tell may."""
    told = git_says(root, *STATUS)
    if told is None:
        return _unsure(root)
    lines = told.splitlines()
    commit = next((line.removeprefix(OID) for line in lines if line.startswith(OID)), "")
    if not commit or commit == UNBORN:
        return CodeIdentity(commit="", dirty=False)
    changed = any(not line.startswith("#") for line in lines)
    return CodeIdentity(commit=commit, dirty=changed or _hidden(root))


def _unsure(root: Path) -> CodeIdentity:
    commit = (git_says(root, "rev-parse", "HEAD") or "").strip()
    return CodeIdentity(commit=commit, dirty=bool(commit))


def _hidden(root: Path) -> bool:
    """Tell whether git was told not to look at a file: assume-unchanged in lower case, skip-worktree as S."""
    listed = git_says(root, "ls-files", "-v", "--", ":/")
    return listed is None or any(
        line[:1].islower() or line[:1] == "S" for line in listed.split("\n")
    )


def committed(code_version: str) -> bool:
    """Tell whether a code version, as `CodeIdentity` writes itself, is a commit and nothing beside it."""
    return bool(code_version) and not code_version.endswith((DIRTY, NO_GIT))


def require_committed(
    code_version: str,
    environment: str,
    what: str = "the model was trained",
    again: str = "train again",
) -> None:
    """Return if a model made by this code may be registered where these gates are in force.

    Args:
        code_version: As `CodeIdentity` writes itself; empty where it is not on record.
        environment: `MLPLATFORM_ENVIRONMENT`; without one it is local development.
        what: Was done by the code, in words.
        again: What to do once it is committed.

    Raises:
        GateRefusedError: If the code is no commit, outside of local development.
    """
    if environment in LOCAL or committed(code_version):
        return
    was = "outside of git" if code_version == NO_GIT else f"by uncommitted code ({code_version})"
    was = was if code_version else "by code that is not on record"
    raise GateRefusedError(
        f"{what} {was}, so nobody could make it again; MLPLATFORM_ENVIRONMENT is"
        f" {environment!r}: commit the code, and {again}"
    )


@functools.cache
def rooms_digest(rooms: tuple[str, ...]) -> str:
    """Return a sha256 over the source of the library rooms that make an asset, or of single files of one."""
    found = (LIBRARY / room for room in rooms)
    return files_digest(
        file for each in found for file in ([each] if each.suffix else each.rglob("*.py"))
    )


def files_digest(files: Iterable[Path]) -> str:
    """Return a sha256 over the names and contents of `files`, in any order."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def git_says(root: Path, *arguments: str) -> str | None:
    """Return what git says; None if it fails, is not there or takes too long."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS_FOR_GIT,
            check=False, env=environ_of_git(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def environ_of_git() -> dict[str, str]:
    """Return this process's environment without what a hook of git that runs it has set.

    That would lead to another repository.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
