"""Signatures of artifacts, beside them: `_signatures/<digest>/<key>.sig`.

They are no part of an artifact, whose address they sign. What they say is not read here.
"""

from mlplatform.lake import names
from mlplatform.lake.storage import Storage

FOLDER, SUFFIX = "_signatures", ".sig"


class Signatures:
    """All signatures of a lake; get it from `Lake.signatures`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def keys(self, digest: str) -> list[str]:
        """Return the names of the keys that signed an artifact, sorted."""
        found = self._storage.entries(f"{FOLDER}/{names.digest(digest)}")
        return sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX))

    def put(self, digest: str, key: str, signature: bytes) -> bool:
        """Keep the signature of an artifact by a key; return whether there was none before.

        Raises:
            LakeError: If a name is not allowed or the storage refuses.
        """
        return self._storage.create(_path(digest, key), signature)

    def read(self, digest: str, key: str) -> bytes | None:
        """Return the signature of an artifact by a key, or `None`."""
        try:
            return self._storage.read(_path(digest, key))
        except FileNotFoundError:
            return None

    def uri(self, digest: str, key: str) -> str:
        """Return the absolute path or URI of a signature, whether there is one or not."""
        return self._storage.uri(_path(digest, key))


def _path(digest: str, key: str) -> str:
    return f"{FOLDER}/{names.digest(digest)}/{names.file_name(key + SUFFIX)}"
