"""Content-addressed folders beside the tables, for what is no table: models, statistics, reports.

An artifact's address is the sha256 of its `manifest.json`, which names each file's sha256 and size
and the facts.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from mlplatform.errors import CorruptionError, LakeError, MissingArtifactError
from mlplatform.lake import journal, manifest, names
from mlplatform.lake.storage import Storage

FOLDER, MANIFEST = "_artifacts", manifest.FILE


class Artifact:
    """One stored folder. Every read is verified."""

    def __init__(self, storage: Storage, digest: str, says: Mapping[str, Any]) -> None:
        self._storage, self.digest, self.manifest = storage, digest, dict(says)

    @property
    def uri(self) -> str:
        """Absolute path or URI of the folder."""
        return self._storage.uri(_folder(self.digest))

    @property
    def facts(self) -> dict[str, Any]:
        """What was said about the files when they were stored."""
        return dict(self.manifest["facts"])

    @property
    def names(self) -> list[str]:
        """File names, sorted; without the manifest."""
        return sorted(self.manifest["files"])

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together, without the manifest."""
        return sum(file["bytes"] for file in self.manifest["files"].values())

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            LakeError: If the artifact has no such file.
            CorruptionError: If the file is missing or differs from the manifest.
        """
        said = self.manifest["files"].get(name)
        if said is None:
            raise LakeError(
                f"artifact {self.digest} has no file {name!r}; it has {', '.join(self.names)}"
            )
        path = f"{_folder(self.digest)}/{name}"
        try:
            data = self._storage.read(path)
        except FileNotFoundError as error:
            raise CorruptionError(
                f"{self._storage.uri(path)} is missing; restore the file"
            ) from error
        manifest.check_bytes(self._storage.uri(path), data, said)
        return data

    def verify(self) -> int:
        """Read every file, and return how many bytes they have together.

        Raises:
            CorruptionError: If a file is missing or differs from the manifest.
        """
        return sum(len(self.read(name)) for name in self.names)

    def contents(self) -> dict[str, bytes]:
        """Return every file by name, each verified, and the manifest that proves them.

        Raises:
            CorruptionError: If a file is missing or differs from the manifest.
        """
        path = f"{_folder(self.digest)}/{MANIFEST}"
        proof = self._storage.read(path)
        manifest.check_digest(self._storage.uri(path), proof, self.digest)
        return {**{name: self.read(name) for name in self.names}, MANIFEST: proof}

    def require_nothing_else(self) -> None:
        """Return if the folder holds the files of the manifest and no others.

        Nobody reads what the manifest does not name; but it is there because somebody put it there.

        Raises:
            CorruptionError: Naming what else there is.
        """
        folder = _folder(self.digest)
        found = {*self._storage.entries(folder), *self._storage.folders(folder)}
        strangers = sorted(found - {*self.names, MANIFEST})
        if strangers:
            said = ", ".join(repr(name[:80]) for name in strangers[:3])
            raise CorruptionError(
                f"{self.uri} holds {said}, which its manifest does not name; find out who put it "
                "there, and remove it"
            )


class Artifacts:
    """All artifacts of a lake; get it from `Lake.artifacts`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def put(self, files: Mapping[str, bytes], facts: Mapping[str, Any] | None = None) -> str:
        """Store files under their content's address and return it; equal content is stored once.

        Args:
            files: Bytes by file name.
            facts: JSON-able; a part of the address, so they must be as reproducible as the files.

        Raises:
            LakeError: If a name is not allowed, the facts are no JSON, or the storage refuses.
        """
        proof = manifest.compose(files, facts or {})
        digest = hashlib.sha256(proof).hexdigest()
        if not (self._refreshed(digest) and self._is_whole(digest)):
            everything = {**files, MANIFEST: proof}
            self._storage.put_folder(_folder(digest), everything, last=MANIFEST)
        return digest

    def open(self, digest: str) -> Artifact:
        """Return the artifact with this address, its manifest verified.

        Raises:
            MissingArtifactError: If there is none.
            CorruptionError: If its manifest differs from the address, or is none.
        """
        path = f"{_folder(digest)}/{MANIFEST}"
        try:
            data = self._storage.read(path)
        except FileNotFoundError as error:
            where = f"there is no artifact {digest} under {self._storage.uri(FOLDER)}"
            freed = journal.freed_artifact(self._storage, digest)
            raise MissingArtifactError(f"{where}; it {freed}" if freed else where) from error
        manifest.check_digest(self._storage.uri(path), data, digest)
        return Artifact(self._storage, digest, manifest.parse(self._storage.uri(path), data))

    def uri(self, digest: str) -> str:
        """Return the absolute path or URI of the folder with this address, whether there is one or not."""
        return self._storage.uri(_folder(digest))

    def _refreshed(self, digest: str) -> bool:
        """Make a stored artifact young again, so that no vacuum takes it before a commit names it."""
        return self._storage.refresh(f"{_folder(digest)}/{MANIFEST}")

    def _is_whole(self, digest: str) -> bool:
        """Whether the artifact is stored and sound; a damaged one is written again."""
        try:
            self.open(digest).verify()
        except LakeError:
            return False
        return True


def _folder(digest: str) -> str:
    return f"{FOLDER}/{names.digest(digest)}"
