"""Nasty files, each with what must come of it: rows and rejects by line, or the refusal of the file.

Columns are name (string), age (int64) and height (float64).
"""

import gzip
from dataclasses import dataclass, field
from typing import Any

ANN = (1, ("ann", 1, 1.5))
HUGE = "9" * 400


@dataclass(frozen=True)
class Case:
    """A file's bytes, how the spec says to read them, and the outcome."""

    content: bytes
    rows: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    rejected: list[tuple[int, str | None, str]] = field(default_factory=list)
    refused: str = ""  # A pattern of the error that refuses the whole file.
    how: dict[str, Any] = field(default_factory=dict)
    name: str = "people.csv"


def zipped(text: bytes) -> bytes:
    """Gzip of two members, as appended logs have."""
    return gzip.compress(text[:7]) + gzip.compress(text[7:])


MANY = b"".join(b"ann,%d,1.5\n" % number for number in range(400))
HEADER = {"header": True}

CSV = {
    "too few fields": Case(b"ann,1,1.5\nbob,2\n", [ANN], [(2, None, "2 fields, expected 3")]),
    "too many fields": Case(b"ann,1,1.5\nbob,2,3,4\n", [ANN], [(2, None, "4 fields, expected 3")]),
    "a truncated last line": Case(b"ann,1,1.5\nbob", [ANN], [(2, None, "1 field, expected 3")]),
    "a last line without its end": Case(b"ann,1,1.5\nbob,2,3", [ANN, (2, ("bob", 2, 3.0))]),
    "a word for a number": Case(
        b"ann,1,1.5\nbob,abc,2\n", [ANN], [(2, "age", "'abc' is no int64")]
    ),
    "a decimal for a whole number": Case(
        b"bob,1.0,2\nann,1,1.5\n", [(2, ANN[1])], [(1, "age", "'1.0' is no int64")]
    ),
    "a number beyond int64": Case(
        b"ann,1,1.5\nbob,9223372036854775808,1\n",
        [ANN],
        [(2, "age", "'9223372036854775808' is no int64")],
    ),
    "a hexadecimal number": Case(
        b"bob,0x1A,2\nann,1,1.5\n", [(2, ANN[1])], [(1, "age", "'0x1A' is no int64")]
    ),
    "blanks around a number": Case(
        b"bob, 2,2\nann,1,1.5\n", [(2, ANN[1])], [(1, "age", "' 2' is no int64")]
    ),
    "1e999, which every reader takes for infinity": Case(
        b"ann,1,1.5\nbob,2,1e999\n", [ANN], [(2, "height", "the number 1e999 is not finite")]
    ),
    "a number of 400 digits": Case(
        f"ann,1,1.5\nbob,2,{HUGE}\n".encode(),
        [ANN],
        [(2, "height", f"the number {HUGE[:60]}… is not finite")],
    ),
    "nan and inf": Case(
        b"ann,1,1.5\nbob,2,nan\ncy,3,-Infinity\n",
        [ANN],
        [(2, "height", "'nan' is no float64"), (3, "height", "'-Infinity' is no float64")],
    ),
    "missing values": Case(b"ann,1,1.5\n,,\n", [ANN, (2, (None, None, None))]),
    "other missing markers": Case(
        b"ann,1,1.5\n?,NA,\n",
        [ANN],
        [(2, "height", "'' is no float64")],
        how={"missing": ["?", "NA"]},
    ),
    "an unclosed quote before good rows": Case(
        b'ann,1,1.5\n"bob,2,2\ncy,3,3.5\ndora,4,4.5\n',
        [ANN, (3, ("cy", 3, 3.5)), (4, ("dora", 4, 4.5))],
        [(2, None, "a quote opened here is not closed")],
    ),
    "an unclosed quote before quoted rows": Case(
        b'ann,1,1.5\n"bob,2,2\n"cy",3,3.5\n',
        [ANN, (3, ("cy", 3, 3.5))],
        [(2, None, "a quote opened here is not closed")],
    ),
    "text behind a closing quote": Case(
        b'ann,1,1.5\n"b"ob,2,2\ncy,3,3.5\n',
        [ANN, (3, ("cy", 3, 3.5))],
        [(2, None, "text behind a closing quote")],
    ),
    "line breaks inside quotes": Case(
        b'"an\nn",1,1.5\n"b\r\n\r\nob",2,2\ncy,3,3.5\n',
        [(1, ("an\nn", 1, 1.5)), (3, ("b\r\n\r\nob", 2, 2.0)), (6, ("cy", 3, 3.5))],
    ),
    "records inside quotes": Case(
        b'"ann\nbob,2,2\n",1,1.5\ncy,3,3.5\n',
        [(1, ("ann\nbob,2,2\n", 1, 1.5)), (4, ("cy", 3, 3.5))],
    ),
    "doubled quotes, delimiters and formulas in quotes": Case(
        b'"a""n,n",1,1.5\n"=cmd|\' /C calc\'!A0",2,2\n',
        [(1, ('a"n,n', 1, 1.5)), (2, ("=cmd|' /C calc'!A0", 2, 2.0))],
    ),
    "every way to end a line": Case(
        b"ann,1,1.5\r\nbob,2,2\rcy,3,3.5\n\n\r\n \t\ndora,4,4.5",
        [ANN, (2, ("bob", 2, 2.0)), (3, ("cy", 3, 3.5)), (7, ("dora", 4, 4.5))],
    ),
    "a NUL character": Case(b"ann,1,1.5\nb\0b,2,2\n", [ANN], [(2, "name", "a NUL character")]),
    "mixed encodings": Case(
        "ann,1,1.5\nZoë,2,2\n".encode() + "Zoë,3,3.5\n".encode("latin-1") + b"bob,4,4.5\n",
        [ANN, (2, ("Zoë", 2, 2.0)), (4, ("bob", 4, 4.5))],
        [(3, "name", "byte 0xeb is not utf-8")],
    ),
    "an encoded surrogate": Case(
        b"ann,1,1.5\n\xed\xa0\x80,2,2\n", [ANN], [(2, "name", "byte 0xed is not utf-8")]
    ),
    "a byte order mark": Case(
        b"\xef\xbb\xbfname,age,height\nann,1,1.5\n", [(2, ANN[1])], how=HEADER
    ),
    "a byte order mark inside": Case(
        b"ann,1,1.5\n\xef\xbb\xbfbob,2,2\n", [ANN, (2, ("\ufeffbob", 2, 2.0))]
    ),
    "utf-16": Case(
        "ann,1,1.5\r\n€,2,2\n".encode("utf-16"),
        [ANN, (2, ("€", 2, 2.0))],
        how={"encoding": "utf-16"},
    ),
    "half a pair in utf-16": Case(
        "ann,1,1.5\nb".encode("utf-16-le") + b"\x00\xd8" + "b,2,2\n".encode("utf-16-le"),
        [ANN],
        [(2, "name", "byte 0x00 is not utf-16-le")],
        how={"encoding": "utf-16-le"},
    ),
    "half a character at the end of utf-16": Case(
        "\ufeffann,1,1.5\nbob,2,2".encode("utf-16-le") + b"3",
        [ANN],
        [(2, "height", "byte 0x33 is not utf-16-le")],
        how={"encoding": "utf-16-le"},
    ),
    "a byte that cp1252 does not have": Case(
        b"ann,1,1.5\nZo\xeb,2,2\nb\x81b,3,3\n",
        [ANN, (2, ("Zoë", 2, 2.0))],
        [(3, "name", "byte 0x81 is not cp1252")],
        how={"encoding": "cp1252"},
    ),
    "half a pair in utf-7": Case(
        b"ann,1,1.5\n+2AA-,2,2\n",
        [ANN],
        [(2, "name", "U+D800 is no character")],
        how={"encoding": "utf-7"},
    ),
    "a line beyond the limit": Case(
        b"ann,1,1.5\n" + b"b" * 2000 + b",2,2\ncy,3,3.5\n",
        [ANN, (3, ("cy", 3, 3.5))],
        [(2, None, "longer than 1,024 bytes")],
        how={"max_record_bytes": 1024},
    ),
    "a quoted record beyond the limit": Case(
        b'ann,1,1.5\n"b\n' + b"x,2,2\n" * 200 + b'",2,2\n',
        [ANN, *((line, ("x", 2, 2.0)) for line in range(3, 203))],
        [
            (2, None, "a quote opened here is not closed"),
            (203, None, "a quote opened here is not closed"),
        ],
        how={"max_record_bytes": 1024},
    ),
    "comments and blanks": Case(
        b'|x\nann, 1, 1.5\n\n|y,"z\nbob, 2, "2"\n',
        [(2, ANN[1]), (5, ("bob", 2, 2.0))],
        how={"comment": "|", "skip_initial_space": True},
    ),
    "a dialect of its own": Case(
        b"'a;''nn';1;1.5\nbo\"b;2;2\n",
        [(1, ("a;'nn", 1, 1.5)), (2, ('bo"b', 2, 2.0))],
        how={"delimiter": ";", "quote": "'"},
    ),
    "gzip of two members": Case(
        zipped(b"ann,1,1.5\nbob,2,2\n"), [ANN, (2, ("bob", 2, 2.0))], name="people.csv.gz"
    ),
    "gzip by its magic alone": Case(zipped(b"ann,1,1.5\n"), [ANN]),
    "truncated gzip": Case(
        gzip.compress(MANY)[:-200],
        refused=r"^data/people\.csv\.gz: truncated or damaged gzip .*fetch it again$",
        name="people.csv.gz",
    ),
    "gzip without its checksum": Case(
        gzip.compress(MANY)[:-6], refused="truncated or damaged gzip"
    ),
    "flipped bits in gzip": Case(
        gzip.compress(MANY)[:-6] + b"\xff" + gzip.compress(MANY)[-5:],
        refused="truncated or damaged gzip",
    ),
    "something behind gzip": Case(
        gzip.compress(MANY) + b"ann,1,1.5\n", refused="truncated or damaged gzip"
    ),
    "gzip by its name alone": Case(
        b"ann,1,1.5\n", refused=r"ends in \.gz but is not gzip", name="people.csv.gz"
    ),
    "an empty file": Case(b"", refused=r"^data/people\.csv: no rows; expected 3 columns"),
    "an empty file that should have a header": Case(
        b"\n\n", refused="empty; expected a header with name, age, height", how=HEADER
    ),
    "only a header": Case(b"name,age,height\n", refused="no rows below the header", how=HEADER),
    "only comments": Case(b"#a\n\n", refused="no rows; expected 3 columns", how={"comment": "#"}),
    "another header": Case(
        b"name,years,height\nann,1,1.5\n",
        refused=r"people\.csv:1: the header names 'years' where `columns` declares 'age'; declare",
        how=HEADER,
    ),
    "a shorter header": Case(
        b"name,age\nann,1\n",
        refused="names 'nothing' where `columns` declares 'height'",
        how=HEADER,
    ),
    "a longer header": Case(
        b"name,age,height,x\nann,1,1.5,2\n", refused="names 'x' where .* 'nothing'", how=HEADER
    ),
    "a header twice": Case(
        b"name,age,height\nann,1,1.5\nname,age,height\n",
        [(2, ANN[1])],
        [(3, "age", "'age' is no int64")],
        how=HEADER,
    ),
    "a header that is not closed": Case(
        b'"name,age,height\nann,1,1.5\n',
        refused=r":1: the header cannot be read: a quote",
        how=HEADER,
    ),
    "a header that is not declared": Case(
        b"name,age,height\nann,1,1.5\n", refused="the file has a header; set source.header to true"
    ),
    "another delimiter": Case(
        b"ann;1;1.5\nbob;2;2\n",
        refused=r"every line has 1 field with source\.delimiter ',', expected 3; ';' would give 3",
    ),
    "another delimiter below a header": Case(
        b"name;age;height\nann;1;1.5\n",
        refused="the header has 1 field.*';' would give 3",
        how=HEADER,
    ),
    "a blank line beyond the limit": Case(
        b"ann,1,1.5\n" + b" " * 1030 + b"x\n",
        [ANN],
        [(2, None, "longer than 1,024 bytes")],
        how={"max_record_bytes": 1024},
    ),
    "a comment beyond the limit": Case(
        b"ann,1,1.5\n#" + b" " * 1030 + b"x\n",
        [ANN],
        how={"max_record_bytes": 1024, "comment": "#"},
    ),
    "no table at all": Case(b"hello\nworld\n", refused="every line has 1 field.*right file"),
    "an unknown encoding": Case(
        b"ann,1,1.5\n",
        refused="source.encoding 'utf-9' is no text encoding",
        how={"encoding": "utf-9"},
    ),
    "an encoding of bytes": Case(
        b"ann,1,1.5\n", refused="'hex' is no text encoding", how={"encoding": "hex"}
    ),
    "utf-16 read as utf-8": Case(
        "ann,1,1.5\n".encode("utf-16"),
        refused="begins with the mark of utf-16; set source.encoding",
    ),
    "a zip archive": Case(b"PK\x03\x04\x14\0", refused="is a zip archive, not text"),
    "Parquet": Case(b"PAR1\x15\x04", refused="is Parquet, not text; .* correct source.kind"),
}
