import hashlib
import shutil
from pathlib import Path

import pytest

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import Lake

FILES = {"params.safetensors": b"weights", "signature.json": b"{}"}


def test_an_artifact_gives_back_its_files_and_facts(lake: Lake) -> None:
    artifact = lake.artifacts.open(lake.artifacts.put(FILES, {"rows": 3}))
    assert artifact.names == ["params.safetensors", "signature.json"]
    assert {name: artifact.read(name) for name in artifact.names} == FILES
    assert artifact.facts == {"rows": 3}
    assert artifact.size_bytes == 9
    manifest = Path(artifact.uri, "manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == artifact.digest
    assert Path(artifact.uri, "signature.json").read_bytes() == b"{}"


def test_the_address_depends_on_content_and_facts_alone(lake: Lake) -> None:
    digest = lake.artifacts.put(FILES, {"a": 1, "b": 2})
    assert lake.artifacts.put(dict(reversed(FILES.items())), {"b": 2, "a": 1}) == digest
    assert lake.artifacts.put(FILES, {"a": 1, "b": 3}) != digest
    assert lake.artifacts.put({**FILES, "signature.json": b"[]"}, {"a": 1, "b": 2}) != digest
    stored = [path.name for path in Path(lake.root, "_artifacts").iterdir()]
    assert len(stored) == 3
    assert digest in stored


def test_a_damaged_file_is_refused_at_every_read_and_mended_by_the_next_put(lake: Lake) -> None:
    digest = lake.artifacts.put(FILES)
    artifact = lake.artifacts.open(digest)
    assert artifact.read("signature.json") == b"{}"
    Path(artifact.uri, "signature.json").write_bytes(b"[]")
    with pytest.raises(CorruptionError, match=r"signature\.json is damaged: expected sha256"):
        artifact.read("signature.json")
    Path(artifact.uri, "signature.json").unlink()
    with pytest.raises(CorruptionError, match=r"signature\.json is missing"):
        artifact.read("signature.json")
    assert lake.artifacts.put(FILES) == digest
    assert artifact.read("signature.json") == b"{}"
    assert [path.name for path in Path(lake.root, "_artifacts").iterdir()] == [digest]


def test_a_damaged_manifest_is_refused(lake: Lake) -> None:
    digest = lake.artifacts.put(FILES)
    manifest = Path(lake.artifacts.open(digest).uri, "manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b'"bytes": 7', b'"bytes": 8'))
    with pytest.raises(CorruptionError, match=r"manifest\.json is damaged"):
        lake.artifacts.open(digest)


def test_a_symbolic_link_is_refused_even_to_the_right_bytes(lake: Lake, tmp_path: Path) -> None:
    digest = lake.artifacts.put(FILES)
    folder = Path(lake.artifacts.open(digest).uri)
    shutil.move(folder / "signature.json", tmp_path / "elsewhere")
    (folder / "signature.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LakeError, match="is a symbolic link"):
        lake.artifacts.open(digest).read("signature.json")
    shutil.move(folder, tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(LakeError, match="is a symbolic link"):
        lake.artifacts.open(digest)


def test_wrong_uses_are_told_in_one_line(lake: Lake) -> None:
    digest = lake.artifacts.put(FILES)
    with pytest.raises(LakeError, match=r"has no file 'x'; it has params\.safetensors, signature"):
        lake.artifacts.open(digest).read("x")
    with pytest.raises(LakeError, match="there is no artifact 0000"):
        lake.artifacts.open("0" * 64)
    with pytest.raises(LakeError, match="at least one file"):
        lake.artifacts.put({})
    with pytest.raises(LakeError, match="is written by the lake"):
        lake.artifacts.put({"manifest.json": b""})
    for facts in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(LakeError, match="must be JSON with finite numbers"):
            lake.artifacts.put(FILES, facts)
