"""Disks that are full, folders that cannot be written: one line that names them, the lake unharmed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlplatform.errors import LakeError
from mlplatform.lake import Lake
from mlplatform_tests.lake.conftest import BY, rows

# Everything is imported while it still may be; then privileges or space are given up.
PROGRAM = """
import os, resource, sys
import deltalake, pyarrow.dataset
from mlplatform.errors import LakeError
from mlplatform.lake import Lake, local, parquet
from mlplatform_tests.lake.conftest import BY, rows
_, root, limit_bytes, *attempts = sys.argv
lake = Lake(root)
if int(limit_bytes):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit_bytes), int(limit_bytes)))
elif os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for what in attempts:
    try:
        if what == "check":
            lake.check_writable()
        elif what == "table":
            lake.table("shop/orders").append(rows(100, 50_000), BY, token="big")
        else:
            lake.artifacts.put({"big.bin": os.urandom(400_000)})
        print("written")
    except LakeError as error:
        print(error)
"""


def attempt(root: str, *attempts: str, limit_bytes: int = 0) -> list[str]:
    """Try writes in a process without privileges, or one that cannot make larger files."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, root, str(limit_bytes), *attempts],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def read_only() -> Iterator[Lake]:
    """A lake with one table in a folder that everyone may read and nobody may write."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder) / "lake")
        lake.table("shop/orders").overwrite(rows(0, 3), BY)
        closed = [Path(folder), *(p for p in Path(folder).rglob("*") if p.is_dir())]
        for path in closed:
            path.chmod(0o555)
        yield lake
        for path in closed:
            path.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_named_with_the_cure(read_only: Lake) -> None:
    lines = attempt(read_only.root, "check", "table", "artifact")
    assert len(lines) == 3
    cure = "Permission denied; make it writable for this user or choose another lake root"
    for said in lines:
        assert said.startswith(f"cannot write {read_only.root}")
        assert said.endswith(cure)
    assert read_only.table("shop/orders").read().num_rows == 3


def test_a_full_disk_is_named_and_the_lake_is_as_before(lake: Lake) -> None:
    table = lake.table("shop/orders")
    before = table.overwrite(rows(0, 3), BY)
    files = sorted(os.walk(lake.root))
    lines = attempt(lake.root, "table", "artifact", limit_bytes=100_000)
    assert len(lines) == 2
    why = "no space left (File too large); free some and run again, nothing was committed"
    for said in lines:
        assert said.startswith(f"cannot write {lake.root}")
        assert said.endswith(why)
    assert table.latest() == before
    left = {path for path in Path(lake.root).rglob("*") if path.is_file()}
    assert len(left) == sum(len(names) for _, _, names in files)
    assert table.append(rows(100, 50_000), BY, token="big").rows == 50_003


def test_a_root_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file")
    lake = Lake(tmp_path / "lake")
    assert lake.tables() == []
    assert lake.table("shop/orders").latest() is None
    for use in (
        lake.check_writable,
        lambda: lake.table("shop/orders").overwrite(rows(0, 1), BY),
        lambda: lake.artifacts.put({"a.txt": b""}),
    ):
        with pytest.raises(LakeError, match=r"cannot write .*; a file stands where a folder"):
            use()


def test_a_lake_is_writable_from_its_first_check_on(tmp_path: Path) -> None:
    Lake(tmp_path / "new" / "lake").check_writable()
    assert list((tmp_path / "new" / "lake").iterdir()) == []
