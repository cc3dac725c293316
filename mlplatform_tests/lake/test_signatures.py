"""Signatures lie beside artifacts, on a disk and on S3, and are no part of them."""

from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import Lake

FILES = {"params.safetensors": b"weights", "MLmodel": b"flavors: {}\n"}


@pytest.fixture(params=["disk", "s3"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "disk":
        return Lake(tmp_path / "lake")
    return Lake(f"s3://lake/{tmp_path.name}", request.getfixturevalue("s3_options"))


def test_a_signature_is_kept_once_by_key(lake: Lake) -> None:
    digest = lake.artifacts.put(FILES)
    assert lake.signatures.keys(digest) == []
    assert lake.signatures.read(digest, "ab12") is None
    assert lake.signatures.put(digest, "ab12", b"one")
    assert not lake.signatures.put(digest, "ab12", b"two")
    lake.signatures.put(digest, "cd34", b"three")
    assert lake.signatures.keys(digest) == ["ab12", "cd34"]
    assert lake.signatures.read(digest, "ab12") == b"one"
    artifact = lake.artifacts.open(digest)
    artifact.require_nothing_else()
    assert set(artifact.contents()) == {*FILES, "manifest.json"}
    assert lake.tables() == []


def test_a_name_that_leads_out_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="not a valid artifact digest"):
        lake.signatures.keys("../x")
    with pytest.raises(LakeError, match="not a valid artifact file name"):
        lake.signatures.put(lake.artifacts.put(FILES), "../x", b"")


def test_a_stranger_in_the_folder_is_found(lake: Lake, tmp_path: Path) -> None:
    digest = lake.artifacts.put(FILES)
    lake._storage.create(f"_artifacts/{digest}/evil.py", b"")
    with pytest.raises(CorruptionError, match=r"holds 'evil\.py', which its manifest does not"):
        lake.artifacts.open(digest).require_nothing_else()
