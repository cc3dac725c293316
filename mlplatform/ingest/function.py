"""A Python function of the pipeline as a source: its rows, or named batches that land once each."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Set
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mlplatform.errors import PlatformError, SourceError
from mlplatform.ingest.access import Access
from mlplatform.ingest.batch_part import BATCH_ROWS, BatchPart, same_as
from mlplatform.ingest.landed import Landed, reading
from mlplatform.ingest.parts import Plan
from mlplatform.spec import Pipeline
from mlplatform.spec.code import line_of, run_file
from mlplatform.spec.source import FunctionSource

if TYPE_CHECKING:
    from mlplatform.lake import Table

LONGEST_NAME = 200  # Characters of a batch's name.


def plan_function(pipeline: Pipeline, table: "Table", landed: Landed, access: Access) -> Plan:
    """Return what lands the function's rows.

    With `full` they replace the table when a row differs; the function is not even called while its
    file and the files it `reads` (when it names any) are those of the last load. Otherwise it
    yields pairs (batch name, rows): names that have landed, or were withdrawn, are passed over
    unread.

    Raises:
        SourceError: If there is no such function, or a file it reads is missing.
    """
    spec, source = pipeline.spec, pipeline.spec.source
    assert isinstance(source, FunctionSource)  # noqa: S101 - chosen by kind.
    function = _Function(pipeline.folder, source)
    mark = function.mark()
    anew = landed.newest is not None and landed.reading != reading(spec)
    if source.load == "full":
        if landed.mark == mark and source.reads and not anew:
            return Plan()
        part = BatchPart(
            function.name, lambda: function.batches(function.call()), spec, "", lambda: mark
        )
        return Plan([part], replace=True, unless=same_as(landed, spec))
    known: Set[str] = set(landed.withdrawn) | (set() if anew else landed.files.keys())
    lost = set(landed.files) if anew else set()
    parts = (
        BatchPart(name, partial(function.batches, rows), spec, _identity(name))
        for name, rows in function.named(lost)
        if name not in known
    )
    return Plan(parts, replace=anew, withdrawn=landed.withdrawn if anew else ())


class _Function:
    """One function in a file of the pipeline's folder; what goes wrong in it is one line."""

    def __init__(self, folder: Path, source: FunctionSource) -> None:
        file, _, self.name = source.function.partition(":")
        self._folder, self._source, self._path = folder, source, folder / file
        self._owner = folder.name

    def mark(self) -> str:
        """Return a sha256 over the function's file and those that it reads."""
        total = hashlib.sha256()
        for path in [self._path, *(self._folder / name for name in self._source.reads)]:
            try:
                with path.open("rb") as file:
                    total.update(hashlib.file_digest(file, "sha256").digest())
            except OSError as wrong:
                cure = "correct source.function or source.reads"
                raise SourceError(f"{path}: {wrong.strerror}; {cure}") from None
        return total.hexdigest()

    def call(self) -> Any:
        """Return what the function returns."""
        function = getattr(self._run(lambda: run_file(self._path, self._owner)), self.name, None)
        if not callable(function):
            raise SourceError(f"{self._path}: has no function {self.name}; correct source.function")
        return self._run(function)

    def named(self, lost: set[str]) -> Iterator[tuple[str, Any]]:
        """Yield the pairs it yields; refuse when a batch of `lost` is not among them."""
        seen: set[str] = set()
        for pair in self._each(self.call(), "pairs (batch name, rows)"):
            match pair:
                case (str(name), rows) if name.isprintable() and 0 < len(name) <= LONGEST_NAME:
                    pass
                case _:
                    raise self._unexpected(pair, "a pair (batch name, rows), unless load is full")
            if name in seen:
                raise SourceError(f"{self._path}: {self.name} yields the batch {name!r} twice")
            seen.add(name)
            yield name, rows
        if lost - seen:
            raise SourceError(
                f"{self._path}: `source` or `columns` changed, and {self.name} no longer yields "
                f"{', '.join(sorted(lost - seen))}, which landed; yield every batch"
            )

    def batches(self, rows: Any) -> Iterator[pa.RecordBatch]:
        """Yield record batches of a Table, a RecordBatch, or an iterable of them."""
        whole = isinstance(rows, pa.Table | pa.RecordBatch)
        for some in [rows] if whole else self._each(rows, "a pyarrow Table, or batches"):
            if isinstance(some, pa.RecordBatch):
                some = pa.Table.from_batches([some])  # noqa: PLW2901 - the same rows.
            if not isinstance(some, pa.Table):
                raise self._unexpected(some, "pyarrow Tables or RecordBatches")
            empty = pa.RecordBatch.from_pylist([], schema=some.schema)
            yield from some.to_batches(max_chunksize=BATCH_ROWS) or [empty]

    def _each(self, values: Any, expected: str) -> Iterator[Any]:
        if not isinstance(values, Iterable):
            raise self._unexpected(values, expected)
        iterator, done = iter(values), object()
        while (value := self._run(lambda: next(iterator, done))) is not done:
            yield value

    def _run(self, step: Callable[[], Any]) -> Any:
        """Return what the pipeline's own code returns; whatever it raises is one line."""
        try:
            return step()
        except PlatformError:
            raise
        except Exception as wrong:
            words = wrong.msg if isinstance(wrong, SyntaxError) else str(wrong)
            said = (words.splitlines() or [""])[0]
            at = f"{self._path}:{line_of(wrong, self._path)}"
            raise SourceError(f"{at}: {type(wrong).__name__}: {said}") from None

    def _unexpected(self, got: Any, expected: str) -> SourceError:
        return SourceError(
            f"{self._path}: {self.name} gave {type(got).__name__}, expected {expected}"
        )


def _identity(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
