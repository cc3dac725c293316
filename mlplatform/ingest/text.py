"""From the bytes of a source file to its text: one line of error for whatever is wrong with it."""

import gzip
import zlib
from pathlib import Path

from mlplatform.errors import SourceError

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, section 2.3.1.
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path) -> bytes:
    """Return the file as it is stored.

    Raises:
        SourceError: If it is missing or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; put it there or correct source.files") from None
    except OSError as wrong:
        raise SourceError(f"{path}: cannot be read: {wrong.strerror}") from None


def decode(raw: bytes, path: Path, encoding: str) -> str:
    """Return the text in `raw`, unzipped where it is gzip, without a byte order mark.

    Raises:
        SourceError: If the gzip is damaged, or a byte is not of `encoding`.
    """
    content = _unzipped(raw, path)
    try:
        text = content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as wrong:
        raise SourceError(_bad_byte(content, wrong, path, encoding)) from None
    except LookupError:
        message = (
            f"{path}: source.encoding {encoding!r} is no text encoding; utf-8 is the usual one"
        )
        raise SourceError(message) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise SourceError(f"{path}:{line}: a NUL character; is source.encoding {encoding!r} right?")
    return text


def _unzipped(raw: bytes, path: Path) -> bytes:
    zipped = raw.startswith(GZIP_MAGIC)
    if path.suffix == ".gz" and raw and not zipped:
        raise SourceError(f"{path}: ends in .gz but is not gzip; rename it or fetch it again")
    try:
        return gzip.decompress(raw) if zipped else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as wrong:
        message = f"{path}: truncated or damaged gzip ({wrong}); fetch it again"
        raise SourceError(message) from None


def _bad_byte(content: bytes, wrong: UnicodeDecodeError, path: Path, encoding: str) -> str:
    line = content.count(b"\n", 0, wrong.start) + 1
    likely = "utf-16" if content.startswith(UTF16_MARKS) else "latin-1"
    return (
        f"{path}:{line}: byte 0x{content[wrong.start]:02x} is not {encoding}; "
        f"repair the file or set source.encoding ({likely}?)"
    )
