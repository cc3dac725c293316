"""Identity of code: the commit it came from, and a digest of the files that decide a result."""

import functools
import hashlib
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlplatform.errors import GateRefusedError

LOCAL = ("", "local", "development")  # Environments in which uncommitted code may be tried out.
LIBRARY = Path(__file__).resolve().parents[1]
SECONDS_FOR_GIT = 10  # A hanging network file system must not hang a run.


@dataclass(frozen=True)
class CodeIdentity:
    """The commit and whether files differ from it; `commit` is empty outside a git checkout."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        """Return `<commit>`, `<commit>-dirty` or `no-git`."""
        return (self.commit or "no-git") + ("-dirty" if self.dirty else "")


@functools.cache
def code_identity(root: Path) -> CodeIdentity:
    """Return the commit checked out at `root`."""
    commit = _git(root, "rev-parse", "HEAD")
    return CodeIdentity(commit=commit, dirty=bool(commit and _git(root, "status", "--porcelain")))


def require_committed(code_version: str, environment: str) -> None:
    """Return if a model made by this code may be registered where these gates are in force.

    Args:
        code_version: As `CodeIdentity` writes itself.
        environment: `MLPLATFORM_ENVIRONMENT`; without one it is local development.

    Raises:
        GateRefusedError: If the code is no commit, outside of local development.
    """
    if environment in LOCAL or not code_version.endswith(("-dirty", "no-git")):
        return
    was = "outside of git" if code_version == "no-git" else f"by uncommitted code ({code_version})"
    raise GateRefusedError(
        f"the model was trained {was}, so nobody could make it again; MLPLATFORM_ENVIRONMENT is"
        f" {environment!r}: commit the code, and train again"
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


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_FOR_GIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
