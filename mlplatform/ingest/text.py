"""A stream of bytes becomes UTF-8 text in pieces: unzipped, decoded, without a byte order mark.

Bytes that are not of the declared encoding stay in the text as bytes that are not UTF-8, so that
a reader can reject the records they stand in and keep the others.
"""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO

from mlplatform.errors import SourceError

PIECE_BYTES = 1 << 20  # Large enough for Arrow's kernels, small enough to be forgotten in memory.
GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1.
UTF8 = ("utf-8", "utf-8-sig")
LONGEST_MARK = 16  # Bytes that tell what a file is not.
MARKER = 0xDC00  # A byte that is no text becomes this lone surrogate plus the byte.
NOT_TEXT = {
    "a zip archive": rb"PK\x03\x04",
    "Parquet": rb"PAR1\x15",
    "xz": rb"\xfd7zXZ\x00",
    "bzip2": rb"BZh[1-9]1AY&SY",
    "zstd": rb"\x28\xb5\x2f\xfd",
}
OTHER_MARKS = {  # UTF-32's begins like UTF-16's, so it is looked for first.
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}


def utf8(
    stream: BinaryIO,
    name: str,
    where: str,
    encoding: str = "utf-8",
    piece_bytes: int = PIECE_BYTES,
) -> Iterator[bytes]:
    """Yield the text of `stream` in pieces of about `piece_bytes`, as UTF-8.

    `name` is the file's, for its ending; `where` its path or address, for messages.

    Raises:
        SourceError: If the encoding is unknown, the gzip is damaged, or it is no text at all.
    """
    codec = _codec(encoding, where)
    pieces = _bytes(stream, name, where, max(piece_bytes, LONGEST_MARK))
    first = next(pieces, b"")
    _check_is_text(first, codec.name, where)
    if codec.name in UTF8:
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
    else:
        yield from _decoded(first, pieces, codec, where)


def bad_byte(raw: bytes, encoding: str) -> str | None:
    """Say which of the bytes kept by `utf8` is no text, or nothing if all are."""
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        if _codec(encoding, "").name in UTF8:
            return f"byte 0x{raw[wrong.start]:02x} is not utf-8"
        text = raw.decode("utf-8", "surrogatepass")
        first = next(ord(character) for character in text if "\ud800" <= character <= "\udfff")
        if MARKER <= first < MARKER + 256:
            return f"byte 0x{first - MARKER:02x} is not {encoding}"
        return f"U+{first:04X} is no character"
    return None


def _codec(encoding: str, where: str) -> codecs.CodecInfo:
    try:
        with suppress(UnicodeError):
            b"a".decode(encoding)  # Unlike lookup, refuses codecs from bytes to bytes.
        return codecs.lookup(encoding)
    except (LookupError, ValueError):
        raise SourceError(
            f"{where}: source.encoding {encoding!r} is no text encoding; utf-8 is the usual one"
        ) from None


def _bytes(stream: BinaryIO, name: str, where: str, size: int) -> Iterator[bytes]:
    head = _Rejoined(stream)
    zipped = head.begins_with(GZIP_MAGIC)
    if name.endswith(".gz") and not zipped and not head.is_empty():
        raise SourceError(f"{where}: ends in .gz but is not gzip; rename it or fetch it again")
    content = gzip.GzipFile(fileobj=head) if zipped else head  # type: ignore[call-overload]  # It only reads.
    try:
        while piece := _filled(content, size):
            yield piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        message = f"{where}: truncated or damaged gzip ({wrong}); fetch it again"
        raise SourceError(message) from None
    except OSError as wrong:
        raise SourceError(f"{where}: cannot be read: {wrong.strerror or wrong}") from None


class _Rejoined:
    """A stream whose first bytes were looked at and are read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._head = b""

    def begins_with(self, magic: bytes) -> bool:
        while len(self._head) < len(magic) and (more := self._stream.read(len(magic))):
            self._head += more
        return self._head.startswith(magic)

    def is_empty(self) -> bool:
        return not self._head

    def read(self, size: int = -1) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._stream.read(size)


def _filled(content: "_Rejoined | gzip.GzipFile", wanted: int) -> bytes:
    """Return at least `wanted` bytes; fewer only at the end, however little each read returns."""
    parts, size = [], 0
    while size < wanted and (part := content.read(wanted)):
        parts.append(part)
        size += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _check_is_text(first: bytes, codec: str, where: str) -> None:
    for kind, magic in NOT_TEXT.items():
        if re.match(magic, first):
            raise SourceError(f"{where}: is {kind}, not text; unpack it, or correct source.kind")
    for encoding, marks in OTHER_MARKS.items():
        if codec in UTF8 and first.startswith(marks):
            raise SourceError(
                f"{where}: begins with the mark of {encoding}; set source.encoding to {encoding}"
            )


def _decoded(
    first: bytes, pieces: Iterator[bytes], codec: codecs.CodecInfo, where: str
) -> Iterator[bytes]:
    decoder = codec.incrementaldecoder("mlplatform.marked")
    try:
        yield _encoded(decoder.decode(first).removeprefix("\ufeff"))
        for piece in pieces:
            yield _encoded(decoder.decode(piece))
        yield _encoded(decoder.decode(b"", final=True))
    except UnicodeError as wrong:
        raise SourceError(f"{where}: cannot be read as {codec.name}: {wrong}") from None


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _marked(wrong: UnicodeError) -> tuple[str, int]:
    if not isinstance(wrong, UnicodeDecodeError):
        raise wrong
    bad = wrong.object[wrong.start : wrong.end]
    return "".join(chr(MARKER + byte) for byte in bad), wrong.end


codecs.register_error("mlplatform.marked", _marked)
