"""Reading small texts in tests: rows and rejects as plain tuples, and the corpus of nasty files."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlplatform.ingest.chunk import QUARANTINE, Chunk, rows_schema
from mlplatform.ingest.delimited import read_csv
from mlplatform.ingest.jsonl import read_jsonl
from mlplatform.spec import PipelineSpec
from mlplatform.spec.source import CsvSource, JsonLinesSource

COLUMNS = {"name": "string", "age": "int64", "height": "float64"}


def spec_of(columns: Mapping[str, str] = COLUMNS, strip: str = "") -> PipelineSpec:
    """A pipeline of these columns; the first one is the label."""
    label = {"column": next(iter(columns)), "positive": "ann", "strip": strip}
    source = {"kind": "csv", "files": ["people.csv"]}
    attributes = {"name": "people", "source": source, "columns": columns, "label": label}
    return PipelineSpec.model_validate(attributes)


def csv_source(limit: int | None = None, **how: Any) -> CsvSource:
    """Delimited text without a header; `limit` may be smaller than a spec allows."""
    source = CsvSource.model_validate(
        {"kind": "csv", "files": ["people.csv"], "header": False, **how}
    )
    return source.model_copy(update={"max_record_bytes": limit} if limit else {})


def jsonl_source(limit: int | None = None) -> JsonLinesSource:
    """JSON lines; `limit` may be smaller than a spec allows."""
    source = JsonLinesSource(kind="jsonl", files=["people.jsonl"])
    return source.model_copy(update={"max_record_bytes": limit} if limit else {})


@dataclass(frozen=True)
class Read:
    """What came of a text: rows as (line, values), rejects as (line, column, reason)."""

    rows: list[tuple[int, tuple[Any, ...]]]
    rejected: list[tuple[int, str | None, str]]
    texts: list[str] = field(default_factory=list, compare=False)

    @property
    def records(self) -> int:
        """Rows and rejects."""
        return len(self.rows) + len(self.rejected)


def from_csv(
    text: bytes | str,
    source: CsvSource | None = None,
    spec: PipelineSpec | None = None,
    name: str = "people.csv",
    **options: Any,
) -> Read:
    """Read delimited text with `read_csv`, `options` being its own."""
    spec = spec or spec_of()
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    chunks = read_csv(stream, name, f"data/{name}", source or csv_source(), spec, **options)
    return collected(chunks, spec)


def from_jsonl(
    text: bytes | str,
    source: JsonLinesSource | None = None,
    spec: PipelineSpec | None = None,
    name: str = "people.jsonl",
    **options: Any,
) -> Read:
    """Read JSON lines with `read_jsonl`, `options` being its own."""
    spec = spec or spec_of()
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    chunks = read_jsonl(stream, name, f"data/{name}", source or jsonl_source(), spec, **options)
    return collected(chunks, spec)


def collected(chunks: Iterator[Chunk], spec: PipelineSpec) -> Read:
    """Put the chunks together, holding each to its schemas and the whole to the file's order."""
    rows, rejected, texts = [], [], []
    for chunk in chunks:
        assert chunk.rows.schema == rows_schema(spec)
        assert chunk.rejected.schema == QUARANTINE
        chunk.rows.validate(full=True)
        chunk.rejected.validate(full=True)
        for row in chunk.rows.to_pylist():
            assert row.pop("source_file").startswith("people")
            rows.append((row.pop("source_line"), tuple(row.values())))
        for reject in chunk.rejected.to_pylist():
            rejected.append((reject["source_line"], reject["column"], reject["reason"]))
            texts.append(reject["text"])
    lines = [line for line, _ in rows]
    assert lines == sorted(set(lines))
    bad = [line for line, _, _ in rejected]
    assert bad == sorted(set(bad))
    assert not set(lines) & set(bad)
    return Read(rows, rejected, texts)
