"""The code of a commit in a folder of its own: the user's checkout, index and branches stay as they are."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlplatform.errors import ReproductionError
from mlplatform.provenance.code import DIRTY, environ_of_git

COMMIT = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")
SECONDS = 300  # For a clone of a large history on a slow disk.
# No hook of the repository runs, and git asks nobody anything.
QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


def commit_of(code_version: str) -> str:
    """Return the commit that a version was made at.

    Raises:
        ReproductionError: If files differed from it, or it was made outside of git.
    """
    if code_version.endswith(DIRTY):
        at = code_version.removesuffix(DIRTY)[:12]
        raise ReproductionError(
            f"it was trained by uncommitted code: files differed from commit {at};"
            " commit them, and train again"
        )
    if not COMMIT.fullmatch(code_version):
        raise ReproductionError(
            "it was trained outside of a git checkout, so its code is not on record;"
            " train again in one"
        )
    return code_version


def require_commit(root: Path, commit: str) -> None:
    """Return if the repository around `root` has the commit.

    Raises:
        ReproductionError: If it does not, or there is no repository.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    if top.returncode:
        raise ReproductionError(
            f"{root} is no git checkout, so commit {commit[:12]} cannot be checked out: {_last(top.stderr)}"
        )
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}").returncode:
        raise ReproductionError(
            f"commit {commit[:12]} is not in {top.stdout.strip()}: its history was rewritten, or it"
            " was never fetched; fetch the branch that it was on"
        )


def on_a_branch(root: Path, commit: str) -> bool:
    """Tell whether a branch or tag still leads to the commit; one that none does is removed some day."""
    found = _git(root, "for-each-ref", "--count=1", "--contains", commit)
    return bool(found.stdout.strip())


@contextmanager
def checked_out(root: Path, commit: str) -> Iterator[Path]:
    """Yield a clean checkout of the commit, of the same folder of the repository as `root` is.

    It borrows the repository's objects, is read by nobody else, and is gone after the block.

    Raises:
        ReproductionError: If git does not check it out.
    """
    require_commit(root, commit)
    top, inside = (
        _git(root, "rev-parse", told).stdout.strip()
        for told in ("--show-toplevel", "--show-prefix")
    )
    with tempfile.TemporaryDirectory(prefix="mlplatform-checkout-") as folder:
        clone = Path(folder) / "code"
        _run(["clone", "--quiet", "--shared", "--no-checkout", "--", top, str(clone)], Path(folder))
        _run(["checkout", "--quiet", "--detach", commit], clone)
        yield clone / inside


def _run(words: list[str], folder: Path) -> None:
    done = _git(folder, *words)
    if done.returncode:
        raise ReproductionError(f"git {words[0]} failed: {_last(done.stderr)}")


def _last(said: str) -> str:
    return (said.strip().splitlines() or ["git said nothing"])[-1]


def _git(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environ = {**environ_of_git(), "GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1"}
    command = ["git", "-C", str(folder), *QUIET, *words]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environ
        )
    except (OSError, subprocess.TimeoutExpired) as wrong:
        raise ReproductionError(f"git {words[0]}: {wrong}") from None
