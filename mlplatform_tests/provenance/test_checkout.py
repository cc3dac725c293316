"""The code of a commit in a folder of its own."""

import subprocess
from pathlib import Path

import pytest

from mlplatform.errors import ReproductionError
from mlplatform.provenance.checkout import checked_out, commit_of, on_a_branch, require_commit
from mlplatform_tests.provenance.test_code import git


def history(folder: Path) -> tuple[str, str]:
    """Make two commits in a subfolder of a repository; return both."""
    git(folder, "init", "-q", "-b", "main")
    (folder / "inner").mkdir()
    found = []
    for text in ("first", "second"):
        (folder / "inner" / "a.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", text)
        told = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(told.stdout.strip())
    return found[0], found[1]


def test_an_older_commit_is_checked_out_beside_and_what_the_user_edits_stays(tmp_path: Path):
    first, _ = history(tmp_path)
    (tmp_path / "inner" / "a.py").write_text("being edited")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()}
    with checked_out(tmp_path / "inner", first) as code:
        assert code.name == "inner"
        assert (code / "a.py").read_text() == "first"
        assert not code.is_relative_to(tmp_path)
    assert not code.exists()
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_commit_that_history_lost_is_refused_and_one_that_no_branch_holds_is_told(tmp_path: Path):
    first, second = history(tmp_path)
    assert on_a_branch(tmp_path, second)
    git(tmp_path, "reset", "-q", "--hard", first)
    require_commit(tmp_path, second)
    assert not on_a_branch(tmp_path, second)
    git(tmp_path, "reflog", "expire", "--expire=now", "--all")
    git(tmp_path, "gc", "-q", "--prune=now")
    with pytest.raises(ReproductionError, match=f"{second[:12]} is not in .*history was rewritten"):
        require_commit(tmp_path, second)


def test_outside_of_a_repository_nothing_can_be_checked_out(tmp_path: Path):
    with pytest.raises(ReproductionError, match="is no git checkout"):
        require_commit(tmp_path, "ab" * 20)


def test_a_hook_of_the_repository_does_not_run(tmp_path: Path):
    (tmp_path / "r").mkdir()
    first, _ = history(tmp_path / "r")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (hooks / "post-checkout").chmod(0o755)
    git(tmp_path / "r", "config", "core.hooksPath", str(hooks))
    with checked_out(tmp_path / "r", first):
        pass
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("said", ["", "no-git", "--upload-pack=x", "HEAD", "ab" * 20 + "\n"])
def test_what_is_no_commit_never_reaches_git(said: str):
    with pytest.raises(ReproductionError, match="its code is not on record"):
        commit_of(said)
