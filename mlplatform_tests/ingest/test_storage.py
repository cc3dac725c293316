import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import SourceError
from mlplatform.ingest.storage import SourceFile, expand, explained, find, locate
from mlplatform.spec.source import CsvSource


def found(folder: Path, *files: str) -> list[SourceFile]:
    return find(CsvSource(kind="csv", files=list(files)), folder, None)


def names(folder: Path, *files: str) -> list[str]:
    return [file.name for file in found(folder, *files)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.csv",
        ".hidden.csv",
        "a.txt",
        "[c].csv",
        "year=1/x.csv",
        "year=2/y.csv",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_files_come_in_the_order_declared_and_sorted_within_a_pattern(folder: Path) -> None:
    assert names(folder, "b.csv", "year=*/*.csv", "*.csv") == [
        "b.csv",
        "x.csv",
        "y.csv",
        "[c].csv",
        "a.csv",
    ]
    assert names(folder, f"{folder}/*.txt", str(folder / "a.csv")) == ["a.txt", "a.csv"]
    assert names(folder, "[c].csv") == names(folder, "[c]*") == ["[c].csv"]


def test_a_pattern_matches_below_a_folder_whose_own_name_has_a_star(tmp_path: Path) -> None:
    for name in ("a*", "ab"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name[1:]}.csv").touch()
    assert len(found(tmp_path, "a*/*.csv")) == 2
    assert str(locate("a*/*.csv", tmp_path, None).where) == str(tmp_path / "a*/*.csv")


def test_a_file_is_streamed_hashed_and_read_at_random(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a.csv").write_bytes(content)
    (file,) = found(tmp_path, "a.csv")
    assert (file.size, file.stamp) == (3_000_000, None)
    with file.open() as stream:
        assert stream.read(5) + stream.read() == content
    with file.random_access() as native:
        native.seek(2_999_998)
        assert native.read() == content[-2:]
    assert file.fingerprint() == hashlib.sha256(content).hexdigest()


def test_a_file_that_was_written_to_or_replaced_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("one")
    file = locate("a.csv", tmp_path, None)
    assert not file.changed()
    seen = path.stat()
    path.write_text("two")
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))
    assert file.changed()
    file = locate("a.csv", tmp_path, None)
    (tmp_path / "new").write_text("six")
    os.utime(tmp_path / "new", ns=(seen.st_atime_ns, seen.st_mtime_ns + 1))
    (tmp_path / "new").replace(path)
    assert file.changed()
    path.unlink()
    with pytest.raises(SourceError, match=r"a\.csv: no such file"):
        file.changed()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["none.csv"], r"^\S*/none\.csv: no such file; put it there or correct source\.files$"),
        (["none/*.csv"], r"^none/\*\.csv: matches no file; put one there"),
        (["a.csv/*.csv"], "matches no file"),
        (["year=1"], r"year=1: is a folder; name its files, like year=1/\*\.csv"),
        (["/dev/zero"], "/dev/zero: is no regular file"),
        (["gs://bucket/a.csv"], "gs://bucket/a.csv: expected a path of this machine or s3://"),
        (["https://host/*.csv"], r"https://host/\*\.csv: expected a path"),
        (["a.csv/b.csv"], r"a\.csv/b\.csv: cannot be read: Not a directory"),
        (["*.csv", "sub/a.csv"], r"2 files named a\.csv \(\S+/a\.csv, \S+/sub/a\.csv\).*rename"),
    ],
)
def test_what_cannot_be_a_source_is_said_in_one_line(
    folder: Path, files: list[str], message: str
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/a.csv").touch()
    with pytest.raises(SourceError, match=message) as said:
        found(folder, *files)
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("name", ["a\nb.csv", "a\x1b[2Jb.csv", "a\u202eb.csv", "a\udcffb.csv"])
def test_a_name_that_would_garble_a_message_is_refused_and_shown_escaped(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match="has a control character; rename it") as said:
        found(tmp_path, "*.csv")
    assert str(said.value).isprintable()


def test_a_stream_that_breaks_says_which_file() -> None:
    with pytest.raises(SourceError, match=r"^a: cannot be read: Broken$"), explained("a"):
        raise OSError(5, "Broken")


SEGMENT = st.text("ab*[", min_size=1, max_size=3)
KEY = st.lists(st.text("ab.[", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)


@given(st.sets(KEY), st.lists(SEGMENT, min_size=1, max_size=3).map("/".join))
def test_a_star_matches_within_one_name_wherever_files_lie(keys: set[str], pattern: str) -> None:
    """The walk from folder to folder finds what the pattern says about whole paths."""

    def listed(folder: str, prefix: str) -> set[tuple[str, bool]]:
        below = [k.removeprefix(folder) for k in keys if k.startswith(folder + prefix)]
        return {(k.partition("/")[0], "/" in k) for k in below}

    name = r"(?!\.)" + re.escape(pattern).replace("/", r"/(?!\.)").replace(r"\*", "[^/]*")
    assert expand("", pattern, listed) == sorted(k for k in keys if re.fullmatch(name, k))
