"""Read JSON lines: every line becomes a typed row or a rejected one, in constant memory."""

import json
from collections.abc import Iterator
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


class _Object(NamedTuple):
    """One line's object: the 1-based number of the line, its bytes, its values by key."""

    line: int
    raw: bytes
    values: dict[str, Any]


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
        lines += len(objects) + len(rejects)
        others += sum(reject.reason.startswith(NO_OBJECT) for reject in rejects)
        if objects or rejects:
            yield _chunk(objects, rejects, name, spec)
    if not lines:
        raise SourceError(f"{where}: no rows; expected one JSON object a line")
    if lines == others:
        raise SourceError(
            f"{where}: no line is a JSON object; write one a line, no array, none over several lines"
        )


def _read(block: Block, limit: int, spec: PipelineSpec) -> tuple[list[_Object], list[Reject]]:
    objects: list[_Object] = []
    rejects: list[Reject] = []
    for index in range(len(block)):
        line, raw = block.first + index, block.line(index)
        if not raw.strip(BLANK):
            continue
        try:
            objects.append(_Object(line, raw, _values(raw, limit, spec)))
        except _RefusedError as wrong:
            rejects.append(Reject(line, str(wrong), shown(raw[: limit + 1])))
    return objects, rejects


def _values(raw: bytes, limit: int, spec: PipelineSpec) -> dict[str, Any]:
    if len(raw) > limit:
        raise _RefusedError(f"longer than {limit:,} bytes")
    values = _decoded(raw)
    if not isinstance(values, dict):
        raise _RefusedError(NO_OBJECT)
    if not values.keys() <= spec.columns.keys():
        unknown = next(key for key in values if key not in spec.columns)
        raise _RefusedError(f"no column {shortened(repr(unknown))} is declared")
    return values


def _decoded(raw: bytes) -> Any:
    try:
        return DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise _RefusedError(str(bad_byte(raw, "utf-8"))) from None
    except json.JSONDecodeError as wrong:
        raise _RefusedError(f"{NO_OBJECT}: {wrong.msg}, character {wrong.pos + 1}") from None
    except RecursionError:
        raise _RefusedError("nested too deep") from None
    except ValueError:
        raise _RefusedError("a number of too many digits") from None  # Python's limit is 4,300.


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key {shortened(repr(twice))} stands twice")
    return values


def _no_number(constant: str) -> NoReturn:
    raise _RefusedError(f"{constant} is no number in JSON")


DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number)


def _chunk(objects: list[_Object], rejects: list[Reject], name: str, spec: PipelineSpec) -> Chunk:
    columns, blamed = [], dict[int, tuple[str, str]]()
    raws = [found.raw for found in objects]
    for column, kind in spec.columns.items():
        values = [found.values.get(column) for found in objects]
        array, bad = typed_column(values, kind, column, raws, spec)
        columns.append(array)
        for row, reason in bad.items():
            blamed.setdefault(row, (column, reason))
    for row, (column, reason) in blamed.items():
        rejects.append(Reject(objects[row].line, reason, shown(raws[row]), column))
    lines = np.array([found.line for found in objects], np.int64)
    return chunk_of(columns, lines, list(blamed), rejects, name, spec)
