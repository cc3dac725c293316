"""Guesses how a bare file is to be read: format, dialect and column types. For looks outside pipelines.

A pipeline declares; nobody declares anything about a file at hand. The guess rests on the beginning
of the file, is made in constant memory, and is conservative: text that could be an id stays text.

- Format by content: Parquet's magic, `{` or `[` first (JSON lines), else delimited text. Gzip is seen
  through. Text is UTF-8 unless a byte order mark says otherwise.
- `mlplatform.ingest.infer_text` has the rules for dialects and for the types of texts.
- Lists of floats are vectors where all of the beginning have one width.
- Names that a spec cannot have (with blanks or control characters, empty, there twice) are replaced;
  `Guess.names` says which.

Later values that are not of the guessed type are rejected rows, as they are in a pipeline.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlplatform.errors import SourceError
from mlplatform.ingest.infer_text import UTF_8, dialect, is_all, prefix, type_of
from mlplatform.ingest.storage import SourceFile
from mlplatform.spec.label import Label
from mlplatform.spec.model import RESERVED, PipelineSpec
from mlplatform.spec.section import ColumnType, vector_width
from mlplatform.spec.source import AnySource, CsvSource, JsonLinesSource, ParquetSource

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET_MAGIC = b"PAR1"
MARKS = {  # UTF-32's begins like UTF-16's, so it is looked for first.
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,62}")  # As `ColumnName`.
STEM_CHARACTERS = 50  # Of a replaced name, so that a number fits behind it.
INT64_LIMIT = 2**63
WIDEST = 9999  # Numbers of a vector, as `Vector` of a spec.
HEAD_ROWS = 1024  # Looked at for the width of vectors.


@dataclass(frozen=True, kw_only=True)
class Guess:
    """How a bare file is to be read.

    Attributes:
        source: As a spec would declare it.
        columns: Type of each column that can be read, by a name that a spec can have, in file order.
        names: The file's own name of each column that had to be given another.
        skip_line: The line of a header that is left out because names in it were replaced.
        left_out: The file's name of each column of a type that no spec can declare, with that type.
    """

    source: AnySource
    columns: Mapping[str, ColumnType]
    names: Mapping[str, str] = field(default_factory=dict)
    skip_line: int | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def guess(file: SourceFile, encoding: str = UTF_8, comment: str | None = None) -> Guess:
    """Return how `file` is to be read.

    Text without a byte order mark is in `encoding`; its lines that begin with `comment` are passed
    over.

    Raises:
        SourceError: If it is empty, has no column that can be read, or is neither text nor Parquet.
    """
    with file.open() as stream:
        start = stream.read(len(PARQUET_MAGIC))
    if start == PARQUET_MAGIC:
        return _parquet(file)
    marked = (name for mark, name in MARKS.items() if start.startswith(mark))
    encoding = next(marked, encoding)
    text = prefix(file, encoding)
    if comment:
        text = re.sub(rf"(?m)^{re.escape(comment)}.*$", "", text)
    if not text.strip():
        raise SourceError(f"{file.where}: empty; there is nothing to look at")
    return _json_lines(file, text) if text.lstrip()[0] in "{[" else _csv(file, text, encoding)


def spec_of(columns: Mapping[str, ColumnType], source: AnySource, **said: Any) -> PipelineSpec:
    """Return a spec with no pipeline behind it: `label` (a `Label`), `key` and others may be missing.

    Raises:
        SourceError: If `label`, `key` or `event_time` names no column, or one of a type it cannot be.
    """
    label = said.pop("label", None) or Label.model_construct(column="", positive="", strip="")
    time = said.get("event_time")
    unknown = [n for n in (label.column, *said.get("key", ()), time) if n and n not in columns]
    if unknown:
        raise SourceError(f"no column {unknown[0]!r}; columns: {', '.join(columns)}")
    vectors = [n for n in (label.column, *said.get("key", ())) if n and vector_width(columns[n])]
    if vectors:
        raise SourceError(f"column {vectors[0]!r} is {columns[vectors[0]]}: neither label nor key")
    if time and columns[time] != "timestamp":
        raise SourceError(f"column {time!r} is {columns[time]}; an event time is a timestamp")
    return PipelineSpec.model_construct(
        name="data", source=source, columns=dict(columns), label=label, **said
    )


def usable_names(names: Sequence[str]) -> list[str]:
    """Return a name that a spec can have for each: itself where it can, else one like it; none twice."""
    taken, result = {name.lower() for name in RESERVED}, list[str]()
    for at, name in enumerate(names, 1):
        stem = name if NAME.fullmatch(name) else _plain(name) or f"column_{at}"
        unique, n = stem, 2
        while unique.lower() in taken:  # The lake tells no case.
            unique, n = f"{stem[:STEM_CHARACTERS]}_{n}", n + 1
        taken.add(unique.lower())
        result.append(unique)
    return result


def types_of(
    schema: "pa.Schema", head: "Callable[[list[str]], Iterable[pa.RecordBatch]]"
) -> list[ColumnType | None]:
    """Return the type a spec declares for each column, `None` where it cannot.

    `head` gives the first rows of the columns named: of lists, the schema tells no width.
    """
    once = [column for column in schema if schema.names.count(column.name) == 1]
    lists = [column.name for column in once if _is_list_of_floats(column.type)]
    first = next(iter(head(lists)), None) if lists else None
    widths = {} if first is None else {name: _of_lists(first.column(name)) for name in lists}
    return [widths.get(column.name) or _of_arrow(column.type) for column in schema]


def _plain(name: str) -> str:
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", ascii_).strip("_.-")[:STEM_CHARACTERS]
    return plain if NAME.fullmatch(plain) else ""


def _replaced(names: Mapping[str, str]) -> dict[str, str]:
    return {new: old for new, old in names.items() if new != old}


def _csv(file: SourceFile, text: str, encoding: str) -> Guess:
    seen = dialect(text)
    titles = seen.header or [f"column_{n}" for n in range(1, len(seen.types) + 1)]
    names = usable_names(titles)
    replaced = _replaced(dict(zip(names, titles, strict=True)))
    source = CsvSource(
        kind="csv",
        files=["file"],
        delimiter=seen.delimiter,
        encoding=encoding,
        header=seen.header is not None and not replaced,
        skip_initial_space=seen.spaced,
        missing=["", *seen.markers],
    )
    skip = seen.header_line if seen.header is not None and replaced else None
    columns = dict(zip(names, seen.types, strict=True))
    return Guess(source=source, columns=columns, names=replaced, skip_line=skip)


def _json_lines(file: SourceFile, text: str) -> Guess:
    import json

    seen: dict[str, list[Any]] = {}
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue  # The reader will reject it, with its line.
        for name, item in value.items() if isinstance(value, dict) else ():
            seen.setdefault(name, []).append(item)
    kinds = [_of_json(values) for values in seen.values()]
    source = JsonLinesSource(kind="jsonl", files=["file"])
    return _typed(source, list(seen), kinds, ["nested"] * len(kinds), file)


def _parquet(file: SourceFile) -> Guess:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = pq.ParquetFile(file.random_access())
        schema = stored.schema_arrow
        types = types_of(schema, lambda names: stored.iter_batches(HEAD_ROWS, columns=names))
    except (pa.ArrowException, OSError) as wrong:
        said = " ".join(str(wrong).split())
        raise SourceError(f"{file.where}: no readable Parquet: {said}; write it again") from None
    source = ParquetSource(kind="parquet", files=["file"])
    return _typed(source, schema.names, types, [str(c.type) for c in schema], file)


def _typed(
    source: AnySource,
    titles: Sequence[str],
    kinds: Sequence[ColumnType | None],
    words: Sequence[str],
    file: SourceFile,
) -> Guess:
    names = dict(zip(usable_names(titles), titles, strict=True))
    columns = {name: kind for name, kind in zip(names, kinds, strict=True) if kind is not None}
    if not columns:
        raise SourceError(f"{file.where}: has no column of a type that can be read")
    readable = zip(titles, kinds, words, strict=True)
    left_out = {title: word for title, kind, word in readable if kind is None}
    return Guess(source=source, columns=columns, names=_replaced(names), left_out=left_out)


def _of_json(values: Sequence[Any]) -> ColumnType | None:
    """The type of one field's values; `None` where one is an object or another list than a vector."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {list}:
        numbers = {type(number) for value in values if value is not None for number in value}
        widths = {len(value) for value in values if value is not None}
        return _vector(widths) if float in numbers and numbers <= {int, float} else None
    if kinds & {dict, list}:
        return None
    if kinds and kinds <= {bool}:
        return "bool"
    if kinds and kinds <= {int, float}:
        whole = [value for value in values if isinstance(value, int)]
        fits = all(-INT64_LIMIT <= value < INT64_LIMIT for value in whole)
        return "int64" if kinds == {int} and fits else "float64"
    texts = sorted({value for value in values if isinstance(value, str)})
    is_time = kinds == {str} and is_all(texts, "timestamp")
    return "timestamp" if is_time else "string"


def _is_list_of_floats(type_: "pa.DataType") -> bool:
    import pyarrow.types as pt

    lists = (pt.is_list, pt.is_large_list, pt.is_fixed_size_list)
    return any(test(type_) for test in lists) and bool(pt.is_floating(type_.value_type))


def _of_lists(lists: "pa.Array") -> ColumnType | None:
    import pyarrow.compute as pc

    return _vector(set(pc.list_value_length(lists).drop_null().to_pylist()))


def _vector(widths: Collection[int]) -> ColumnType | None:
    """The type of vectors of these widths: of one, that a spec can have."""
    one = max(widths, default=0) if len(widths) == 1 else 0
    return f"vector[{one}]" if 0 < one <= WIDEST else None


def _of_arrow(type_: "pa.DataType") -> ColumnType | None:
    import pyarrow.types as pt

    if pt.is_dictionary(type_):
        return _of_arrow(type_.value_type)
    tests: dict[ColumnType, tuple[Any, ...]] = {
        "int64": (pt.is_integer,),
        "float64": (pt.is_floating, pt.is_decimal),
        "bool": (pt.is_boolean,),
        "timestamp": (pt.is_timestamp, pt.is_date),
        "string": (pt.is_string, pt.is_large_string, pt.is_string_view),
    }
    return next((kind for kind, of in tests.items() if any(test(type_) for test in of)), None)


__all__ = ["Guess", "guess", "spec_of", "type_of", "types_of", "usable_names"]
