import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.errors import LakeError
from mlplatform.lake import Lake, names

BAD = ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".", "A", "a b", "a\n", "a\x00", "_pins", "-a"]
BAD += ["a/_delta_log", "%2e%2e/a", "a\u202e", "a" * 64, "a.b", "a\\b"]


@pytest.mark.parametrize("name", BAD)
def test_a_table_name_that_is_no_plain_path_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError, match="not a valid table name"):
        lake.table(name)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "A.txt", "x\n", "a" * 128])
def test_an_artifact_file_name_that_is_no_plain_name_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError, match="not a valid artifact file name"):
        lake.artifacts.put({name: b""})


@given(st.text(alphabet=st.sampled_from("ab0_-./\\%\n\x00é"), max_size=12))
def test_every_accepted_name_stays_under_the_root(name: str) -> None:
    root = Path("/srv/lake")
    try:
        accepted = names.table_name(name)
    except LakeError:
        return
    inside = Path(os.path.normpath(root / accepted))
    assert inside != root
    assert inside.is_relative_to(root)
    assert str(inside) == f"{root}/{name}"


def test_run_ids_and_digests_are_checked_too(lake: Lake) -> None:
    with pytest.raises(LakeError, match="not a valid run id"):
        lake.pins("../run")
    with pytest.raises(LakeError, match="not a valid artifact digest"):
        lake.artifacts.open("../../etc")
