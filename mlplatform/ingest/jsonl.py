"""Read JSON lines: every line becomes a typed row or a rejected one, in constant memory."""

import json
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from mlplatform.errors import SourceError
from mlplatform.ingest.chunk import Chunk, Reject, chunk_of
from mlplatform.ingest.csv_exact import shown
from mlplatform.ingest.json_values import typed_column
from mlplatform.ingest.lines import Block, blocks
from mlplatform.ingest.text import PIECE_BYTES, bad_byte, utf8
from mlplatform.ingest.values import shortened
from mlplatform.spec import PipelineSpec
from mlplatform.spec.source import JsonLinesSource

BLANK = b" \t\r\n"
NO_OBJECT = "not a JSON object"


class _Objects(NamedTuple):
    """The objects of a block: each one's line (1-based), the line's bytes, the values by key."""

    lines: list[int]
    raws: list[bytes]
    values: list[dict[str, Any]]


class _RefusedError(Exception):
    """JSON that a column could not hold faithfully; the message says why."""


def read_jsonl(
    stream: BinaryIO,
    name: str,
    where: str,
    source: JsonLinesSource,
    spec: PipelineSpec,
    *,
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[Chunk]:
    """Yield the lines of one file, as rows and rejected ones, in the file's order.

    `name` is the file's, for `source_file`; `where` its path or address, for messages. Blank lines
    are no records; `null` and a key left out are missing.

    Raises:
        SourceError: While reading, if the gzip is damaged, there is no line, or no line is an
            object. Nothing of the file should be kept then.
    """
    lines = others = 0
    pieces = utf8(stream, name, where, piece_bytes=piece_bytes)
    for block in blocks(pieces, source.max_record_bytes):
        objects, rejects = _read(block, source.max_record_bytes, spec)
        lines += len(objects.lines) + len(rejects)
        others += sum(reject.reason.startswith(NO_OBJECT) for reject in rejects)
        if objects.lines or rejects:
            yield _chunk(objects, rejects, name, spec)
    if not lines:
        raise SourceError(f"{where}: no rows; expected one JSON object a line")
    if lines == others:
        raise SourceError(
            f"{where}: no line is a JSON object; write one a line, no array, none over several lines"
        )


def _read(block: Block, limit: int, spec: PipelineSpec) -> tuple[_Objects, list[Reject]]:
    objects, rejects = _Objects([], [], []), list[Reject]()
    for index in range(len(block)):
        line, raw = block.first + index, block.line(index)
        try:
            values = _values(raw, limit, spec)
        except _RefusedError as wrong:
            rejects.append(Reject(line, str(wrong), shown(raw[: limit + 1])))
            continue
        if values is not None:
            objects.lines.append(line)
            objects.raws.append(raw)
            objects.values.append(values)
    return objects, rejects


def _values(raw: bytes, limit: int, spec: PipelineSpec) -> dict[str, Any] | None:
    """Return the object on a line, or nothing where the line is blank."""
    if len(raw) > limit:
        raise _RefusedError(f"longer than {limit:,} bytes")
    content = raw.strip(BLANK)
    if not content:
        return None
    values = _decoded(content, QUICK)
    if not isinstance(values, dict):
        raise _RefusedError(NO_OBJECT)
    if not _keys_surely_differ(content, values):
        _decoded(content, CHECKING)
    if not values.keys() <= spec.columns.keys():
        unknown = next(key for key in values if key not in spec.columns)
        raise _RefusedError(f"no column {shortened(repr(unknown))} is declared")
    return values


def _decoded(content: bytes, decoder: json.JSONDecoder) -> Any:
    try:
        return _whole(content.decode(), decoder)
    except UnicodeDecodeError:
        raise _RefusedError(str(bad_byte(content, "utf-8"))) from None
    except json.JSONDecodeError as wrong:
        raise _RefusedError(f"{NO_OBJECT}: {wrong.msg}, character {wrong.pos + 1}") from None
    except RecursionError:
        raise _RefusedError("nested too deep") from None
    except ValueError:
        raise _RefusedError("a number of too many digits") from None  # Python's limit is 4,300.


def _whole(text: str, decoder: json.JSONDecoder) -> Any:
    values, end = decoder.raw_decode(text)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return values


def _keys_surely_differ(content: bytes, values: dict[str, Any]) -> bool:
    """Whether no key stands twice in an object: its line has no signs left for another one.

    A key brings a colon and two quotes, so there are as many as those of the keys and strings that
    are known only if there is no other key.
    """
    if content.count(b":") == len(values):
        return True
    strings = sum(type(value) is str for value in values.values())
    return content.count(b'"') == 2 * (len(values) + strings)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key {shortened(repr(twice))} stands twice")
    return values


def _no_number(constant: str) -> NoReturn:
    raise _RefusedError(f"{constant} is no number in JSON")


QUICK = json.JSONDecoder(parse_constant=_no_number)
CHECKING = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)


def _chunk(objects: _Objects, rejects: list[Reject], name: str, spec: PipelineSpec) -> Chunk:
    columns, blamed = [], dict[int, tuple[str, str]]()
    for column, kind in spec.columns.items():
        values = _column(objects.values, column)
        array, bad = typed_column(values, kind, column, objects.raws, spec)
        columns.append(array)
        for row, reason in bad.items():
            blamed.setdefault(row, (column, reason))
    for row, (column, reason) in blamed.items():
        text = shown(objects.raws[row])
        rejects.append(Reject(objects.lines[row], reason, text, column))
    lines = np.array(objects.lines, np.int64)
    return chunk_of(columns, lines, list(blamed), rejects, name, spec)


def _column(objects: list[dict[str, Any]], name: str) -> list[Any]:
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [values.get(name) for values in objects]
