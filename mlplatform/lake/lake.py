"""The lake itself: tables, artifacts and pins under one root."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mlplatform.lake import names
from mlplatform.lake.artifacts import Artifacts
from mlplatform.lake.log import Log
from mlplatform.lake.peek import Peek
from mlplatform.lake.pins import Pins
from mlplatform.lake.signatures import Signatures
from mlplatform.lake.storage import open_storage
from mlplatform.lake.table import Table


class Lake:
    """Everything under one root.

    Args:
        root: A local folder, made when something is first written, or `s3://bucket/prefix`.
        storage_options: How to reach S3, in deltalake's words: `aws_endpoint_url`, `allow_http`,
            `aws_access_key_id`, `aws_secret_access_key`, `aws_region`. Not used for a folder.
    """

    def __init__(self, root: str | Path, storage_options: Mapping[str, str] | None = None) -> None:
        self._storage = open_storage(root, storage_options)
        self._logs: dict[str, Log] = {}
        self.artifacts = Artifacts(self._storage)
        self.signatures = Signatures(self._storage)

    @property
    def root(self) -> str:
        """Absolute path or URI of the root."""
        return self._storage.uri("").rstrip("/")

    def table(self, name: str) -> Table:
        """Return the table of this name, which need not exist yet.

        Raises:
            LakeError: If it is no table name, such as `census_income/dataset`.
        """
        log = self._logs.setdefault(names.table_name(name), Log(self._storage, name))
        return Table(name, self._storage, log)

    def peek(self, name: str) -> Peek:
        """Return a quick look into the table of this name, for commands that read a row of a long log."""
        return Peek(names.table_name(name), self._storage)

    def folders(self) -> list[str]:
        """Return the names of the folders that tables lie in, such as each pipeline's, sorted; one listing."""
        return [name for name in self._storage.folders("") if names.is_segment(name)]

    def tables(self) -> list[str]:
        """Return the names of all tables, sorted; where nothing was committed yet is none."""
        return sorted(name for name in self._below("") if self._has_commits(name))

    def begun(self) -> list[str]:
        """Return the other folders that a table could lie in, sorted: killed first writers left files there."""
        return sorted(name for name in self._below("") if not self._has_commits(name))

    def pins(self, run_id: str) -> Pins:
        """Return which versions the run reads."""
        return Pins(self, self._storage, run_id)

    def check_writable(self) -> None:
        """Raise `LakeError` in one line when the lake cannot be written."""
        self._storage.check_writable()

    def _below(self, folder: str) -> Iterator[str]:
        for name in self._storage.folders(folder):
            path = f"{folder}/{name}" if folder else name
            if names.is_segment(name):
                yield path
                yield from self._below(path)

    def _has_commits(self, name: str) -> bool:
        return self.table(name)._log.newest() >= 0  # noqa: SLF001 - this room's own.
