"""Which version of each table a run reads: the first use decides, later uses repeat it."""

import json
from typing import TYPE_CHECKING

from mlplatform.errors import CorruptionError
from mlplatform.lake import names
from mlplatform.lake.storage import Storage
from mlplatform.lake.version import Version

if TYPE_CHECKING:
    from mlplatform.lake.lake import Lake

FOLDER = "_pins"


class Pins:
    """The pins of one run, shared by its processes; get them from `Lake.pins`."""

    def __init__(self, lake: "Lake", storage: Storage, run_id: str) -> None:
        self._lake, self._storage = lake, storage
        self.run_id = names.run_id(run_id)

    def set(self, version: Version) -> Version:
        """Pin a version unless its table is pinned already; return the one that is pinned now."""
        says = {"table": version.table, "number": version.number, "digest": version.digest}
        data = json.dumps(says, sort_keys=True).encode()
        if self._storage.create(self._path(version.table), data):
            return version
        pinned = self._pinned(version.table)
        return pinned if pinned is not None else version

    def get(self, table_name: str) -> Version | None:
        """Return the pinned version, else pin the newest; `None` when the table has none yet."""
        pinned = self._pinned(table_name)
        if pinned is not None:
            return pinned
        newest = self._lake.table(table_name).latest()
        return self.set(newest) if newest is not None else None

    def _path(self, table_name: str) -> str:
        return f"{FOLDER}/{self.run_id}/{names.table_name(table_name)}.json"

    def _pinned(self, table_name: str) -> Version | None:
        path = self._path(table_name)
        try:
            data = self._storage.read(path)
        except FileNotFoundError:
            return None
        try:
            says = json.loads(data)
            number, digest = says["number"], says["digest"]
        except (ValueError, TypeError, KeyError) as error:
            where = self._storage.uri(path)
            raise CorruptionError(
                f"pin {where} is damaged; remove it and start a new run"
            ) from error
        version = self._lake.table(table_name).version(number)
        if version.digest != digest:
            raise CorruptionError(
                f"run {self.run_id} pinned {table_name} {number}:{digest[:16]}, but the lake holds "
                f"{version.reference}; start a new run"
            )
        return version
