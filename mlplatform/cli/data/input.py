"""What `mlplatform data` looks at: a file, a Delta folder, or a table of the lake, as typed rows."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mlplatform.cli.data.declared import as_declared
from mlplatform.cli.data.text import plain
from mlplatform.errors import SourceError
from mlplatform.ingest.infer import HEAD_ROWS, Guess, guess, spec_of, types_of, usable_names
from mlplatform.ingest.storage import S3, SourceFile, locate
from mlplatform.settings import Settings, find_root
from mlplatform.spec import PipelineSpec
from mlplatform.spec.section import ColumnType, vector_width

if TYPE_CHECKING:
    import pyarrow as pa

    from mlplatform.ingest.chunk import Chunk

TABLE = re.compile(r"(?P<table>[a-z0-9_-]+/[a-z0-9_-]+)(@(?P<version>\d+))?")
TEXTS = ("csv", "jsonl")  # Kinds whose values have the type they are read as.
NONE = ""  # File name of rows that no file knows.

Columns = Mapping[str, ColumnType]


@dataclass(frozen=True, kw_only=True)
class Input:
    """Rows that can be read as often as wanted, always in constant memory.

    Attributes:
        name: As a person wrote it.
        how: How it is read, in words.
        columns: Types by name.
        chunks: Yields the rows, with the columns in these types.
        names: The source's own name of each column that had to be given another.
        left_out: Columns of types that cannot be read, with the type.
        is_text: Whether columns have the types they are read as.
        spec: Of the pipeline that a table is of.
    """

    name: str
    how: str
    columns: Columns
    chunks: Callable[[Columns], Iterator["Chunk"]]
    names: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    is_text: bool = False
    spec: PipelineSpec | None = None


def open_input(written: str, like: PipelineSpec | None = None) -> Input:
    """Return what a person means by a path, an `s3://` address or `<pipeline>/<table>[@version]`.

    Delimited text is read as `like` declares its source: see `declared.as_declared`.

    Raises:
        PlatformError: If there is nothing of this name, or it cannot be read.
    """
    if "://" not in written and Path(written, "_delta_log").is_dir():
        return _delta(written)
    is_path = written.startswith(S3) or Path(written).exists()
    named = TABLE.fullmatch(written)
    if named and not is_path:
        return _table(written, named["table"], named["version"])
    return _file(written, like)


def here() -> Settings:
    """Return the settings of this process, in a checkout."""
    return Settings.from_environment(os.environ, find_root(Path.cwd()))


def _file(written: str, like: PipelineSpec | None) -> Input:
    file = locate(written, Path.cwd(), _s3(written))
    seen = guess(file) if like is None else as_declared(file, like)
    return Input(
        name=written,
        how=_described(seen),
        columns=seen.columns,
        chunks=lambda columns: _chunks(file, seen, columns),
        names=seen.names,
        left_out=seen.left_out,
        is_text=seen.source.kind in TEXTS,
    )


def _s3(written: str) -> Mapping[str, str] | None:
    from mlplatform.cli.lake import s3_options

    return s3_options() if written.startswith(S3) else None


def _described(seen: Guess) -> str:
    source = seen.source
    if source.kind != "csv":
        return {"jsonl": "JSON lines", "parquet": "Parquet"}[source.kind]
    signs = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
    header = "with a header" if source.header or seen.skip_line else "without a header"
    missing = ", ".join(repr(marker) for marker in source.missing)
    encoding = "" if source.encoding == "utf-8" else f", {source.encoding}"
    return f"text {header}, delimited by {signs[source.delimiter]}{encoding}, missing is {missing}"


def _chunks(file: SourceFile, seen: Guess, columns: Columns) -> Iterator["Chunk"]:
    """Read by the file's own names, which need not be names that a spec can have."""
    every = {name: columns.get(name, kind) for name, kind in seen.columns.items()}
    if seen.source.kind not in TEXTS:  # There each column can be read alone.
        every = {name: kind for name, kind in every.items() if name in columns}
    vectors = [name for name, kind in every.items() if vector_width(kind)]
    if vectors and seen.source.kind == "csv":
        raise SourceError(f"{file.where}: column {vectors[0]!r}: delimited text has no vectors")
    own = every if seen.skip_line else {seen.names.get(n, n): kind for n, kind in every.items()}
    for chunk in _read(file, spec_of(own, seen.source)):
        yield _renamed(chunk, list(every), seen.skip_line)


def _read(file: SourceFile, spec: PipelineSpec) -> Iterator["Chunk"]:
    from mlplatform.ingest.parquet import ParquetRows
    from mlplatform.ingest.readers import text_reader

    reader = text_reader(spec)
    if reader is None:
        yield from ParquetRows(file, spec).chunks()
        return
    with file.open() as stream:
        yield from reader(stream, file.name, file.where, spec.source, spec)


def _renamed(chunk: "Chunk", names: list[str], skip_line: int | None) -> "Chunk":
    from mlplatform.ingest.chunk import ORIGIN, Chunk

    rows, rejected = chunk.rows.rename_columns([*names, *ORIGIN]), chunk.rejected
    if skip_line is None:
        return Chunk(rows, rejected)
    return Chunk(_without(rows, skip_line), _without(rejected, skip_line))


def _without(batch: "pa.RecordBatch", line: int) -> "pa.RecordBatch":
    import pyarrow.compute as pc

    return batch.filter(pc.not_equal(batch["source_line"], line))


def _table(written: str, name: str, number: str | None) -> Input:
    from mlplatform.cli.lake import open_lake
    from mlplatform.spec import load_pipelines

    settings = here()
    table = open_lake(settings).table(name)
    latest = table.latest()
    if latest is None:
        raise SourceError(f"{plain(written)}: no such file, and no such table in {settings.lake}")
    version = latest if number is None else table.version(int(number))
    first = next(iter(table.batches(version, batch_rows=HEAD_ROWS)))
    schema = first.schema
    pipelines = load_pipelines(settings.pipelines, settings.environment)
    specs = {pipeline.name: pipeline.spec for pipeline in pipelines}
    spec = specs.get(name.partition("/")[0])
    columns = {
        column: kind
        for column, kind in zip(schema.names, types_of(schema, lambda _: [first]), strict=True)
        if kind is not None and (spec is None or column in spec.columns)
    }
    return Input(
        name=written,
        how=f"version {version.number} of {name} in the lake",
        columns=columns,
        chunks=lambda wanted: _typed(table.batches(version), wanted, name),
        spec=spec if spec and set(spec.columns) <= set(columns) else None,
    )


def _delta(written: str) -> Input:
    from mlplatform.lake.foreign import ForeignTable

    table = ForeignTable(written)
    schema = table.schema
    names = dict(zip(usable_names(schema.names), schema.names, strict=True))
    types = types_of(schema, lambda _: table.batches(table.files()))
    kinds = dict(zip(names, types, strict=True))

    def chunks(columns: Columns) -> Iterator["Chunk"]:
        own = {names[name]: kind for name, kind in columns.items()}
        for chunk in _typed(table.batches(table.files()), own, written):
            yield _renamed(chunk, list(columns), None)

    return Input(
        name=written,
        how=f"version {table.version} of a Delta table",
        columns={name: kind for name, kind in kinds.items() if kind is not None},
        chunks=chunks,
        names={new: old for new, old in names.items() if new != old},
        left_out={
            names[n]: str(schema.field(names[n]).type) for n, k in kinds.items() if k is None
        },
    )


def _typed(batches: Iterator["pa.RecordBatch"], columns: Columns, name: str) -> Iterator["Chunk"]:
    from mlplatform.ingest.conform import conformed
    from mlplatform.spec.source import ParquetSource

    spec = spec_of(columns, ParquetSource(kind="parquet", files=["table"]))
    yield from conformed(batches, spec, name)
