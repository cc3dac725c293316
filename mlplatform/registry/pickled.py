"""Would these bytes run code, or build objects, if somebody loaded them as a pickle? They are walked, never loaded."""

import pickletools
from collections.abc import Iterator

_WORDS = {ord(word.code): word for word in pickletools.opcodes}
# With STACK_GLOBAL what reaches code: EXT1 to 4 find only what a reader registered itself, and weights begin so.
_BY_LINES = {"GLOBAL": 2, "INST": 2}
_COUNTED = {  # Bytes that hold the length of an argument.
    **dict.fromkeys(("SHORT_BINSTRING", "SHORT_BINUNICODE", "SHORT_BINBYTES", "LONG1"), 1),
    **dict.fromkeys(("BINSTRING", "BINUNICODE", "BINBYTES", "LONG4"), 4),
    **dict.fromkeys(("BINUNICODE8", "BINBYTES8", "BYTEARRAY8"), 8),
}


def is_pickle(data: bytes) -> bool:
    """Return whether bytes reach an import when read as a pickle of any protocol, or are a whole one.

    A reader runs each word as it comes, so nothing behind an import matters: not a word that is none, not a missing
    end. Arguments are skipped by their length alone, so that none that only a reader takes ends the walk too early.
    """
    words = False
    for name, at, end in _walk(data):
        if name == "STOP":
            return end == len(data)
        if name in _BY_LINES and all(map(_is_text, data[at:end].split(b"\n")[:2])):
            return True
        if name == "STACK_GLOBAL" and words:
            return True
        words = words or "UNICODE" in name or "STRING" in name
    return False


def _walk(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield each word with the place where its argument begins and ends, up to `STOP` or what is no word."""
    at = 0
    while at < len(data):
        word = _WORDS.get(data[at])
        end = _end(word, data, at + 1) if word else None
        if word is None or end is None or end > len(data):
            return
        yield word.name, at + 1, end
        if word.name == "STOP":
            return
        at = end


def _end(word: pickletools.OpcodeInfo, data: bytes, at: int) -> int | None:
    """Return the place behind a word's argument; none if it has no end."""
    if word.name in _COUNTED:
        size = _COUNTED[word.name]
        end = at + size + int.from_bytes(data[at : at + size], "little")
        return end if "UNICODE" not in word.name or _is_text(data[at + size : end]) else None
    if word.arg is None:
        return at
    if word.arg.n >= 0:
        return at + word.arg.n
    for _ in range(_BY_LINES.get(word.name, 1)):
        line = data.find(b"\n", at)
        if line < 0 or not _may_be(word.name, data[at:line]):
            return None
        at = line + 1
    return at


def _may_be(word: str, line: bytes) -> bool:
    """Whether a reader might take a line as an argument; weights begin with NULs."""
    if word == "STRING":
        return line.strip()[:1] in (b"'", b'"')
    return word == "UNICODE" or b"\0" not in line


def _is_text(content: bytes) -> bool:
    try:
        content.decode(errors="surrogatepass")
    except UnicodeDecodeError:
        return False
    return True
