"""Which code made a version."""

import subprocess
from pathlib import Path

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
