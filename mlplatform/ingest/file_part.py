"""One source file as a part of a landing: read once, and proven to be the bytes that are told."""

import hashlib
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import Chunk
from mlplatform.ingest.landed import File
from mlplatform.ingest.parquet import ParquetRows
from mlplatform.ingest.readers import text_reader
from mlplatform.ingest.storage import SourceFile
from mlplatform.spec import PipelineSpec

BLOCK = 1_048_576  # Bytes read at once.


class FilePart:
    """A file to land.

    Args:
        file: The file as it was found.
        spec: How to read it.
        sha256: Of its bytes, where they were read before; else taken while reading.
        declared: Whether the spec names it.
    """

    def __init__(
        self, file: SourceFile, spec: PipelineSpec, sha256: str | None, *, declared: bool = True
    ) -> None:
        self._file, self._spec, self._declared = file, spec, declared
        self._sha256 = sha256 or ""
        self._undeclared: list[str] = []

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self._file.name

    def chunks(self) -> Iterator[Chunk]:
        """Yield the file's records.

        Raises:
            SourceError: If it is not what the spec declares, or changed while it was read.
        """
        told = self._sha256
        yield from self._text() if text_reader(self._spec) else self._parquet()
        if self._file.changed() or told not in ("", self._sha256):
            raise SourceError(
                f"{self._file.where}: changed while it was read; land it again when it is complete"
            )

    def file(self, rows: int, content: str) -> File:
        """Return what is to be remembered of it."""
        return File(
            name=self.name,
            sha256=self._sha256,
            rows=rows,
            declared=self._declared,
            stamp=self._file.stamp or "",
            undeclared=self._undeclared,
        )

    def _text(self) -> Iterator[Chunk]:
        file, read = self._file, text_reader(self._spec)
        assert read is not None  # noqa: S101 - asked before.
        with file.open() as raw:
            hashed = _Hashed(raw)
            stream = cast("BinaryIO", io.BufferedReader(hashed, BLOCK))
            yield from read(stream, file.name, file.where, self._spec.source, self._spec)
            while stream.read(BLOCK):  # Bytes behind what the reader needed.
                pass
        self._sha256 = hashed.sha256.hexdigest()

    def _parquet(self) -> Iterator[Chunk]:
        """Hash before and after: only the ranges of declared columns are read in between."""
        told = self._sha256 or self._file.fingerprint()
        rows = ParquetRows(self._file, self._spec)
        yield from rows.chunks()
        self._undeclared = rows.undeclared
        self._sha256 = told if self._file.stamp else self._file.fingerprint()


class _Hashed(io.RawIOBase):
    """Passes bytes on and takes their sha256."""

    def __init__(self, raw: BinaryIO) -> None:
        super().__init__()
        self._raw, self.sha256 = raw, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        count = int(cast("Any", self._raw).readinto(buffer))
        self.sha256.update(memoryview(buffer)[:count])
        return count
