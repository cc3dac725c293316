"""Defects of files: what was cut, re-encoded, or never was this data set."""

import gzip
from collections.abc import Callable, Iterator

from defects.plant import Bytes, Defect, Rng, Roles, hit

REFUSED = ("landing",)
BAD = ("malformed_rows",)
EITHER = ("malformed_rows", "landing")
LATIN_1 = b"\xe4"  # ä; no UTF-8 sequence is this byte and a letter.


def kinds(at: Roles) -> Iterator[Defect]:
    """Yield every defect of files that the data set can have."""
    yield _of(
        "gzip truncated",
        "at half of its bytes",
        REFUSED,
        lambda b, _: _half(gzip.compress(b)),
        suffix=".csv.gz",
    )
    yield _of("cut inside a record", "at 60 % of the bytes", EITHER, _cut)
    yield _of(
        "bytes of latin-1",
        "one in 5 % of records",
        BAD,
        _lines(0.05, lambda line: _inside(line, LATIN_1)),
    )
    yield _of("utf-16", "the whole file", EITHER, lambda b, _: b.decode().encode("utf-16"))
    yield _of(
        "NUL bytes", "one in 2 % of records", BAD, _lines(0.02, lambda line: _inside(line, b"\0"))
    )
    yield _of(
        "field lost", "5 % of records", BAD, _lines(0.05, lambda line: line.partition(b",")[2])
    )
    yield _of("field added", "5 % of records", BAD, _lines(0.05, lambda line: b"0," + line))
    yield _of("quote left open", "one, in the middle", EITHER, _quoted)
    yield _of("another delimiter", "';' everywhere", EITHER, lambda b, _: b.replace(b",", b";"))
    yield _of("empty file", "no byte", REFUSED, lambda b, _: b"")
    yield _of(
        "error page",
        "HTML in place of rows",
        EITHER,
        lambda b, _: (
            b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title></head>\n"
            b"<body>Try again later.</body></html>\n"
        ),
    )
    yield _of(
        "column lost",
        "the third, in every record",
        EITHER,
        _columns(lambda fields: [*fields[:2], *fields[3:]]),
    )
    yield _of(
        "column added",
        "'x' at the end of every record",
        EITHER,
        _columns(lambda fields: [*fields, b"x"]),
    )
    yield _of(
        "lines lost their ends",
        "every second one",
        EITHER,
        lambda b, _: b"".join(
            line if n % 2 else line.rstrip(b"\n")
            for n, line in enumerate(b.splitlines(keepends=True))
        ),
    )
    if at.header:
        yield _of("header lost", "rows alone", REFUSED, lambda b, _: b.partition(b"\n")[2])
        yield _of(
            "header re-cased",
            "upper case",
            REFUSED,
            lambda b, _: b.partition(b"\n")[0].upper() + b"\n" + b.partition(b"\n")[2],
        )
        yield _of("header alone", "no rows", REFUSED, lambda b, _: b.partition(b"\n")[0] + b"\n")
        yield _of("header repeated", "every 50 records, as of joined files", BAD, _repeated_header)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _cut(data: bytes, _: Rng) -> bytes:
    """End in the first half of a record, so that fields are missing."""
    end = data.index(b"\n", int(0.6 * len(data))) + 1
    return data[: end + data[end:].index(b",") + 1]


def _inside(line: bytes, what: bytes) -> bytes:
    """Put bytes behind the first letter of the line, else behind its first character."""
    letters = [n for n, c in enumerate(line) if chr(c).isalpha()]
    at = (letters or [0])[0] + 1
    return line[:at] + what + line[at:]


def _lines(share: float, change: Callable[[bytes], bytes]) -> Bytes:
    """Change a share of the records, but not the first line: it may be a header."""

    def plant(data: bytes, rng: Rng) -> bytes:
        first, *lines = data.splitlines(keepends=True)
        chosen = hit(len(lines), rng, share)
        return first + b"".join(
            change(line) if c else line for line, c in zip(lines, chosen, strict=True)
        )

    return plant


def _columns(change: Callable[[list[bytes]], list[bytes]]) -> Bytes:
    return lambda data, _: b"".join(
        b",".join(change(line.split(b","))) + b"\n" for line in data.splitlines()
    )


def _quoted(data: bytes, _: Rng) -> bytes:
    lines = data.splitlines(keepends=True)
    middle = len(lines) // 2
    head, _comma, tail = lines[middle].partition(b",")
    lines[middle] = head + b',"' + tail
    return b"".join(lines)


def _repeated_header(data: bytes, _: Rng) -> bytes:
    header, *lines = data.splitlines(keepends=True)
    return b"".join(header * (n % 50 == 0) + line for n, line in enumerate(lines))


def _of(
    kind: str, severity: str, expected: tuple[str, ...], data: Bytes, suffix: str = ".csv"
) -> Defect:
    return Defect(
        kind=kind, family="files", severity=severity, expected=expected, data=data, suffix=suffix
    )


def text_of(rows: list[list[str]], header: list[str] | None) -> bytes:
    """CSV of the rows, quoted where needed (RFC 4180)."""
    lines = ([header] if header else []) + rows
    return "".join(",".join(map(_field, line)) + "\n" for line in lines).encode()


def _field(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n\r') else text
