"""A copy of an artifact on a disk, such as MLflow makes one: every byte is held against the manifest in it."""

import re
from pathlib import Path

from mlplatform.errors import CorruptionError, LakeError
from mlplatform.lake import manifest
from mlplatform.lake.local import LocalStorage

# What MLflow and Python put beside the files of a model that they load.
THEIRS = {"registered_model_meta", "__pycache__"}
_DIGEST = re.compile("[0-9a-f]{64}")


class Folder:
    """The files of an artifact in a local folder. Get it from `verified`."""

    def __init__(self, path: Path, contents: dict[str, bytes]) -> None:
        self.path, self._contents = path, contents

    @staticmethod
    def verified(path: Path) -> "Folder":
        """Return the files in a folder, all read and held against its `manifest.json`.

        Where the folder is named by the artifact's digest, the manifest is held against that.

        Raises:
            CorruptionError: If a byte differs, a file is missing, there is one that the manifest does not name, or
                that is no manifest.
            LakeError: If a file is a symbolic link, or cannot be read.
        """
        path = path.absolute()
        storage = LocalStorage(path.parent)
        proof = _read(storage, path, manifest.FILE)
        where = str(path / manifest.FILE)
        if _DIGEST.fullmatch(path.name):
            manifest.check_digest(where, proof, path.name)
        files = manifest.parse(where, proof)["files"]
        strangers = sorted({*_names(path)} - {*files, manifest.FILE, *THEIRS})
        if strangers:
            raise CorruptionError(
                f"{path} holds {strangers[0][:80]!r}, which its manifest does not name; copy the artifact anew"
            )
        contents = {name: _read(storage, path, name) for name in files}
        for name, data in contents.items():
            manifest.check_bytes(str(path / name), data, files[name])
        return Folder(path, contents)

    @property
    def names(self) -> list[str]:
        """File names, sorted; without the manifest."""
        return sorted(self._contents)

    def read(self, name: str) -> bytes:
        """Return a file's bytes, as they were when they were verified.

        Raises:
            LakeError: If there is no such file.
        """
        if name not in self._contents:
            raise LakeError(f"{self.path} has no file {name!r}; it has {', '.join(self.names)}")
        return self._contents[name]


def _names(path: Path) -> list[str]:
    try:
        return [entry.name for entry in path.iterdir()]
    except OSError as wrong:
        raise LakeError(f"{path} cannot be read: {wrong.strerror}") from None


def _read(storage: LocalStorage, path: Path, name: str) -> bytes:
    try:
        return storage.read(f"{path.name}/{name}")
    except FileNotFoundError:
        raise CorruptionError(f"{path / name} is missing; copy the artifact anew") from None
