"""Which code made a version."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlplatform.provenance.code import CodeIdentity, code_identity, files_digest, rooms_digest


def git(folder: Path, *arguments: str) -> None:
    person = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *person, *arguments], check=True, capture_output=True)


def test_a_clean_checkout_is_its_commit_and_a_changed_one_says_dirty(tmp_path: Path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.py").write_text("a = 1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    clean = code_identity(tmp_path)
    assert len(clean.commit) == 40
    assert str(clean) == clean.commit
    code_identity.cache_clear()
    (tmp_path / "a.py").write_text("a = 2")
    assert str(code_identity(tmp_path)) == f"{clean.commit}-dirty"


def corrupt(folder: Path) -> None:
    (folder / ".git" / "index").write_bytes(b"no index")


def hide_new_files(folder: Path) -> None:
    git(folder, "config", "status.showUntrackedFiles", "no")
    (folder / "new.py").write_text("new = 1")


def assume_unchanged(folder: Path) -> None:
    git(folder, "update-index", "--assume-unchanged", "inner/a.py")
    (folder / "inner" / "a.py").write_text("a = 2")


def skip_worktree(folder: Path) -> None:
    git(folder, "update-index", "--skip-worktree", "b.py")
    (folder / "b.py").write_text("b = 2")


@pytest.mark.parametrize("hidden", [corrupt, hide_new_files, assume_unchanged, skip_worktree])
def test_what_git_cannot_or_was_told_not_to_see_counts_as_changed(
    tmp_path: Path, hidden: Callable[[Path], None]
):
    git(tmp_path, "init", "-q")
    (tmp_path / "inner").mkdir()
    for name in ("inner/a.py", "b.py"):
        (tmp_path / name).write_text("a = 1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "a")
    assert not code_identity(tmp_path / "inner").dirty
    code_identity.cache_clear()
    hidden(tmp_path)
    found = code_identity(tmp_path / "inner")
    assert (len(found.commit), found.dirty) == (40, True)


def test_a_git_that_takes_too_long_says_nothing_of_a_clean_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "a")
    run = subprocess.run

    def slow(command: list[str], **options: object) -> object:
        if "status" in command:
            raise subprocess.TimeoutExpired(command, 1)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", slow)
    assert code_identity(tmp_path).dirty


def test_a_hook_of_git_does_not_lead_to_its_own_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        git(tmp_path / name, "init", "-q")
        git(tmp_path / name, "commit", "-q", "--allow-empty", "-m", name)
    one = code_identity(tmp_path / "one")
    code_identity.cache_clear()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    assert code_identity(tmp_path / "one") == one


def test_before_the_first_commit_there_is_none(tmp_path: Path):
    git(tmp_path, "init", "-q")
    assert str(code_identity(tmp_path)) == "no-git"


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path):
    assert code_identity(tmp_path) == CodeIdentity(commit="", dirty=False)
    assert str(code_identity(tmp_path)) == "no-git"


def test_a_digest_of_files_changes_with_content_and_with_names_only(tmp_path: Path):
    (tmp_path / "a.py").write_text("a")
    (tmp_path / "b.py").write_text("b")
    files = [tmp_path / "a.py", tmp_path / "b.py"]
    before = files_digest(files)
    assert files_digest(reversed(files)) == before
    (tmp_path / "b.py").write_text("c")
    assert files_digest(files) != before


def test_every_room_that_decides_an_asset_exists():
    """A misspelt room would be a digest of nothing, and its changes would retrain nothing."""
    from assets.nouns import NOUNS
    from mlplatform.provenance.code import LIBRARY

    for noun in NOUNS.values():
        assert noun.rooms
        for room in noun.rooms:
            assert any((LIBRARY / room).rglob("*.py")), room
    assert rooms_digest(("train",)) != rooms_digest(("features",))
